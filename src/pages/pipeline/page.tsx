import type { MetricField } from '../../checks/anomalies/verdict.ts'
import { grouped } from '../../core/figures.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { Action, Badge, Embedded } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { Lineage, Rules, Settings } from './about.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import type { PipelineDetails } from './queries.ts'
import { ChosenRun, outcomeOf, Runs } from './runs.tsx'
import { type History as Chart, DAYS, type PipelineQuery, type Point } from './shape.ts'

type Scope = ViewScope<PipelineQuery>
type Rule = PipelineDetails['rules'][number]

interface Loaded {
  details: PipelineDetails
  rule: Rule | undefined
  history: Point[]
}

export const PipelinePage = ({ details, rule, history }: Loaded, scope: Scope) => (
  <>
    <Heading details={details} {...scope} />
    {details.chosen ? <ChosenRun run={details.chosen} downstream={details} {...scope} /> : null}
    <History history={history} rule={rule} {...scope} />
    <h2 id="runs">Runs</h2>
    <Runs details={details} {...scope} />
    <div class="columns">
      <Settings pipeline={details.pipeline} now={scope.now} />
      <Lineage details={details} />
    </div>
    <Rules rules={details.rules} />
  </>
)

const Heading = ({ details: { pipeline, runs }, caller }: Scope & { details: PipelineDetails }) => {
  const { id, name, active, mute_freshness_check: isFreshnessMuted, mute_timeliness_check: isTimelinessMuted } = pipeline
  const last = runs[0]
  return (
    <div class="row">
      <div>
        <h1>{name}</h1>
        <p class="legend">
          <span class="soft">
            {pipeline.type.name} · id {id}
          </span>
          {active ? null : <Badge state="inactive" />}
          {last ? <Badge state={outcomeOf(last)} /> : null}
          {isFreshnessMuted ? <Badge state="inactive">freshness muted</Badge> : null}
          {isTimelinessMuted ? <Badge state="inactive">timeliness muted</Badge> : null}
        </p>
      </div>
      {caller.mayWrite ? (
        <div class="legend">
          <Action
            method="PATCH"
            path="/pipeline"
            body={{ id, active: !active }}
            ask={active ? `Deactivate ${name}? Its checks stop, and Watcher tells its code not to run.` : `Activate ${name}?`}
          >
            {active ? 'Deactivate' : 'Activate'}
          </Action>
          {(['freshness', 'timeliness'] as const).map((check) => {
            const isMuted = pipeline[`mute_${check}_check`]
            return (
              <Action
                method="PATCH"
                path="/pipeline"
                body={{ id, [`mute_${check}_check`]: !isMuted }}
                ask={isMuted ? `Unmute the ${check} check of ${name}?` : `Mute the ${check} check of ${name}? It then reports nothing.`}
              >
                {isMuted ? 'Unmute' : 'Mute'} {check}
              </Action>
            )
          })}
          <Action
            path={`/anomaly_detection/detect/${id}`}
            ask={`Check the latest successful run of ${name} for anomalies?`}
            done="Detection has run"
          >
            Run detection
          </Action>
        </div>
      ) : null}
    </div>
  )
}

const History = ({ history, rule, query, link, now }: Scope & { history: Point[]; rule: Rule | undefined }) => (
  <section class="panel" aria-label="History">
    <div class="row">
      <nav class="legend" aria-label="Metric">
        {METRIC_FIELDS.map((metric) => (
          <a href={link({ metric })} aria-current={metric === query.metric ? 'true' : undefined}>
            {METRIC_NAMES[metric]}
          </a>
        ))}
      </nav>
      <nav class="legend" aria-label="Days">
        {DAYS.map((days) => (
          <a href={link({ days })} aria-current={days === query.days ? 'true' : undefined}>
            {days} days
          </a>
        ))}
      </nav>
    </div>
    {history.length === 0 ? (
      <p class="soft">No run has ended in the last {query.days} days.</p>
    ) : (
      <>
        <div class="chart" id="history" data-drawn role="img" aria-label={describeHistory(history, query.metric)} />
        <Embedded
          id="history-points"
          value={{ name: METRIC_NAMES[query.metric], points: history, days: Number(query.days), now } satisfies Chart}
        />
        {history.some(({ runs }) => runs > 1) ? (
          <p>
            There are too many runs to draw each: a point is the median of the runs of some time, the grey band reaches from the smallest to
            the largest.
          </p>
        ) : null}
        <small>
          {rule
            ? `The band is the normal range: ${rule.std_deviation_threshold_multiplier} standard deviations around the mean of runs in the same hour of the day, in the ${rule.lookback_days} days before.`
            : 'No active rule watches this metric: the band shows the normal range of a rule with the default settings.'}
        </small>
      </>
    )}
  </section>
)

const describeHistory = (history: Point[], metric: MetricField): string => {
  const values = history.flatMap(({ least, most }) => (least === null || most === null ? [] : [least, most]))
  const [runs, flagged] = [sumOf(history, 'runs'), sumOf(history, 'flags')]
  const range = values.length > 0 ? `, from ${grouped(Math.min(...values), 2)} to ${grouped(Math.max(...values), 2)}` : ''
  return `${METRIC_NAMES[metric]} of ${grouped(runs)} runs${range}; ${grouped(flagged)} flagged. The table of runs below has the numbers.`
}

const sumOf = (history: Point[], name: 'runs' | 'flags'): number => history.reduce((sum, point) => sum + point[name], 0)
