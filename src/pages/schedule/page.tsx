import { nextTime } from '../../core/cron.ts'
import { inMinutes, instantOf } from '../../core/instant.ts'
import { Badge, Empty, Moment, Pager, Table } from '../frame/elements.tsx'
import { FilterBar, TextFilter } from '../frame/filters.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { expectedTimes, MAX_TIMES, type Outcome, type Time } from './expected.ts'
import { PAGE_ROWS, type ScheduleRow } from './queries.ts'

interface Query {
  search: string
  owner: string
  page: number
}
type Scope = ViewScope<Query>

/** What was expected in the last 24 hours and came or not, and what is expected in the next 24. */
export const SchedulePage = (rows: ScheduleRow[], { query, now, link }: Scope) => (
  <>
    <div class="row">
      <h1>Schedule</h1>
      <small>
        As of <Moment at={now} />
      </small>
    </div>
    <FilterBar action="/schedule">
      <TextFilter label="Name" name="search" value={query.search} placeholder="part of the name" />
      <TextFilter label="Owner" name="owner" value={query.owner} placeholder="exact name" />
    </FilterBar>
    {rows.length === 0 ? (
      <Nothing isFiltered={query.search !== '' || query.owner !== ''} />
    ) : (
      <>
        <p class="legend" aria-hidden="true">
          {(['came', 'late', 'missed', 'expected'] as const).map((outcome) => (
            <span class="key">
              <svg viewBox="0 0 10 14" width="10" height="14" aria-hidden="true">
                <rect class={`time ${outcome}`} width="10" height="14" />
              </svg>{' '}
              {WORDS[outcome]}
            </span>
          ))}
        </p>
        <Table label="Schedule" isStacked columns={['Pipeline', 'Expected', 'Next', 'The last 24 hours and the next']}>
          {rows.slice(0, PAGE_ROWS).map((row) => (
            <Row row={row} now={now} />
          ))}
        </Table>
        <Pager page={query.page} hasMore={rows.length > PAGE_ROWS} link={(page) => link({ page })} />
      </>
    )}
  </>
)

const WORDS: Record<Outcome, string> = { came: 'came in time', late: 'came late', missed: 'missed', expected: 'expected' }

const Nothing = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No scheduled pipeline matches">
      <p>
        <a href="/schedule">Show all</a>
      </p>
    </Empty>
  ) : (
    <Empty title="No pipeline has a schedule">
      <p>
        Say when runs should start, and Watcher tells when one does not: <code>schedule_cron</code> in <code>POST /pipeline</code> or{' '}
        <code>PATCH /pipeline</code>. <code>GET /pipeline/&lt;id&gt;/schedule/suggest</code> finds it from past starts.
      </p>
    </Empty>
  )

const Row = ({ row, now }: { row: ScheduleRow; now: string }) => {
  const at = new Date(now)
  const { cron, timezone } = row
  const pipeline = cron === null ? undefined : { cron, timezone, graceMinutes: row.grace, from: new Date(row.schedule_from) }
  const starts = row.starts.map((start) => new Date(start))
  const times = pipeline ? expectedTimes(pipeline, starts, at) : []
  const next = cron === null ? row.interval_end : nextInstant(cron, timezone, at)
  return (
    <tr>
      <th scope="row" class="name">
        <a href={`/pipelines/${row.id}`}>{row.name}</a>
        {row.incident_id === null ? null : (
          <>
            {' '}
            <a href={`/incidents/${row.incident_id}`}>
              <Badge state="missed" />
            </a>
          </>
        )}
        {row.owner === null ? null : <small> {row.owner}</small>}
      </th>
      <td data-label="Expected">
        {cron === null ? (
          `at least every ${row.number} ${row.datepart}${row.number === '1' ? '' : 's'}`
        ) : (
          <>
            <code>{cron}</code> {timezone === 'UTC' ? '' : timezone}
          </>
        )}
      </td>
      <td data-label="Next" class="moment">
        <Moment at={next} />
      </td>
      <td>
        {times.length >= MAX_TIMES ? (
          <small>{startsOf(starts.length)}; too many times to draw</small>
        ) : (
          <>
            <Strip times={times} starts={pipeline ? [] : starts} now={at} />
            <div class="hours" aria-hidden="true">
              <span>24 hours ago</span>
              <span>now</span>
              <span>in 24 hours</span>
            </div>
            <small>{summarise(times, starts.length)}</small>
          </>
        )}
      </td>
    </tr>
  )
}

const nextInstant = (cron: string, timezone: string, after: Date): string | null => {
  const next = nextTime(cron, timezone, after)
  return next ? instantOf(next) : null
}

const summarise = (times: readonly Time[], starts: number): string => {
  const count = (outcome: Outcome) => times.filter((time) => time.outcome === outcome).length
  return times.length === 0
    ? startsOf(starts)
    : `${count('came')} came in time, ${count('late')} late, ${count('missed')} missed, ${count('expected')} expected`
}

const startsOf = (count: number): string => `${count} ${count === 1 ? 'start' : 'starts'} in the last 24 hours`

const WIDTH = 2_880
const MINUTE_MILLIS = 60_000

/** 48 hours from left to right, one unit a minute; now is in the middle. */
const Strip = ({ times, starts, now }: { times: readonly Time[]; starts: readonly Date[]; now: Date }) => {
  const x = (at: Date) => WIDTH / 2 + (at.getTime() - now.getTime()) / MINUTE_MILLIS
  const marks = [...times, ...starts.map((at): Time => ({ at, outcome: 'came' }))]
  return (
    <svg class="times" viewBox={`0 0 ${WIDTH} 24`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="now" x={WIDTH / 2 - 4} y="0" width="8" height="24" />
      {marks.map(({ at, outcome }) => (
        <rect class={`time ${outcome}`} x={(x(at) - 8).toFixed(0)} y="4" width="16" height="16">
          <title>{`${inMinutes(at.toISOString())}: ${WORDS[outcome]}`}</title>
        </rect>
      ))}
    </svg>
  )
}
