import { grouped } from '../../core/figures.ts'
import { stringifyJson } from '../../core/json.ts'
import { Moment } from '../frame/elements.tsx'
import type { PipelineDetails } from './row.ts'

type Pipeline = PipelineDetails['pipeline']

/** The threshold that applies to the pipeline, and where it comes from. */
export const describeThreshold = (pipeline: Pipeline, check: 'freshness' | 'timeliness'): string => {
  const describe = (owner: Pipeline | Pipeline['type'], source: string) => {
    const number = owner[`${check}_number`]
    return number === null ? undefined : `${number} ${owner[`${check}_datepart`]}${number === 1 ? '' : 's'} (${source})`
  }
  const threshold = describe(pipeline, 'its own') ?? describe(pipeline.type, `from its type ${pipeline.type.name}`)
  if (!threshold) return 'no threshold: not checked'
  if (pipeline[`mute_${check}_check`]) return `${threshold}, muted for this pipeline`
  return pipeline.type[`mute_${check}_check`] ? `${threshold}, muted for its type` : threshold
}

/** A text; if it is an address, for example of a repository or a runbook, a link. */
export const Linked = ({ text }: { text: string }) =>
  /^https:\/\/\S+$/.test(text) ? <a href={text}>{text.replace(/^https:\/\//, '')}</a> : <span>{text}</span>

const describeWatermarkCheck = ({ stall_runs, allow_regress, max_gap }: NonNullable<Pipeline['watermark_check']>): string =>
  [
    allow_regress ? 'it may go back' : 'it may not go back',
    max_gap === null
      ? 'runs begin anywhere'
      : max_gap === 0
        ? 'no run begins beyond it'
        : `a run begins at most ${grouped(max_gap, 3)} beyond it`,
    ...(stall_runs === null
      ? []
      : [`at most ${grouped(stall_runs - 1)} good ${stall_runs === 2 ? 'run' : 'runs in a row'} may leave it as it is`]),
  ].join(', ')

export const Settings = ({ pipeline, now }: { pipeline: Pipeline; now: string }) => (
  <section class="panel" aria-label="Settings">
    <h2>Settings</h2>
    <dl class="facts">
      <dt>Watermark → next watermark</dt>
      <dd>
        {pipeline.watermark ?? 'none'} → {pipeline.next_watermark ?? 'none'}
      </dd>
      {pipeline.watermark_check ? (
        <>
          <dt>Watermark check</dt>
          <dd>{describeWatermarkCheck(pipeline.watermark_check)}</dd>
        </>
      ) : null}
      {(['insert', 'update', 'soft_delete'] as const).map((kind) => (
        <>
          <dt>Last {kind.replace('_', ' ')}</dt>
          <dd>
            <Moment at={pipeline[`last_target_${kind}`]} as="ago" now={now} />
          </dd>
        </>
      ))}
      {pipeline.openlineage ? (
        <>
          <dt>Runs come from</dt>
          <dd>
            OpenLineage: job <code>{pipeline.openlineage.name}</code> in <code>{pipeline.openlineage.namespace}</code>
          </dd>
        </>
      ) : null}
      <dt>Load lineage</dt>
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
          <dd>{typeof value === 'string' ? <Linked text={value} /> : stringifyJson(value)}</dd>
        </>
      ))}
    </dl>
  </section>
)

export const Lineage = ({ details: { sources, targets, downstream, downstream_count: count } }: { details: PipelineDetails }) => (
  <section class="panel" aria-label="Lineage" id="lineage">
    <h2>Lineage</h2>
    {sources.length + targets.length === 0 ? (
      <p class="soft">
        No lineage yet. Record what this pipeline reads and writes with <code>POST /address_lineage</code>.
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
