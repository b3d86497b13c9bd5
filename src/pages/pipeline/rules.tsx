import type { MetricField } from '../../checks/anomalies/verdict.ts'
import { grouped } from '../../core/figures.ts'
import { Action, Empty, Table } from '../frame/elements.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import type { PipelineDetails } from './row.ts'
import { SUGGESTED_FROM } from './shape.ts'

type Rule = PipelineDetails['rules'][number]

const SEASONS: Record<string, string> = {
  auto: 'of the same hour and weekday, else of the hour, else of all',
  hour: 'of the same hour',
  hour_of_week: 'of the same hour and weekday',
  none: 'of all',
}
const SIDES: Record<string, string> = { above: ', only above', below: ', only below' }

/** A rule in words. */
export const describeRule = (rule: Rule): string => {
  const limits = [
    ...(rule.min_value === null ? [] : [`at least ${grouped(rule.min_value, 2)}`]),
    ...(rule.max_value === null ? [] : [`at most ${grouped(rule.max_value, 2)}`]),
  ]
  const times = `${grouped(rule.std_deviation_threshold_multiplier, 2)} ×`
  const band =
    rule.method === 'robust'
      ? [
          `within ${times} the usual spread around the median ${SEASONS[rule.season] ?? ''}, at least ${grouped(rule.min_change_percent, 1)} %${SIDES[rule.direction] ?? ''}`,
        ]
      : rule.method === 'zscore'
        ? [`within ${times} the standard deviation around the mean ${SEASONS[rule.season] ?? ''}${SIDES[rule.direction] ?? ''}`]
        : []
  const since = rule.baseline_from === null ? [] : [`runs since ${rule.baseline_from.slice(0, 10)} count`]
  const words = [...band, ...limits, ...since].join('; ')
  return words === '' ? 'anything: it has no limits' : words
}

export const Rules = ({ details, mayWrite }: { details: PipelineDetails; mayWrite: boolean }) => (
  <>
    <h2>Anomaly rules</h2>
    {details.reported && details.reported.runs >= SUGGESTED_FROM ? (
      <Suggestions details={details} mayWrite={mayWrite} />
    ) : details.rules.length === 0 ? (
      <Empty title="No anomaly rules">
        <p>
          After {SUGGESTED_FROM} good runs this page suggests one. Or add a rule with <code>POST /anomaly_detection_rule</code>. To create
          rules for every new pipeline, set <code>WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES=true</code>.
        </p>
      </Empty>
    ) : (
      <Table label="Anomaly rules" columns={['Metric', 'What is normal', { number: 'Lookback' }, { number: 'Minimum history' }, 'State']}>
        {details.rules.map((rule) => (
          <tr>
            <th scope="row">{METRIC_NAMES[rule.metric_field]}</th>
            <td>{describeRule(rule)}</td>
            <td class="number">{rule.lookback_days} days</td>
            <td class="number">{rule.minimum_executions} runs</td>
            <td>{rule.active ? 'active' : 'inactive'}</td>
          </tr>
        ))}
      </Table>
    )}
  </>
)

/** The metrics that a rule could watch: rows where the last runs report them, and how long runs take, unless they never end by themselves. */
const suggestedMetrics = ({ reported, pipeline }: PipelineDetails): MetricField[] => {
  const rows = (['total_rows', 'inserts', 'updates'] as const).find((metric) => (reported?.[metric] ?? 0) > 0)
  return [...(rows ? [rows] : []), ...(pipeline.is_streaming ? [] : (['duration_seconds'] as const))]
}

/** For a pipeline that no rule watches: what robust rules would have flagged. The script fills in the answer of the preview. */
const Suggestions = ({ details, mayWrite }: { details: PipelineDetails; mayWrite: boolean }) => (
  <section class="panel" aria-label="Suggested rules">
    <p>
      No rule watches this pipeline. A <code>robust</code> rule learns from earlier runs what is normal at each hour and weekday. In the
      last 90 days it would have flagged:
    </p>
    <dl class="facts suggestions">
      {suggestedMetrics(details).map((metric_field) => {
        const body = { pipeline_id: details.pipeline.id, metric_field, method: 'robust' }
        return (
          <>
            <dt>{METRIC_NAMES[metric_field]}</dt>
            <dd>
              <output data-drawn data-suggests={JSON.stringify({ ...body, days: 90 })}>
                …
              </output>{' '}
              {mayWrite ? (
                <Action
                  path="/anomaly_detection_rule"
                  body={body}
                  ask={`Watch ${METRIC_NAMES[metric_field]} of ${details.pipeline.name} with a robust rule?`}
                  done="The rule is there"
                >
                  Create this rule
                </Action>
              ) : null}
            </dd>
          </>
        )
      })}
    </dl>
  </section>
)

const METHODS_TO_TRY = [
  ['robust', 'median and usual spread'],
  ['zscore', 'mean and standard deviation'],
  ['bounds', 'only hard limits'],
] as const

/** Tries a method and a width on past runs: the script asks the preview, and draws rings into the chart. */
export const TryOut = ({
  details: { pipeline, metric },
  days,
  rule,
  mayWrite,
}: {
  details: PipelineDetails
  days: string
  rule: Rule | undefined
  mayWrite: boolean
}) => (
  <details class="tryout">
    <summary>{rule ? 'Try another width' : 'What if a rule watched this?'}</summary>
    <form
      id="tryout"
      data-subject={JSON.stringify(rule ? { id: rule.id } : { pipeline_id: pipeline.id, metric_field: metric })}
      data-activates={rule && !rule.active ? 'true' : undefined}
      data-days={days}
    >
      <label>
        Normal is around{' '}
        <select name="method">
          {METHODS_TO_TRY.filter(([method]) => method !== 'bounds' || rule?.method === 'bounds').map(([method, words]) => (
            <option value={method} selected={method === (rule?.method ?? 'robust')}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        within{' '}
        <input
          type="range"
          name="multiplier"
          min="1"
          max="10"
          step="0.05"
          value={String(rule?.std_deviation_threshold_multiplier ?? 3)}
          aria-label="Width of the normal range"
        />
      </label>
      <output name="width" data-drawn />
      {mayWrite ? (
        <Action
          method={rule ? 'PATCH' : 'POST'}
          path="/anomaly_detection_rule"
          body={{}}
          ask={
            rule
              ? `Judge ${METRIC_NAMES[metric]} like this from now on? What was flagged stays flagged.`
              : `Watch ${METRIC_NAMES[metric]} of ${pipeline.name} with this rule?`
          }
          done={rule ? 'The rule is changed' : 'The rule is there'}
        >
          {rule ? (rule.active ? 'Change the rule' : 'Change and activate the rule') : 'Create this rule'}
        </Action>
      ) : null}
    </form>
    <p id="tried" role="status" data-drawn />
    <ul id="tried-runs" data-drawn />
  </details>
)
