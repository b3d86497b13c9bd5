import { grouped, roughly } from '../../core/figures.ts'
import { Action, Badge, Moment } from '../frame/elements.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import type { Run } from './row.ts'

/** What rules have flagged of a run, in words, and what a person can do about it. */
export const Flags = ({ run, mayWrite }: { run: Run; mayWrite: boolean }) => (
  <>
    {run.flags.map((flag) => (
      <>
        <dt>
          <Badge state="anomalous">{METRIC_NAMES[flag.metric_field]}</Badge>
        </dt>
        <dd>
          {flag.explanation ??
            `${roughly(flag.violation_value)}, usually ${roughly(flag.baseline_value)}${
              flag.deviation_percentage === null ? '' : ` (${grouped(flag.deviation_percentage, 1)} %)`
            }`}
          {flag.new_level_since === null ? '' : '. A new level since '}
          {flag.new_level_since === null ? null : <Moment at={flag.new_level_since} />}{' '}
          {mayWrite && flag.new_level_since !== null ? (
            <Action
              path={`/anomaly_detection_rule/${flag.rule_id}/accept_level`}
              ask={`Accept the new level of ${METRIC_NAMES[flag.metric_field]}? Runs before it do not count any more, and its flags are withdrawn.`}
              done="The new level counts"
            >
              Accept the new level
            </Action>
          ) : null}{' '}
          {mayWrite ? (
            <Action
              path="/unflag_anomaly"
              body={{ pipeline_id: run.pipeline_id, pipeline_execution_id: run.id, metric_field: [flag.metric_field] }}
              ask={`Unflag ${METRIC_NAMES[flag.metric_field]} of run ${run.id}? The run then counts as normal.`}
            >
              Not an anomaly
            </Action>
          ) : null}
        </dd>
      </>
    ))}
  </>
)
