import { duration, grouped } from '../../core/figures.ts'
import { addSeconds } from '../../core/instant.ts'
import { Badge, Empty, Moment, Owner, Pager, Table } from '../frame/elements.tsx'
import { Choice, FilterBar, PipelineFilters } from '../frame/filters.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { FILTERS } from '../frame/problems.ts'
import { type ListedPipeline, type Order, PAGE_ROWS, type PipelineList, type Sort } from './queries.ts'

export interface PipelinesQuery {
  search: string
  owner: string
  tag: string
  type?: number | undefined
  state?: string | undefined
  sort: Sort
  order: Order
  page: number
}
type Scope = ViewScope<PipelinesQuery>

const COLUMNS: [sort: Sort, words: string, isNumber?: true][] = [
  ['name', 'Pipeline'],
  ['state', 'State'],
  ['owner', 'Owner'],
  ['type', 'Type'],
  ['next', 'Schedule, next start'],
  ['last', 'Last run'],
  ['rate', 'Good runs, 30 days', true],
  ['time', 'Typical time', true],
]
/** What is interesting at the top: times and rates begin with the other end. */
const FIRST_ORDER: Partial<Record<Sort, Order>> = { last: 'desc', time: 'desc' }

/** All pipelines. */
export const PipelinesPage = ({ count, pipelines, types }: PipelineList, scope: Scope) => {
  const { query, now, link } = scope
  const shown = pipelines.slice(0, PAGE_ROWS)
  return (
    <>
      <div class="row">
        <h1>
          {grouped(count)} {count === 1 ? 'pipeline' : 'pipelines'}
        </h1>
      </div>
      <FilterBar action="/pipelines">
        <PipelineFilters query={query} types={types} />
        <Choice label="State" name="state" all="all" options={FILTERS} chosen={query.state} />
      </FilterBar>
      {shown.length === 0 ? (
        <Empty title="No pipeline matches">
          <p>
            <a href="/pipelines">Show all pipelines</a>
          </p>
        </Empty>
      ) : (
        <section class="pipelines">
          <Table label="Pipelines" isStacked columns={[...COLUMNS.map((column) => headingOf(column, scope)), 'Runs by day']}>
            {shown.map((pipeline) => (
              <Row pipeline={pipeline} now={now} link={link} />
            ))}
          </Table>
        </section>
      )}
      <Pager page={query.page} hasMore={pipelines.length > PAGE_ROWS} link={(page) => link({ page })} />
    </>
  )
}

const headingOf = ([sort, words, isNumber]: (typeof COLUMNS)[number], { query, link }: Scope) => {
  const isSorted = query.sort === sort
  const order = isSorted ? (query.order === 'asc' ? 'desc' : 'asc') : (FIRST_ORDER[sort] ?? 'asc')
  return {
    words,
    href: link({ sort, order, page: undefined }),
    sorted: isSorted ? (query.order === 'asc' ? ('ascending' as const) : ('descending' as const)) : undefined,
    ...(isNumber && { isNumber }),
  }
}

const Row = ({ pipeline, now, link }: { pipeline: ListedPipeline; now: string; link: Scope['link'] }) => {
  const { id, name, active, wrong, is_running, owner, type_name, tags, last_start_at, last_succeeded, ended, succeeded } = pipeline
  const states = [
    ...(active ? [] : ['inactive']),
    ...wrong,
    ...(is_running ? ['running'] : []),
    ...(pipeline.is_silenced ? ['silenced'] : []),
    ...(pipeline.is_muted ? ['muted'] : []),
  ]
  return (
    <tr id={`pipeline-${id}`}>
      <th scope="row">
        <a href={`/pipelines/${id}`}>{name}</a>
        {tags.map((tag) => (
          <>
            {' '}
            <a class="tag" href={link({ tag, page: undefined })}>
              {tag}
            </a>
          </>
        ))}
      </th>
      <td data-label="State">
        {states.length === 0 ? <Badge state={last_start_at === null ? 'idle' : 'ok'} /> : states.map((state) => <Badge state={state} />)}
      </td>
      <td data-label="Owner" class="owner">
        {owner === null ? (
          '–'
        ) : (
          <a href={link({ owner, page: undefined })}>
            <Owner owner={owner} />
          </a>
        )}
      </td>
      <td data-label="Type">{type_name}</td>
      <td data-label="Schedule" class="moment">
        <Schedule pipeline={pipeline} />
      </td>
      <td data-label="Last run" class="moment">
        {last_start_at === null ? '–' : <Moment at={last_start_at} as="ago" now={now} />}{' '}
        {last_succeeded === false && !is_running ? <Badge state="failed" /> : null}
      </td>
      <td data-label="Good runs" class="number">
        {ended ? `${grouped((100 * (succeeded ?? 0)) / ended, 1)} %` : '–'} {ended ? <small>of {grouped(ended)}</small> : null}
      </td>
      <td data-label="Typical time" class="number">
        {pipeline.typical_seconds === null ? '–' : duration(pipeline.typical_seconds)}
      </td>
      <td data-label="Runs by day">
        <Sparkline days={pipeline.days} now={now} />
      </td>
    </tr>
  )
}

const Schedule = ({
  pipeline: { schedule_cron, schedule_timezone, schedule_number, schedule_datepart, next_start_at },
}: {
  pipeline: ListedPipeline
}) => {
  if (schedule_cron === null && schedule_number === null) return <>–</>
  return (
    <>
      <code title={schedule_timezone ?? 'UTC'}>{schedule_cron ?? `every ${schedule_number} ${schedule_datepart}s`}</code>
      {next_start_at === null ? null : (
        <>
          <br />
          <Moment at={next_start_at} />
        </>
      )}
    </>
  )
}

const DAYS = 30
const HEIGHT = 20
const BAR = 4

/** A bar for each day, as high as its runs are many; what failed is in another colour. */
const Sparkline = ({ days, now }: { days: ListedPipeline['days']; now: string }) => {
  const most = Math.max(1, ...days.map(({ ended }) => ended))
  const first = addSeconds(now, -(DAYS - 1) * 86_400).slice(0, 10)
  const placed = days
    .map(({ day, ...counts }) => ({ ...counts, x: Math.round((Date.parse(day) - Date.parse(first)) / 86_400_000) * BAR }))
    .filter(({ x }) => x >= 0)
  const bars = (heightOf: (day: (typeof placed)[number]) => number) =>
    placed
      .map((day) => ({ x: day.x, height: (heightOf(day) / most) * HEIGHT }))
      .filter(({ height }) => height > 0)
      .map(({ x, height }) => `M${x} ${HEIGHT}v-${Math.max(1, height).toFixed(1)}h${BAR - 1}V${HEIGHT}z`)
      .join('')
  const failures = days.reduce((sum, day) => sum + day.failures, 0)
  return (
    <svg class="sparkline" viewBox={`0 0 ${DAYS * BAR} ${HEIGHT}`} role="img" aria-label={`${grouped(failures)} failed in 30 days`}>
      <path class="run succeeded" d={bars(({ ended }) => ended)} />
      <path class="run failed" d={bars(({ failures }) => failures)} />
    </svg>
  )
}
