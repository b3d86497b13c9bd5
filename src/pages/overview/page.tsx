import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { Badge, Empty, Moment, Pager, toneOf } from '../frame/elements.tsx'
import { Command } from '../frame/empty.tsx'
import { Choice, FilterBar, PipelineFilters } from '../frame/filters.tsx'
import { Handle } from '../frame/incident-actions.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { explainIncident, FILTERS, PROBLEM_WORDS, PROBLEMS } from '../frame/problems.ts'
import { type Overview, type OverviewFilters, PAGE_ROWS } from './queries.ts'
import { Strips } from './strips.tsx'

type Scope = ViewScope<OverviewFilters>

/** What is wrong now comes first, then the runs of the last 24 hours. */
export const OverviewPage = (overview: Overview & { hasSlack: boolean }, scope: Scope) => {
  const { query, now, link } = scope
  if (overview.counts.pipelines === 0) return <Welcome {...scope} />
  const rows = overview.pipelines.slice(0, PAGE_ROWS)
  return (
    <>
      <div class="row">
        <h1>{headline(overview)}</h1>
        <small>
          As of <Moment at={now} />
        </small>
      </div>
      {overview.counts.channels === 0 && !overview.hasSlack ? (
        <p class="panel">
          <strong>Alerts go nowhere but the log.</strong> <a href="/channels">Create a channel</a>.
        </p>
      ) : null}
      {overview.counts.failing_channels > 0 ? (
        <p class="panel">
          <strong>
            {grouped(overview.counts.failing_channels)} {overview.counts.failing_channels === 1 ? 'channel fails' : 'channels fail'}
          </strong>
          : what it should tell does not arrive. <a href="/channels">See why</a>.
        </p>
      ) : null}
      <Counts {...overview} {...scope} />
      {overview.own.length > 0 ? <Own own={overview.own} now={now} /> : null}
      {overview.problems.length > 0 ? <Problems {...overview} {...scope} /> : null}
      <h2 id="pipelines">The last 24 hours</h2>
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

/** What is wrong with Watcher itself. */
const Own = ({ own, now }: Pick<Overview, 'own'> & { now: string }) => (
  <section class="panel" aria-label="Watcher itself">
    <h2>Watcher itself</h2>
    <ul class="problems">
      {own.map(({ incident_id, kind, since, details }) => (
        <li>
          <a href={`/incidents/${incident_id}`}>{explainIncident(kind, details)}</a>
          <small>
            <Moment at={since} as="ago" now={now} />
          </small>
        </li>
      ))}
    </ul>
  </section>
)

/** What is silenced is counted only where nothing else is wrong: then "No problems" would be half of the truth. */
const headline = ({ counts, wrong }: Pick<Overview, 'counts' | 'wrong'>): string => {
  const parts = wrongWordsOf(wrong).map((word) => `${grouped(wrong[word])} ${word}`)
  if (counts.failed_jobs > 0) parts.push(`${grouped(counts.failed_jobs)} failed ${counts.failed_jobs === 1 ? 'job' : 'jobs'}`)
  if (parts.length > 0) return parts.join(', ')
  return counts.silenced === 0 ? 'No problems' : `${grouped(counts.silenced)} silenced, no other problems`
}

/** The problems that at least one pipeline has. */
const wrongWordsOf = (wrong: Overview['wrong']): string[] => PROBLEM_WORDS.filter((word) => (wrong[word] ?? 0) > 0)

const Welcome = ({ origin, caller }: Scope) => (
  <Empty title="No pipelines yet">
    <p>A pipeline appears here after its first request. Send one from any machine that reaches this server:</p>
    <Command>{`curl -X POST '${origin}/pipeline' -H 'Content-Type: application/json' \\${caller.isKnown ? "\n  -H 'Authorization: Bearer <token>' \\" : ''}
  -d '{"name": "first", "pipeline_type_name": "trial"}'`}</Command>
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
    {counts.silenced === 0 ? null : (
      <li>
        <a
          class="card none"
          href={link({ state: query.state === 'silenced' ? undefined : 'silenced', page: undefined })}
          aria-current={query.state === 'silenced' ? 'true' : undefined}
        >
          <strong>{grouped(counts.silenced)}</strong> <span>silenced</span>
        </a>
      </li>
    )}
    <li>
      <a class={`card ${counts.failed_jobs > 0 ? 'failed' : 'none'}`} href="/monitoring">
        <strong>{grouped(counts.failed_jobs)}</strong> <span>failed jobs</span>
      </a>
    </li>
    <li>
      <a class="card" href="/pipelines">
        <strong>{grouped(counts.pipelines)}</strong> <span>pipelines</span>
      </a>
    </li>
  </ul>
)

const Problems = ({ problems, wrong, now, link, caller }: Scope & Pick<Overview, 'problems' | 'wrong'>) => (
  <section class="columns narrow" aria-label="What is wrong now">
    {wrongWordsOf(wrong)
      .map((word) => ({ word, shown: problems.filter((problem) => problem.word === word) }))
      .filter(({ shown }) => shown.length > 0)
      .map(({ word, shown }) => (
        <div class="panel">
          <h2>
            <a href={link({ state: word, page: undefined })}>
              <Badge state={word}>{`${grouped(wrong[word])} ${word}`}</Badge>
            </a>
          </h2>
          <ul class="problems">
            {shown.map((problem) => (
              <li>
                <span>
                  <a href={`/pipelines/${problem.pipeline_id}${problem.execution_id === null ? '' : `?execution=${problem.execution_id}`}`}>
                    {problem.pipeline_name}
                  </a>{' '}
                  <small>
                    <Moment at={problem.since} as="ago" now={now} />
                  </small>
                </span>
                <p>
                  <a href={`/incidents/${problem.incident_id}`}>{explain(problem, now)}</a>
                </p>
                {problem.effects > 0 ? (
                  <small>
                    <a href={`/incidents/${problem.incident_id}`}>causes {grouped(problem.effects)} more downstream</a>:{' '}
                    {problem.effect_names.join(', ')}
                    {problem.effects > problem.effect_names.length ? ', …' : ''}
                  </small>
                ) : null}
                <small>
                  {problem.severity === 'critical' ? (
                    <>
                      <Badge state="critical" />{' '}
                    </>
                  ) : null}
                  {problem.owner === null ? '' : `${problem.owner}; `}
                  {problem.acknowledged_by === null ? 'nobody has it' : `${problem.acknowledged_by} has it`}
                </small>
                {caller.mayWrite ? <Handle incident={{ ...problem, id: problem.incident_id, state: problem.incident_state }} /> : null}
              </li>
            ))}
            <More word={word} count={(wrong[word] ?? 0) - shown.length} link={link} />
          </ul>
        </div>
      ))}
  </section>
)

/** The panel shows some of them: the others are in the list, or are effects of one that is shown. */
const More = ({ word, count, link }: { word: string; count: number; link: Scope['link'] }) =>
  count <= 0 ? null : (
    <li>
      <a href={`${link({ state: word, page: undefined })}#pipelines`}>and {grouped(count)} more</a>
    </li>
  )

/** What was found says how it was then; how late a run is changes. */
const explain = ({ word, details, since, still_runs }: Overview['problems'][number], now: string): string => {
  const problem = PROBLEMS.find(({ badge }) => badge.word === word)
  if (word === 'late' && still_runs) return `Still runs, over by ${duration(Math.max(0, secondsBetween(since, now)))}`
  return problem?.explain(details) ?? ''
}

const Filters = ({ types, query }: { types: Overview['types']; query: OverviewFilters }) => (
  <FilterBar action="/overview">
    <PipelineFilters query={query} types={types} />
    <Choice label="State" name="state" all="all" options={FILTERS} chosen={query.state} />
  </FilterBar>
)
