import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineActivity } from '../../features/pipeline-activity/table.ts'
import { typeChoices, typeChoicesShape } from '../../features/pipeline-types/choices.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { job } from '../../jobs/table.ts'
import { failingChannels } from '../../notifications/failing.ts'
import { channel } from '../../notifications/table.ts'
import { type ChosenPipelines, chosenValues, isChosen } from '../frame/chosen.ts'
import {
  DAY_SECONDS,
  findingWords,
  hasProblem,
  joinProblems,
  marks,
  nameOf,
  PROBLEM_WORDS,
  problems,
  RUN_FINDINGS,
  wordsWhere,
} from '../frame/problems.ts'

export const PAGE_ROWS = 50
/** The page explains this many of each kind of problem, the newest; it only counts the others. */
const MAX_EXPLAINED = 3
/** The page looks at this many runs of a pipeline: enough for one every five minutes. */
const MAX_RUNS = 300
/** Runs that ended in the last 24 hours are looked for among those that started since then. */
const SEARCHED_FROM = sql`(${param('day_ago')}::timestamptz - interval '2 days')`
/** It draws each of this many runs; else all runs of half an hour as one. */
const MAX_DRAWN = 48
const SLOT_SECONDS = DAY_SECONDS / MAX_DRAWN

/** Of what is late, what still runs comes first, then what is over by most; other problems begin with the newest. */
const ORDER: Record<string, SQL> = {
  late: sql`coalesce((select e.end_date is null from ${pipelineExecution} e where e.id = w.execution_id), false) desc, since`,
}

/** What another incident has caused is explained there; but what hangs now is always shown. */
const ALSO: Record<string, SQL> = {
  late: sql`or exists (select from ${pipelineExecution} e where e.id = w.execution_id and e.end_date is null)`,
}

/** The states of a run, worst first: the state of several runs is the worst one. */
export const RUN_STATES: readonly string[] = ['failed', ...RUN_FINDINGS, 'unusually long', 'no rows', 'running', 'succeeded']
const runStates = sql.raw(`(array[${RUN_STATES.map((state) => `'${state}'`).join(', ')}])`)

/**
 * Active ones first, then the worst problem, then what runs: one number of bits, because a page far down compares 10,000 rows with each
 * other, and seven columns took three times as long.
 */
const RANK: SQL = sql.join(
  [sql`active`, ...PROBLEM_WORDS.map(nameOf), sql`running`].map(
    (is, place, all) => sql`(${is}::integer << ${sql.raw(String(all.length - 1 - place))})`,
  ),
  sql` | `,
)

/**
 * The whole page in one statement: counts, the newest problems of each kind, one page of pipelines (worst problem
 * first) and their runs of the last 24 hours. `like` is a pattern, `state` one of FILTERS; null means any.
 */
const OVERVIEW = once(() =>
  prepare(sql`
  with ${problems},
  candidate as (
    select p.id, p.name, p.active, t.name as type_name, r.pipeline_id is not null as running, ${isChosen} as is_chosen, ${marks},
      ${sql.join(
        PROBLEM_WORDS.map((word) => sql`${hasProblem(word)} as ${nameOf(word)}`),
        sql`, `,
      )}
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id left join running r on r.pipeline_id = p.id
    ${joinProblems(sql`p.id`)} where not p.is_step),
  chosen as (
    select *, ${wordsWhere(nameOf)} as wrong, row_number() over () as listed from (select * from candidate
    where is_chosen and case ${param('state')}::text
        ${sql.join(PROBLEM_WORDS.map((word) => sql`when ${sql.raw(`'${word}'`)} then ${nameOf(word)} `))}
        when 'running' then running when 'inactive' then not active when 'silenced' then is_silenced when 'muted' then is_muted
        when 'ok' then active and not (${sql.join(PROBLEM_WORDS.map(nameOf), sql` or `)}) else true end
    order by ${RANK} desc, lower(name) collate "C"
    offset ${param('skipped')} limit ${sql.raw(String(PAGE_ROWS + 1))}) c),
  -- What runs for days: index pipeline_execution_running.
  old_run as materialized (select * from ${pipelineExecution} where end_date is null and start_date < ${SEARCHED_FROM}),
  run as materialized (
    select *, array_position(${runStates}, state) as place,
      case when count(*) over (partition by pipeline_id) <= ${sql.raw(String(MAX_DRAWN))} then id
        else floor(extract(epoch from ${param('now')}::timestamptz - start_date) / ${sql.raw(String(SLOT_SECONDS))}) end as slot
    from (
      select c.id as pipeline_id, e.id, e.start_date, e.end_date,
        -- The same words as worstOf in ../frame/run.tsx.
        case when e.completed_successfully = false then 'failed'
          else coalesce((${findingWords(sql`e.id`)})[1], case
            when e.end_date is null and extract(epoch from ${param('now')}::timestamptz - e.start_date) > a.longest_seconds then 'unusually long'
            when e.end_date is null then 'running'
            when e.total_rows = 0 and a.typical_rows > 0 then 'no rows' else 'succeeded' end) end as state
      from chosen c left join ${pipelineActivity} a on a.pipeline_id = c.id cross join lateral (
        (select * from ${pipelineExecution} where pipeline_id = c.id and start_date >= ${SEARCHED_FROM} order by start_date desc limit ${sql.raw(String(MAX_RUNS))})
        union all
        (select * from old_run o where o.pipeline_id = c.id)) e
      where e.end_date is null or e.end_date >= ${param('day_ago')}::timestamptz) r),
  states_of as (
    select pipeline_id, jsonb_object_agg(state, runs) as states from (select pipeline_id, state, count(*) as runs from run group by 1, 2) s group by pipeline_id),
  marks_of as (
    select pipeline_id, jsonb_agg(to_jsonb(m) - 'pipeline_id' order by m.start_date) as marks from (
      select pipeline_id, count(*) as runs, ${runStates}[min(place)] as state, (array_agg(id order by place, id desc))[1] as id,
        min(start_date) as start_date, max(coalesce(end_date, ${param('now')}::timestamptz)) as end_date
      from run group by pipeline_id, slot) m
    group by pipeline_id),
  explained as (
    ${sql.join(
      PROBLEM_WORDS.map(
        (word) =>
          sql`(select ${sql.raw(`'${word}'`)} as word, w.*, row_number() over (order by ${ORDER[word] ?? sql`since desc`}) as place,
            (select e.end_date is null from ${pipelineExecution} e where e.id = w.execution_id) as still_runs
            from ${nameOf(word)} w where (w.caused_by is null or w.caused_by in (select incident_id from open_incident where is_silenced)) ${ALSO[word] ?? sql``} order by place limit ${sql.raw(String(MAX_EXPLAINED))})`,
      ),
      sql` union all `,
    )})
  select
    (select jsonb_build_object('pipelines', count(*), 'running', count(*) filter (where running),
      'silenced', count(*) filter (where is_silenced), 'failed_jobs', (select count(*) from ${job} where state = 'failed'),
      'channels', (select count(*) from ${channel} where active), 'failing_channels', ${failingChannels}) from candidate) as counts,
    (select coalesce(jsonb_agg(jsonb_build_object('incident_id', i.id, 'kind', i.kind, 'since', i.opened_at, 'severity', i.severity, 'details', i.details)
      order by i.id desc), '[]') from ${incident} i where i.resolved_at is null and i.pipeline_id is null) as own,
    (select jsonb_build_object(${sql.join(
      PROBLEM_WORDS.map((word) => sql`${sql.raw(`'${word}'`)}, count(*) filter (where ${nameOf(word)})`),
      sql`, `,
    )}) from candidate) as wrong,
    (select coalesce(jsonb_agg(to_jsonb(explained) || jsonb_build_object('pipeline_name', p.name, 'owner', coalesce(p.owner, t.owner),
        'effects', (select count(*) from ${incident} x where x.caused_by = explained.incident_id and x.resolved_at is null),
        'effect_names', (select coalesce(jsonb_agg(x.name), '[]') from (
          select xp.name from ${incident} x join ${pipeline} xp on xp.id = x.pipeline_id
          where x.caused_by = explained.incident_id and x.resolved_at is null order by x.id limit ${sql.raw(String(MAX_EXPLAINED))}) x)) order by explained.place), '[]')
      from explained join ${pipeline} p on p.id = explained.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id) as problems,
    ${typeChoices} as types,
    (select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object('states', coalesce(s.states, '{}'), 'marks', coalesce(m.marks, '[]')) order by c.listed), '[]')
      from chosen c left join states_of s on s.pipeline_id = c.id left join marks_of m on m.pipeline_id = c.id) as pipelines`),
)

const markShape = z.object({
  /** How many runs the mark stands for. */
  runs: amount,
  /** The worst state among them, and the newest run in that state. */
  state: z.string(),
  id: amount,
  start_date: moment,
  /** Now, if a run has not ended. */
  end_date: moment,
})

const overviewRow = z.object({
  counts: jsonOf(
    z.object({ pipelines: amount, running: amount, silenced: amount, failed_jobs: amount, channels: amount, failing_channels: amount }),
  ),
  /** The number of pipelines for the word of each problem. */
  wrong: jsonOf(z.record(z.string(), amount)),
  problems: jsonOf(
    z.array(
      z.object({
        word: z.string(),
        pipeline_id: amount,
        pipeline_name: z.string(),
        execution_id: amount.nullable(),
        since: moment,
        details: z.unknown(),
        incident_id: amount,
        /** How many open incidents it causes: they are not explained. */
        effects: amount,
        /** The names of the first of them. */
        effect_names: z.array(z.string()),
        owner: z.string().nullable(),
        kind: z.string(),
        incident_state: z.string(),
        severity: z.enum(SEVERITIES),
        acknowledged_by: z.string().nullable(),
        /** Whether its run has not ended; null: it is about none. */
        still_runs: z.boolean().nullable(),
      }),
    ),
  ),
  /** Open incidents about Watcher itself. */
  own: jsonOf(
    z.array(z.object({ incident_id: amount, kind: z.string(), since: moment, severity: z.enum(SEVERITIES), details: z.unknown() })),
  ),
  types: typeChoicesShape,
  pipelines: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        active: z.boolean(),
        type_name: z.string(),
        running: z.boolean(),
        is_silenced: z.boolean(),
        is_muted: z.boolean(),
        wrong: z.array(z.string()),
        /** The number of runs of the last 24 hours in each state. */
        states: z.record(z.string(), amount),
        /** What is drawn of these runs. */
        marks: z.array(markShape),
      }),
    ),
  ),
})

export type Overview = z.output<typeof overviewRow>

export interface OverviewFilters extends ChosenPipelines {
  state?: string | undefined
  page: number
}

export const readOverview = async (db: Database, { state, page, ...chosen }: OverviewFilters, now: string): Promise<Overview> => {
  const [row] = await db.rows(OVERVIEW(), overviewRow, {
    now,
    day_ago: addSeconds(now, -DAY_SECONDS),
    ...chosenValues(chosen),
    state: state ?? null,
    skipped: (page - 1) * PAGE_ROWS,
  })
  if (!row) throw new Error('the overview must be one row')
  return row
}
