import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { Badge, Empty, Moment, Pager, TypeChoice, toneOf } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { DAY_SECONDS, FILTERS, PROBLEM_WORDS, PROBLEMS, RUN_FINDINGS } from '../frame/problems.ts'
import { type Overview, type OverviewFilters, PAGE_ROWS } from './queries.ts'

type Scope = ViewScope<OverviewFilters>
type PipelineRow = Overview['pipelines'][number]
type Mark = PipelineRow['marks'][number]

/** What is wrong now comes first, then the runs of the last 24 hours. */
export const OverviewPage = (overview: Overview, scope: Scope) => {
  const { query, now, link } = scope
  if (overview.counts.pipelines === 0) return <Welcome />
  const rows = overview.pipelines.slice(0, PAGE_ROWS)
  return (
    <>
      <div class="row">
        <h1>{headline(overview)}</h1>
        <small>
          As of <Moment at={now} />
        </small>
      </div>
      <Counts {...overview} {...scope} />
      {overview.problems.length > 0 ? <Problems {...overview} {...scope} /> : null}
      <h2>The last 24 hours</h2>
      <Filters types={overview.types} query={query} />
      {rows.length === 0 ? (
        <Empty title="No pipeline matches these filters">
          <p>
            <a href="/overview">Show all {grouped(overview.counts.pipelines)} pipelines</a>
          </p>
        </Empty>
      ) : (
        <Strips rows={rows} now={now} />
      )}
      <Pager page={query.page} hasMore={overview.pipelines.length > PAGE_ROWS} link={(page) => link({ page })} />
    </>
  )
}

const headline = ({ counts, wrong }: Overview): string => {
  const parts = wrongWordsOf(wrong).map((word) => `${grouped(wrong[word])} ${word}`)
  if (counts.failed_jobs > 0) parts.push(`${grouped(counts.failed_jobs)} failed ${counts.failed_jobs === 1 ? 'job' : 'jobs'}`)
  return parts.length === 0 ? 'No problems' : parts.join(', ')
}

/** The problems that at least one pipeline has. */
const wrongWordsOf = (wrong: Overview['wrong']): string[] => PROBLEM_WORDS.filter((word) => (wrong[word] ?? 0) > 0)

const Welcome = () => (
  <Empty title="No pipelines yet">
    <p>A pipeline appears here after its first request. Send one from any machine that reaches this server:</p>
    <pre>{`curl -X POST <this address>/pipeline -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer <token>' -d '{"name": "first", "pipeline_type_name": "trial"}'`}</pre>
    <p>
      The <a href="/scalar">API docs</a> describe every request. To fill an empty server with example data, run{' '}
      <code>npm run demo -- --fill</code>.
    </p>
  </Empty>
)

const Counts = ({ counts, wrong, query, link }: Scope & Pick<Overview, 'counts' | 'wrong'>) => (
  <ul class="cards">
    {[...PROBLEM_WORDS.map((word) => [word, wrong[word] ?? 0] as const), ['running', counts.running] as const].map(([state, count]) => (
      <li>
        <a
          class={`card ${count > 0 ? toneOf(state) : 'none'}`}
          href={link({ state: query.state === state ? undefined : state, page: undefined })}
          aria-current={query.state === state ? 'true' : undefined}
        >
          <strong>{grouped(count)}</strong> <span>{state}</span>
        </a>
      </li>
    ))}
    <li>
      <a class={`card ${counts.failed_jobs > 0 ? 'failed' : 'none'}`} href="/monitoring">
        <strong>{grouped(counts.failed_jobs)}</strong> <span>failed jobs</span>
      </a>
    </li>
    <li>
      <a class="card" href="/overview">
        <strong>{grouped(counts.pipelines)}</strong> <span>pipelines</span>
      </a>
    </li>
  </ul>
)

const Problems = ({ problems, wrong, now, link }: Scope & Pick<Overview, 'problems' | 'wrong'>) => (
  <section class="columns narrow" aria-label="What is wrong now">
    {wrongWordsOf(wrong).map((word) => (
      <div class="panel">
        <h3>
          <a href={link({ state: word, page: undefined })}>
            <Badge state={word}>{`${grouped(wrong[word])} ${word}`}</Badge>
          </a>
        </h3>
        <ul class="problems">
          {problems
            .filter((problem) => problem.word === word)
            .map((problem) => (
              <li>
                <span>
                  <a href={`/pipelines/${problem.pipeline_id}${problem.execution_id === null ? '' : `?execution=${problem.execution_id}`}`}>
                    {problem.pipeline_name}
                  </a>{' '}
                  <small>
                    <Moment at={problem.since} as="ago" now={now} />
                  </small>
                </span>
                <p>{explain(problem)}</p>
              </li>
            ))}
        </ul>
      </div>
    ))}
  </section>
)

const explain = ({ word, evidence }: Overview['problems'][number]): string => {
  const problem = PROBLEMS.find(({ badge }) => badge.word === word)
  return problem ? problem.explain(problem.evidence().parse(evidence)) : ''
}

const Filters = ({ types, query }: { types: Overview['types']; query: OverviewFilters }) => (
  <form class="filters" action="/overview">
    <label>
      Name
      <input type="search" name="search" value={query.search} placeholder="part of the name" />
    </label>
    <TypeChoice types={types} chosen={query.type} />
    <label>
      State
      <select name="state">
        <option value="">all</option>
        {FILTERS.map((state) => (
          <option value={state} selected={state === query.state}>
            {state}
          </option>
        ))}
      </select>
    </label>
    <button type="submit">Show</button>
  </form>
)

const Strips = ({ rows, now }: { rows: PipelineRow[]; now: string }) => (
  <>
    <p class="legend" aria-hidden="true">
      {['succeeded', 'failed', ...RUN_FINDINGS, 'running'].map((state) => (
        <Badge state={state} />
      ))}
    </p>
    <div class="hours" aria-hidden="true">
      <span>Pipeline</span>
      <div>
        <span>24 h ago</span>
        <span>18 h</span>
        <span>12 h</span>
        <span>6 h</span>
        <span>now</span>
      </div>
    </div>
    <div class="strips">
      {rows.map((row) => (
        <div class="strip" id={`pipeline-${row.id}`}>
          <div>
            <div class="name">
              <a href={`/pipelines/${row.id}`} title={row.name}>
                {row.name}
              </a>
            </div>
            <div class="what">
              <span>{row.type_name}</span>
              {statesOf(row).map((state) => (
                <Badge state={state} />
              ))}
            </div>
          </div>
          <div>
            <span class="visually-hidden">{summarise(row.states)}</span>
            <Strip marks={row.marks} pipelineId={row.id} now={now} />
          </div>
        </div>
      ))}
    </div>
  </>
)

const statesOf = (row: PipelineRow): string[] => [...(row.active ? [] : ['inactive']), ...row.wrong, ...(row.running ? ['running'] : [])]

const summarise = (states: PipelineRow['states']): string => {
  const counts = Object.entries(states)
  const runs = counts.reduce((sum, [, count]) => sum + count, 0)
  if (runs === 0) return 'No run in the last 24 hours'
  return `${runs} ${runs === 1 ? 'run' : 'runs'} in the last 24 hours: ${counts.map(([state, count]) => `${count} ${state}`).join(', ')}`
}

/**
 * Draws the last 24 hours from left to right, one unit a minute. A mark is at least six minutes wide, to be visible. Marks of good
 * runs are one path, without a link each: a page of pipelines that run every quarter of an hour would else have a megabyte.
 */
const Strip = ({ marks, pipelineId, now }: { marks: Mark[]; pipelineId: number; now: string }) => {
  const minutes = DAY_SECONDS / 60
  const toX = (at: string) => Math.max(0, minutes - secondsBetween(at, now) / 60)
  const placed = marks.map((mark) => {
    const begin = toX(mark.start_date)
    return { ...mark, x: begin.toFixed(1), width: Math.max(6, toX(mark.end_date) - begin).toFixed(1) }
  })
  const good = placed.filter(({ state }) => state === 'succeeded')
  return (
    <svg viewBox={`0 0 ${minutes} 24`} preserveAspectRatio="none" aria-hidden="true">
      <path class="run succeeded" d={good.map(({ x, width }) => `M${x} 3h${width}v18h-${width}z`).join('')} />
      {placed
        .filter((mark) => !good.includes(mark))
        .map(({ id, state, x, width, ...mark }) => (
          <a href={`/pipelines/${pipelineId}?execution=${id}`} tabindex={-1}>
            <rect class={`run ${toneOf(state)}`} x={x} y="3" width={width} height="18">
              <title>{describe({ state, ...mark })}</title>
            </rect>
          </a>
        ))}
    </svg>
  )
}

const describe = ({ state, runs, start_date, end_date }: Pick<Mark, 'state' | 'runs' | 'start_date' | 'end_date'>): string => {
  const begun = `${start_date.slice(0, 16).replace('T', ' ')} UTC`
  return runs === 1
    ? `${state}, ${begun}, ${duration(secondsBetween(start_date, end_date))}`
    : `${state}, worst of ${runs} runs from ${begun}`
}
