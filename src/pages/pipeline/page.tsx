import type { MetricField } from '../../checks/anomalies/verdict.ts'
import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import { Embedded } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { Lineage, Settings } from './about.tsx'
import { Heading } from './heading.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import type { PipelineDetails } from './row.ts'
import { describeRule, Rules, TryOut } from './rules.tsx'
import { ChosenRun, Runs } from './runs.tsx'
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
    <History history={history} metric={details.metric} rule={rule} details={details} {...scope} />
    <h2 id="runs">Runs</h2>
    <Runs details={details} {...scope} />
    <div class="columns">
      <Settings pipeline={details.pipeline} now={scope.now} />
      <Lineage details={details} />
    </div>
    <Rules details={details} mayWrite={scope.caller.mayWrite} />
  </>
)

const History = ({
  history,
  metric: shown,
  rule,
  details,
  query,
  link,
  now,
  caller,
}: Scope & { history: Point[]; metric: MetricField; rule: Rule | undefined; details: PipelineDetails }) => (
  <section class="panel" aria-label="History">
    <div class="row">
      <nav class="legend" aria-label="Metric">
        {METRIC_FIELDS.filter(
          (metric) => metric !== 'rows_ratio' || metric === shown || details.rules.some((known) => known.metric_field === metric),
        ).map((metric) => (
          <a href={link({ metric })} aria-current={metric === shown ? 'true' : undefined}>
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
        <div class="chart" id="history" data-drawn role="img" aria-label={describeHistory(history, shown, details.is_sampled)} />
        <p class="legend keys" aria-hidden="true">
          {keysOf(history, rule, shown, details).map(([tone, words]) => (
            <span class={`key ${tone}`}>{words}</span>
          ))}
          <output id="history-reading" />
        </p>
        <Embedded
          id="history-points"
          value={
            {
              name: METRIC_NAMES[shown],
              isTime: shown === 'duration_seconds',
              points: history,
              days: Number(query.days),
              now,
              limit: shown === 'duration_seconds' ? limitOf(details) : null,
              running: shown === 'duration_seconds' ? runningOf(details, now) : null,
            } satisfies Chart
          }
        />
        {history.some(({ runs }) => runs > 1) ? (
          <p>
            There are too many runs to draw each: a point is the median of the runs of some time, the grey band reaches from the smallest to
            the largest.
            {details.is_sampled ? ' Of so many runs the chart reads an even sample; marks stand for all failed and flagged ones.' : ''}
          </p>
        ) : null}
        <small>
          {rule
            ? `The normal range: ${describeRule(rule)}.`
            : 'No active rule watches this metric: the band shows the normal range of a rule with the default settings.'}
        </small>
        <TryOut
          details={details}
          days={query.days}
          rule={details.rules.find(({ metric_field }) => metric_field === shown)}
          mayWrite={caller.mayWrite}
        />
      </>
    )}
  </section>
)

/** The marks of the chart in words. */
const keysOf = (
  history: Point[],
  rule: Rule | undefined,
  metric: MetricField,
  details: PipelineDetails,
): [tone: string, words: string][] => [
  ['line', METRIC_NAMES[metric]],
  ...(history.some(({ upper }) => upper !== null)
    ? [['band', rule ? 'normal range' : 'normal range of a default rule'] as [string, string]]
    : []),
  ...(history.some(({ flags }) => flags > 0) ? [['anomalous', 'flagged'] as [string, string]] : []),
  ...(history.some(({ failures }) => failures > 0) ? [['failed', 'failed'] as [string, string]] : []),
  ...(metric === 'duration_seconds' && limitOf(details) ? [['late', 'threshold'] as [string, string]] : []),
  ...(metric === 'duration_seconds' && details.runs.some(({ end_date }) => end_date === null)
    ? [['running', 'running now'] as [string, string]]
    : []),
]

const SECONDS_OF: Record<string, number> = { minute: 60, hour: 3_600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 }

/** The timeliness threshold in seconds; a month counts as 30 days. */
const limitOf = ({ pipeline }: PipelineDetails): Chart['limit'] => {
  const { timeliness_number: number, timeliness_datepart: datepart } = pipeline.timeliness_number === null ? pipeline.type : pipeline
  const seconds = SECONDS_OF[datepart ?? '']
  return number === null || seconds === undefined ? null : { value: number * seconds, words: `threshold ${duration(number * seconds)}` }
}

const runningOf = ({ runs }: PipelineDetails, now: string): Chart['running'] => {
  const running = runs.find(({ end_date }) => end_date === null)
  return running ? { start_date: running.start_date, value: Math.max(0, secondsBetween(running.start_date, now)) } : null
}

const describeHistory = (history: Point[], metric: MetricField, isSampled: boolean): string => {
  const values = history.flatMap(({ least, most }) => (least === null || most === null ? [] : [least, most]))
  const [runs, flagged] = [sumOf(history, 'runs'), sumOf(history, 'flags')]
  const range = values.length > 0 ? `, from ${grouped(Math.min(...values), 2)} to ${grouped(Math.max(...values), 2)}` : ''
  return `${METRIC_NAMES[metric]} of ${isSampled ? 'a sample of ' : ''}${grouped(runs)} runs${range}; ${grouped(flagged)} flagged. The table of runs below has the numbers.`
}

const sumOf = (history: Point[], name: 'runs' | 'flags'): number => history.reduce((sum, point) => sum + point[name], 0)
