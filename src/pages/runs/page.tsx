import { grouped } from '../../core/figures.ts'
import { inMinutes } from '../../core/instant.ts'
import { Empty, Moment, Owner, Pager, Table } from '../frame/elements.tsx'
import { Choice, FilterBar, PipelineFilters } from '../frame/filters.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { RunBadges, RunTime, Why } from '../frame/run.tsx'
import { PERIODS, type Period, type Range } from './period.ts'
import { type ListedRun, PAGE_ROWS, RUN_STATES, type Runs } from './queries.ts'
import { Timeline } from './timeline.tsx'

export interface RunsQuery {
  period: Period
  from?: string | undefined
  to?: string | undefined
  search: string
  owner: string
  tag: string
  type?: number | undefined
  state?: string | undefined
  page: number
}
type Loaded = Runs & { range: Range }

/** The runs of a period across pipelines: a timeline, and the same as a table. */
export const RunsPage = (loaded: Loaded, scope: ViewScope<RunsQuery>) => {
  const { query, now, link } = scope
  const { range, types, is_complete: isComplete } = loaded
  const runs = loaded.runs.slice(0, PAGE_ROWS)
  return (
    <>
      <div class="row">
        <h1>Runs</h1>
        <small>
          started from <Moment at={range.from} /> to <Moment at={range.to} />
        </small>
      </div>
      <FilterBar action="/runs">
        <Choice label="Started" name="period" options={PERIODS} chosen={query.period} />
        {query.period === 'own' ? <OwnTimes range={range} /> : null}
        <PipelineFilters query={query} types={types} />
        <Choice label="State" name="state" all="all" options={RUN_STATES} chosen={query.state} />
      </FilterBar>
      {runs.length === 0 ? (
        <Empty title="No run matches">
          <p>
            <a href="/runs?period=7+d">Show all runs of the last seven days</a>
          </p>
        </Empty>
      ) : (
        <>
          <Timeline runs={runs} range={range} isWhole={query.page === 1 && loaded.runs.length <= PAGE_ROWS} now={now} />
          <RunTable runs={runs} now={now} />
        </>
      )}
      {isComplete ? null : (
        <p class="soft">
          The newest runs of this period were searched. For older ones choose a shorter period, an owner, a type or a name.
        </p>
      )}
      <Pager page={query.page} hasMore={loaded.runs.length > PAGE_ROWS} link={(page) => link({ page })} />
    </>
  )
}

/** Times in UTC, as a browser's field has them. */
const OwnTimes = ({ range: { from, to } }: { range: Range }) => (
  <>
    {[
      ['From (UTC)', 'from', from],
      ['To (UTC)', 'to', to],
    ].map(([label, name, at]) => (
      <label>
        {label}
        <input type="datetime-local" name={name} value={at?.slice(0, 16)} />
      </label>
    ))}
  </>
)

const RunTable = ({ runs, now }: { runs: ListedRun[]; now: string }) => (
  <Table
    label="Runs"
    isStacked
    columns={['Run', 'Pipeline', 'State', 'Started', { number: 'Time' }, { number: 'Rows' }, 'Owner', 'Why it failed']}
  >
    {runs.map((run) => (
      <tr id={`run-${run.id}`}>
        <td data-label="Run">
          <a href={`/pipelines/${run.pipeline_id}?execution=${run.id}`}>{run.id}</a>
          {run.parent_id === null ? null : (
            <small>
              {' '}
              part of <a href={`/executions/${run.parent_id}`}>{run.parent_id}</a>
            </small>
          )}
        </td>
        <th scope="row">
          <a href={`/pipelines/${run.pipeline_id}`}>{run.pipeline_name}</a> <small>{run.type_name}</small>
        </th>
        <td data-label="State">
          <RunBadges run={run} now={now} />
        </td>
        <td data-label="Started" class="moment" title={inMinutes(run.start_date)}>
          <Moment at={run.start_date} />
        </td>
        <td data-label="Time" class="number">
          <RunTime run={run} now={now} />
        </td>
        <td data-label="Rows" class="number">
          {grouped(run.total_rows)}
        </td>
        <td data-label="Owner">
          <Owner owner={run.owner} />
        </td>
        {run.completed_successfully === false ? (
          <td data-label="Why it failed" class="why">
            <Why run={run} />
          </td>
        ) : (
          <td />
        )}
      </tr>
    ))}
  </Table>
)
