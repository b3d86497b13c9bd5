import { duration, grouped, roughly, secondsBetween } from '../../core/figures.ts'
import { stringifyJson } from '../../core/json.ts'
import { Action, Badge, Empty, Moment, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { METRIC_NAMES } from './metric-names.ts'
import { MAX_PARTS, type PipelineDetails, RUN_ROWS, type Run } from './queries.ts'
import type { PipelineQuery } from './shape.ts'

type Scope = ViewScope<PipelineQuery>

/** The badge of a run. A late run shows `late` while it runs; after its end, `late` is a second badge beside the outcome. */
export const outcomeOf = (run: Run): string => {
  if (run.completed_successfully === null) return run.is_late ? 'late' : 'running'
  return run.completed_successfully ? 'succeeded' : 'failed'
}

const Outcome = ({ run }: { run: Run }) => (
  <>
    <Badge state={outcomeOf(run)} /> {run.is_late && run.end_date !== null ? <Badge state="late" /> : null}
  </>
)

const timeOf = (run: Run, now: string): string => duration(run.duration_seconds ?? secondsBetween(run.start_date, run.end_date ?? now))

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
      <h3>
        Run {run.id} <Outcome run={run} />
      </h3>
      <a href={link({ execution: undefined })}>Close</a>
    </div>
    <dl class="facts">
      <dt>Started</dt>
      <dd>
        <Moment at={run.start_date} />
      </dd>
      <dt>{run.end_date === null ? 'Running for' : 'Duration'}</dt>
      <dd>{timeOf(run, now)}</dd>
      {run.completed_successfully === false ? (
        <>
          <dt>Why it failed</dt>
          <dd>{run.why ?? 'The run gave no reason: send execution_metadata with its end.'}</dd>
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
          <dd>run {run.parent_id}</dd>
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
      {run.flags.map((flag) => (
        <>
          <dt>
            <Badge state="anomalous">{METRIC_NAMES[flag.metric_field]}</Badge>
          </dt>
          <dd>
            {roughly(flag.violation_value)}, usually {roughly(flag.baseline_value)}
            {flag.deviation_percentage === null ? '' : ` (${grouped(flag.deviation_percentage, 1)} %)`}{' '}
            {caller.mayWrite ? (
              <Action
                path="/unflag_anomaly"
                body={{ pipeline_id: run.pipeline_id, pipeline_execution_id: run.id, metric_field: [flag.metric_field] }}
                ask={`Unflag ${METRIC_NAMES[flag.metric_field]} of run ${run.id}? The run then counts as normal.`}
              >
                Unflag
              </Action>
            ) : null}
          </dd>
        </>
      ))}
    </dl>
    {run.metadata && Object.keys(run.metadata).length > 0 ? (
      <details>
        <summary>Metadata</summary>
        <pre>{stringifyJson(run.metadata)}</pre>
      </details>
    ) : null}
  </section>
)

/** The table of runs; the parts of a run follow below it, at every depth. */
export const Runs = ({ details: { runs, parts }, query, link, now }: Scope & { details: PipelineDetails }) => {
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
        columns={[
          'Run',
          'Outcome',
          'Started',
          { number: 'Duration' },
          { number: 'Rows' },
          { number: 'Inserts' },
          { number: 'Updates' },
          { number: 'Soft deletes' },
          'Why it failed',
        ]}
      >
        {shown
          .flatMap((run) => tree(run, 0))
          .map(({ run, depth }) => (
            <Row run={run} depth={depth} isChosen={run.id === query.execution} link={link} now={now} />
          ))}
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

const Row = ({ run, depth, isChosen, link, now }: { run: Run; depth: number; isChosen: boolean; link: Scope['link']; now: string }) => (
  <tr class={isChosen ? 'chosen' : undefined} id={`run-${run.id}`}>
    <th scope="row" style={`padding-left: ${0.8 + depth * 1.4}rem`}>
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
    <td>
      <Outcome run={run} /> {run.flags.length > 0 ? <Badge state="anomalous" /> : null}
    </td>
    <td>
      <Moment at={run.start_date} />
    </td>
    <td class="number">{timeOf(run, now)}</td>
    <td class="number">{grouped(run.total_rows)}</td>
    <td class="number">{grouped(run.inserts)}</td>
    <td class="number">{grouped(run.updates)}</td>
    <td class="number">{grouped(run.soft_deletes)}</td>
    <td class="why">{run.completed_successfully === false ? (run.why ?? 'no reason given') : ''}</td>
  </tr>
)
