import { duration, grouped } from '../../core/figures.ts'
import { stringifyJson } from '../../core/json.ts'
import { Empty, Moment, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { RunBadges, RunTime, type ShownRun, secondsOf, Why } from '../frame/run.tsx'
import { Flags } from './flags.tsx'
import { Log } from './log.tsx'
import { MAX_PARTS, RUN_ROWS } from './queries.ts'
import type { PipelineDetails, Run } from './row.ts'
import type { PipelineQuery } from './shape.ts'

type Scope = ViewScope<PipelineQuery>

/** A run with what its pipeline's runs are like, as all pages show runs. A part that is a run of another pipeline is not compared. */
export const shownRun = (run: Run, { pipeline, activity }: PipelineDetails): ShownRun => {
  const usual = run.pipeline_id === pipeline.id ? activity : null
  return { ...run, longest_seconds: usual?.longest_seconds ?? null, typical_rows: usual?.typical_rows ?? null }
}

/** One run in detail: its outcome and the reason, its anomalies, and what lies downstream. */
export const ChosenRun = ({
  run,
  downstream,
  caller,
  link,
  now,
}: Scope & { run: NonNullable<PipelineDetails['chosen']>; downstream: PipelineDetails }) => (
  <section class="panel" aria-label={`Run ${run.id}`} id="chosen">
    <div class="row">
      <h2>
        Run {run.id} <RunBadges run={shownRun(run, downstream)} now={now} />
      </h2>
      <a href={link({ execution: undefined })}>Close</a>
    </div>
    <dl class="facts">
      <dt>Started</dt>
      <dd>
        <Moment at={run.start_date} />
      </dd>
      <dt>{run.end_date === null ? 'Running for' : 'Duration'}</dt>
      <dd>{duration(secondsOf(shownRun(run, downstream), now))}</dd>
      {run.completed_successfully === false ? (
        <>
          <dt>Why it failed</dt>
          <dd>
            <Why run={run} />
          </dd>
        </>
      ) : null}
      {run.failed_parts.length > 0 ? (
        <>
          <dt>Failed parts</dt>
          <dd>
            {run.failed_parts.map(({ id, pipeline_id, pipeline_name }, place) => (
              <>
                {place > 0 ? ', ' : ''}
                <a href={`/pipelines/${pipeline_id}?execution=${id}`}>{pipeline_name}</a>
              </>
            ))}
          </dd>
        </>
      ) : null}
      <dt>Rows</dt>
      <dd>
        {grouped(run.total_rows)} ({grouped(run.inserts)} inserted, {grouped(run.updates)} updated, {grouped(run.soft_deletes)}{' '}
        soft-deleted)
      </dd>
      <dt>Watermark → next watermark</dt>
      <dd>
        {run.watermark ?? 'none'} → {run.next_watermark ?? 'none'}
      </dd>
      {run.parent_id === null ? null : (
        <>
          <dt>Part of</dt>
          <dd>
            <a href={`/executions/${run.parent_id}`}>run {run.parent_id}</a>
          </dd>
        </>
      )}
      <dt>Downstream</dt>
      <dd>
        {downstream.downstream_count === 0 ? (
          'no known pipeline'
        ) : (
          <a href="#lineage">{`${grouped(downstream.downstream_count)} ${downstream.downstream_count === 1 ? 'pipeline' : 'pipelines'}`}</a>
        )}
        {downstream.targets[0] ? (
          <>
            {' · '}
            <a href={`/lineage-graph?address=${downstream.targets[0].id}&direction=downstream`}>Lineage graph</a>
          </>
        ) : null}
      </dd>
      <Flags run={run} mayWrite={caller.mayWrite} />
    </dl>
    <Log logs={run.logs} isOpen={run.completed_successfully === false} />
    {run.metadata && Object.keys(run.metadata).length > 0 ? (
      <details>
        <summary>Metadata</summary>
        <pre>{stringifyJson(run.metadata)}</pre>
      </details>
    ) : null}
  </section>
)

/** The table of runs; the parts of a run follow below it, at every depth. */
export const Runs = ({ details, query, link, now }: Scope & { details: PipelineDetails }) => {
  const { runs, parts } = details
  const shown = runs.slice(0, RUN_ROWS)
  if (shown.length === 0) {
    return query.before === undefined ? (
      <Empty title="No runs yet">
        <p>
          A run begins with <code>POST /start_pipeline_execution</code> and ends with <code>POST /end_pipeline_execution</code>: see the{' '}
          <a href="/scalar">API docs</a>.
        </p>
      </Empty>
    ) : (
      <Empty title="No earlier runs">
        <p>
          <a href={link({ before: undefined })}>Back to the newest runs</a>
        </p>
      </Empty>
    )
  }
  const partsOf = Map.groupBy(parts.slice(0, MAX_PARTS), ({ parent_id }) => parent_id)
  const tree = (run: Run, depth: number): { run: Run; depth: number }[] => [
    { run, depth },
    ...(partsOf.get(run.id) ?? []).flatMap((part) => tree(part, depth + 1)),
  ]
  return (
    <>
      <Table
        label="Runs"
        isStacked
        columns={[
          'Run',
          'State',
          'Started',
          { number: 'Time' },
          { number: 'Rows' },
          { number: 'Inserts' },
          { number: 'Updates' },
          { number: 'Soft deletes' },
          'Why it failed',
        ]}
      >
        {shown.map((run) => {
          const [own, ...below] = tree(run, 0)
          const isOpen = below.length <= MAX_OPEN_PARTS || query.parts === run.id || below.some((part) => part.run.id === query.execution)
          return (
            <>
              {[...(own ? [own] : []), ...(isOpen ? below : [])].map((row) => (
                <Row {...row} details={details} isChosen={row.run.id === query.execution} link={link} now={now} />
              ))}
              {isOpen ? null : <Collapsed run={run} parts={below.map((part) => part.run)} link={link} />}
            </>
          )
        })}
      </Table>
      {parts.length > MAX_PARTS ? (
        <p>Only {grouped(MAX_PARTS)} parts of these runs are shown, starting with those of the newest runs.</p>
      ) : null}
      <nav class="pager" aria-label="More runs">
        {query.before === undefined ? <span /> : <a href={link({ before: undefined })}>← Newest</a>}
        {runs.length > RUN_ROWS ? <a href={link({ before: shown.at(-1)?.id })}>Earlier →</a> : <span />}
      </nav>
    </>
  )
}

/** So many parts are shown with their run; more are counted. */
const MAX_OPEN_PARTS = 5

const Collapsed = ({ run, parts, link }: { run: Run; parts: Run[]; link: Scope['link'] }) => {
  const failed = parts.filter(({ completed_successfully }) => completed_successfully === false).length
  const running = parts.filter(({ end_date }) => end_date === null).length
  return (
    <tr>
      <td colspan={9} class="collapsed">
        <span aria-hidden="true">└ </span>
        <a href={link({ parts: run.id })}>{grouped(parts.length)} parts</a>
        {failed > 0 ? `, ${grouped(failed)} failed` : ''}
        {running > 0 ? `, ${grouped(running)} running` : ''}
      </td>
    </tr>
  )
}

interface RowProps {
  run: Run
  depth: number
  details: PipelineDetails
  isChosen: boolean
  link: Scope['link']
  now: string
}

const Row = ({ run, depth, details, isChosen, link, now }: RowProps) => (
  <tr class={isChosen ? 'chosen' : undefined} id={`run-${run.id}`}>
    <th scope="row" style={depth > 0 ? `padding-left: ${0.8 + depth * 1.4}rem` : undefined}>
      {depth > 0 ? <span aria-hidden="true">└ </span> : null}
      {depth === 0 ? (
        <a href={link({ execution: run.id })}>{run.id}</a>
      ) : (
        <>
          <span class="visually-hidden">part, level {depth}: </span>
          <a href={`/pipelines/${run.pipeline_id}?execution=${run.id}`}>{run.id}</a> <small>{run.pipeline_name}</small>
        </>
      )}
    </th>
    <td data-label="State">
      <RunBadges run={shownRun(run, details)} now={now} />
    </td>
    <td data-label="Started" class="moment">
      <Moment at={run.start_date} />
    </td>
    <td data-label="Time" class="number">
      <RunTime run={shownRun(run, details)} now={now} />
    </td>
    <td data-label="Rows" class="number">
      {grouped(run.total_rows)}
    </td>
    {(
      [
        ['Inserts', run.inserts],
        ['Updates', run.updates],
        ['Soft deletes', run.soft_deletes],
      ] as const
    ).map(([label, count]) => (
      <td data-label={label} class="number detail">
        {grouped(count)}
      </td>
    ))}
    <td data-label="Why it failed" class="why">
      <Why run={run} />
    </td>
  </tr>
)
