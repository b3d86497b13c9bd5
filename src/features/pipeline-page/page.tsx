import { METRIC_FIELDS } from '../../db/checks.ts'
import { Action, Badge, Embedded, Empty, grouped, Moment, Scrolled } from '../../pages/elements.tsx'
import type { ViewScope } from '../../pages/page.tsx'
import type { MetricField } from '../anomalies/verdict.ts'
import type { Point } from './history.ts'
import type { PipelineDetails } from './queries.ts'
import { DAYS } from './routes.ts'
import { ChosenRun, Runs } from './runs.tsx'

export interface PipelineQuery {
  metric: MetricField
  days: (typeof DAYS)[number]
  before?: number | undefined
  execution?: number | undefined
}
type Scope = ViewScope<PipelineQuery>
type Pipeline = PipelineDetails['pipeline']
type Rule = PipelineDetails['rules'][number]

interface Loaded {
  details: PipelineDetails
  rule: Rule | undefined
  history: Point[]
}

/** What METRIC_FIELDS are called on the page. */
export const METRIC_NAMES: Record<MetricField, string> = {
  duration_seconds: 'Duration (s)',
  inserts: 'Inserts',
  updates: 'Updates',
  soft_deletes: 'Soft deletes',
  total_rows: 'Rows',
  throughput: 'Rows a second',
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
          {last ? (
            <Badge state={last.completed_successfully === null ? 'running' : last.completed_successfully ? 'succeeded' : 'failed'} />
          ) : null}
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
            ask={active ? `Deactivate ${name}? Its checks stop, and its code is told not to run.` : `Activate ${name}?`}
          >
            {active ? 'Deactivate' : 'Activate'}
          </Action>
          <Action
            method="PATCH"
            path="/pipeline"
            body={{ id, mute_freshness_check: !isFreshnessMuted }}
            ask={`${isFreshnessMuted ? 'Check' : 'Do not check'} the freshness of ${name}${isFreshnessMuted ? ' again' : ''}?`}
          >
            {isFreshnessMuted ? 'Unmute freshness' : 'Mute freshness'}
          </Action>
          <Action
            method="PATCH"
            path="/pipeline"
            body={{ id, mute_timeliness_check: !isTimelinessMuted }}
            ask={`${isTimelinessMuted ? 'Check' : 'Do not check'} the timeliness of ${name}${isTimelinessMuted ? ' again' : ''}?`}
          >
            {isTimelinessMuted ? 'Unmute timeliness' : 'Mute timeliness'}
          </Action>
          <Action path={`/anomaly_detection/detect/${id}`} ask={`Judge the latest successful run of ${name} now?`} done="Detection has run">
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
      <p class="soft">No run has ended in these {query.days} days.</p>
    ) : (
      <>
        <div class="chart" id="history" data-drawn role="img" aria-label={describeHistory(history, query.metric)} />
        <Embedded
          id="history-points"
          value={{
            name: METRIC_NAMES[query.metric],
            points: history,
            days: Number(query.days),
            now,
            address: link({ execution: undefined, before: undefined }),
          }}
        />
        <small>
          {rule
            ? `The band is what is normal: ${rule.std_deviation_threshold_multiplier} deviations around the mean of the same hour in the ${rule.lookback_days} days before.`
            : 'No active rule watches this metric: the band shows what one with the defaults would take for normal.'}
        </small>
      </>
    )}
  </section>
)

const describeHistory = (history: Point[], metric: MetricField): string => {
  const values = history.flatMap(({ value }) => (value === null ? [] : [value]))
  const flagged = history.filter(({ isFlagged }) => isFlagged).length
  const range = values.length > 0 ? `, from ${grouped(Math.min(...values), 2)} to ${grouped(Math.max(...values), 2)}` : ''
  return `${METRIC_NAMES[metric]} of ${history.length} runs${range}; ${flagged} flagged. The table of runs below has the numbers.`
}

const check = (pipeline: Pipeline, what: 'freshness' | 'timeliness'): string => {
  const say = (owner: Pipeline | Pipeline['type'], source: string) => {
    const number = owner[`${what}_number`]
    return number === null ? undefined : `${number} ${owner[`${what}_datepart`]}${number === 1 ? '' : 's'} (${source})`
  }
  const rule = say(pipeline, 'its own') ?? say(pipeline.type, `from its type ${pipeline.type.name}`)
  if (!rule) return 'none, not checked'
  const isMuted = pipeline[`mute_${what}_check`] ? ', muted here' : pipeline.type[`mute_${what}_check`] ? ', muted by its type' : ''
  return rule + isMuted
}

const Settings = ({ pipeline, now }: { pipeline: Pipeline; now: string }) => (
  <section class="panel" aria-label="Settings">
    <h3>Settings</h3>
    <dl class="facts">
      <dt>Timeliness</dt>
      <dd>{check(pipeline, 'timeliness')}</dd>
      <dt>Freshness</dt>
      <dd>{check(pipeline, 'freshness')}</dd>
      <dt>Watermark</dt>
      <dd>
        {pipeline.watermark ?? 'none'} → {pipeline.next_watermark ?? 'none'}
      </dd>
      {(['insert', 'update', 'soft_delete'] as const).map((kind) => (
        <>
          <dt>Last {kind.replace('_', ' ')}</dt>
          <dd>
            <Moment at={pipeline[`last_target_${kind}`]} as="ago" now={now} />
          </dd>
        </>
      ))}
      <dt>Asks for lineage</dt>
      <dd>{pipeline.load_lineage ? 'yes' : 'no'}</dd>
      <dt>Full load</dt>
      <dd>{pipeline.full_load ? 'yes' : 'no'}</dd>
      <dt>Created</dt>
      <dd>
        <Moment at={pipeline.created_at} />
      </dd>
      {Object.entries(pipeline.pipeline_metadata ?? {}).map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
        </>
      ))}
    </dl>
  </section>
)

const Lineage = ({ details: { sources, targets, downstream, downstream_count: count } }: { details: PipelineDetails }) => (
  <section class="panel" aria-label="Lineage" id="lineage">
    <h3>Lineage</h3>
    {sources.length + targets.length === 0 ? (
      <p class="soft">
        None is known. A pipeline tells its own with <code>POST /address_lineage</code>.
      </p>
    ) : (
      <dl class="facts">
        <dt>Reads</dt>
        <dd>
          <Addresses addresses={sources} />
        </dd>
        <dt>Writes</dt>
        <dd>
          <Addresses addresses={targets} />
        </dd>
        <dt>Downstream</dt>
        <dd>
          {count === 0 ? 'no pipeline reads what it writes' : `${grouped(count)} ${count === 1 ? 'pipeline' : 'pipelines'}:`}{' '}
          {downstream.map(({ id, name }, index) => (
            <>
              {index > 0 ? ', ' : ''}
              <a href={`/pipelines/${id}`}>{name}</a>
            </>
          ))}
          {count > downstream.length ? ` and ${grouped(count - downstream.length)} more` : ''}
        </dd>
      </dl>
    )}
  </section>
)

const Addresses = ({ addresses }: { addresses: PipelineDetails['sources'] }) => (
  <>
    {addresses.map(({ id, name, deprecated }, index) => (
      <>
        {index > 0 ? ', ' : ''}
        <a href={`/lineage-graph?address=${id}`}>{name}</a>
        {deprecated ? ' (deprecated)' : ''}
      </>
    ))}
  </>
)

const Rules = ({ rules }: { rules: Rule[] }) => (
  <>
    <h2>Anomaly rules</h2>
    {rules.length === 0 ? (
      <Empty title="Nothing watches what is normal here">
        <p>
          Add a rule with <code>POST /anomaly_detection_rule</code>, or let every new pipeline have some:{' '}
          <code>WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES</code>.
        </p>
      </Empty>
    ) : (
      <Scrolled label="Anomaly rules">
        <table>
          <thead>
            <tr>
              <th>Metric</th>
              <th class="number">Deviations allowed</th>
              <th class="number">Looks back</th>
              <th class="number">Needs</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <tr>
                <th scope="row">{METRIC_NAMES[rule.metric_field]}</th>
                <td class="number">{rule.std_deviation_threshold_multiplier}</td>
                <td class="number">{rule.lookback_days} days</td>
                <td class="number">{rule.minimum_executions} runs</td>
                <td>{rule.active ? 'active' : 'switched off'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    )}
  </>
)
