import { grouped } from '../../core/figures.ts'
import { stringifyJson } from '../../core/json.ts'
import { Empty, Moment, Table } from '../frame/elements.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import type { PipelineDetails } from './queries.ts'

type Pipeline = PipelineDetails['pipeline']
type Rule = PipelineDetails['rules'][number]

/** The rule that holds and whose it is. */
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

export const Settings = ({ pipeline, now }: { pipeline: Pipeline; now: string }) => (
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
          <dd>{typeof value === 'string' ? value : stringifyJson(value)}</dd>
        </>
      ))}
    </dl>
  </section>
)

export const Lineage = ({ details: { sources, targets, downstream, downstream_count: count } }: { details: PipelineDetails }) => (
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

export const Rules = ({ rules }: { rules: Rule[] }) => (
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
      <Table
        label="Anomaly rules"
        columns={['Metric', { number: 'Deviations allowed' }, { number: 'Looks back' }, { number: 'Needs' }, 'State']}
      >
        {rules.map((rule) => (
          <tr>
            <th scope="row">{METRIC_NAMES[rule.metric_field]}</th>
            <td class="number">{rule.std_deviation_threshold_multiplier}</td>
            <td class="number">{rule.lookback_days} days</td>
            <td class="number">{rule.minimum_executions} runs</td>
            <td>{rule.active ? 'active' : 'switched off'}</td>
          </tr>
        ))}
      </Table>
    )}
  </>
)
