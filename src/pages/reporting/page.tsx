import { duration, grouped } from '../../core/figures.ts'
import { Embedded, Empty, Pager, Scrolled } from '../frame/elements.tsx'
import { TypeChoice } from '../frame/filters.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { type DailyRow, PAGE_ROWS, type Report, type ReportColumn, type ReportFilters } from './queries.ts'
import type { ReportDay } from './shape.ts'

interface Loaded {
  /** One sentence for each value in the address that was not understood. */
  faults: string[]
  chosen: ReportFilters
  page: number
  report: Report
}
type Scope = ViewScope<unknown>

const HEADINGS: [ReportColumn, string][] = [
  ['pipeline', 'Pipeline'],
  ['day', 'Day (UTC)'],
  ['type', 'Type'],
  ['executions', 'Runs'],
  ['failures', 'Failures'],
  ['error_rate', 'Error rate'],
  ['inserts', 'Inserts'],
  ['updates', 'Updates'],
  ['soft_deletes', 'Soft deletes'],
  ['total_rows', 'Rows'],
  ['mean_seconds', 'Mean duration'],
  ['p95_seconds', '95th percentile'],
  ['throughput', 'Rows per second'],
]

export const ReportingPage = ({ faults, chosen, page, report }: Loaded, { link }: Scope) => (
  <>
    <h1>Reporting</h1>
    <Filters chosen={chosen} types={report.types} />
    {faults.length > 0 ? (
      <p class="fault" role="alert">
        {faults.join(' ')}
      </p>
    ) : null}
    {report.rows.length === 0 ? (
      <Empty title={page > 1 ? 'No more rows' : 'No runs on these days'}>
        <p>
          {page > 1 ? <a href={link({ page: undefined })}>Back to the first page</a> : 'Choose other days, another type or a shorter name.'}
        </p>
      </Empty>
    ) : (
      <>
        <section class="panel" aria-label="Runs, failures and rows by day">
          <div
            class="chart"
            id="report"
            data-drawn
            role="img"
            aria-label={`${grouped(report.total.executions)} runs on ${report.days.length} days, ${grouped(report.total.failures)} failures`}
          />
          <Embedded
            id="report-days"
            value={report.days.map(({ day, executions, failures, total_rows }): ReportDay => ({ day, executions, failures, total_rows }))}
          />
        </section>
        <div class="row">
          <h2>By pipeline and day</h2>
          <a class="button" href={csvLink(chosen)} download>
            Download CSV
          </a>
        </div>
        <Table rows={report.rows.slice(0, PAGE_ROWS)} total={report.total} chosen={chosen} link={link} />
        <Pager page={page} hasMore={report.rows.length > PAGE_ROWS} link={(to) => link({ page: to })} />
      </>
    )}
  </>
)

const csvLink = ({ search, type, ...rest }: ReportFilters): string => {
  const query = new URLSearchParams(rest)
  if (search !== '') query.set('search', search)
  if (type !== undefined) query.set('type', String(type))
  return `/reporting.csv?${query}`
}

const Filters = ({ chosen, types }: { chosen: ReportFilters; types: Report['types'] }) => (
  <form class="filters" action="/reporting">
    <label>
      From
      <input type="date" name="from" value={chosen.from} />
    </label>
    <label>
      To
      <input type="date" name="to" value={chosen.to} />
    </label>
    <label>
      Pipeline
      <input type="search" name="search" value={chosen.search} placeholder="part of its name" />
    </label>
    <TypeChoice types={types} chosen={chosen.type} />
    <input type="hidden" name="sort" value={chosen.sort} />
    <input type="hidden" name="order" value={chosen.order} />
    <button type="submit">Show</button>
  </form>
)

const isWord = (column: ReportColumn): boolean => ['day', 'pipeline', 'type'].includes(column)

const Heading = ({ column, name, chosen, link }: { column: ReportColumn; name: string; chosen: ReportFilters; link: Scope['link'] }) => {
  const isSorted = column === chosen.sort
  const next = isSorted ? (chosen.order === 'desc' ? 'asc' : 'desc') : isWord(column) && column !== 'day' ? 'asc' : 'desc'
  return (
    <th
      class={isWord(column) ? undefined : 'number'}
      aria-sort={isSorted ? (chosen.order === 'asc' ? 'ascending' : 'descending') : undefined}
    >
      <a href={link({ sort: column, order: next, page: undefined })}>
        {name}
        {isSorted ? <span aria-hidden="true">{chosen.order === 'asc' ? ' ↑' : ' ↓'}</span> : null}
      </a>
    </th>
  )
}

const Table = ({ rows, total, chosen, link }: { rows: DailyRow[]; total: Report['total']; chosen: ReportFilters; link: Scope['link'] }) => (
  <Scrolled label="Daily metrics">
    <table>
      <thead>
        <tr>
          {HEADINGS.map(([column, name]) => (
            <Heading column={column} name={name} chosen={chosen} link={link} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row">
              <a href={`/pipelines/${row.pipeline_id}`}>{row.pipeline}</a>
            </th>
            <td class="day">{row.day}</td>
            <td>{row.type}</td>
            <Numbers metrics={row} />
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td colspan={2} />
          <Numbers metrics={total} />
        </tr>
      </tfoot>
    </table>
  </Scrolled>
)

const Numbers = ({ metrics }: { metrics: Report['total'] }) => (
  <>
    <td class="number">{grouped(metrics.executions)}</td>
    <td class="number">{grouped(metrics.failures)}</td>
    <td class="number">{metrics.error_rate === null ? '–' : `${grouped(metrics.error_rate * 100, 1)} %`}</td>
    <td class="number">{grouped(metrics.inserts)}</td>
    <td class="number">{grouped(metrics.updates)}</td>
    <td class="number">{grouped(metrics.soft_deletes)}</td>
    <td class="number">{grouped(metrics.total_rows)}</td>
    <td class="number">{duration(metrics.mean_seconds)}</td>
    <td class="number">{duration(metrics.p95_seconds)}</td>
    <td class="number">{grouped(metrics.throughput, 1)}</td>
  </>
)
