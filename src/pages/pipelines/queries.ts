import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { effective } from '../../db/on-call.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineActivity } from '../../features/pipeline-activity/table.ts'
import { pipelineDay } from '../../features/pipeline-days/table.ts'
import { typeChoices, typeChoicesShape } from '../../features/pipeline-types/choices.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { type ChosenPipelines, chosenValues, isChosen } from '../frame/chosen.ts'
import { hasProblem, joinProblems, marks, PROBLEM_WORDS, problems, wordsWhere } from '../frame/problems.ts'

export const PAGE_ROWS = 50
const DAYS = 30
const DAY_SECONDS = 86_400

/** By what the list can be sorted. Of what is the same, names decide. */
export const SORTS = ['state', 'name', 'owner', 'type', 'next', 'last', 'rate', 'time'] as const
export type Sort = (typeof SORTS)[number]
export const ORDERS = ['asc', 'desc'] as const
export type Order = (typeof ORDERS)[number]

export interface PipelineFilters extends ChosenPipelines {
  state?: string | undefined
  sort: Sort
  order: Order
  skipped: number
}

const worst = sql`coalesce(array_position(array[${sql.join(
  PROBLEM_WORDS.map((word) => sql.raw(`'${word}'`)),
  sql`, `,
)}], wrong[1]), case when not active then 99 when is_running then 50 else 60 end)`

const SORTED_BY: Record<Sort, SQL> = {
  state: worst,
  name: sql`lower(name) collate "C"`,
  owner: sql`owner`,
  type: sql`lower(type_name) collate "C"`,
  next: sql`next_start_at`,
  last: sql`last_start_at`,
  rate: sql`succeeded::double precision / nullif(ended, 0)`,
  time: sql`typical_seconds`,
}

/** The counted days `d` of one pipeline in the last month: a look-up in pipeline_day_pk for each day. */
const daysOf = (pipelineId: SQL) => sql`generate_series(${param('month_ago')}::date, ${param('now')}::timestamptz::date + 1, '1 day') that
  join ${pipelineDay} d on d.day = that::date and d.pipeline_id = ${pipelineId}`

/** What the list shows of these days; the sums only if the rows have none yet. */
const countsOf = (isSummed: boolean): SQL => sql`jsonb_build_object(
  'days', coalesce(jsonb_agg(jsonb_build_object('day', d.day, 'ended', d.ended, 'failures', d.failures) order by d.day), '[]')
  ${isSummed ? sql`` : sql`, 'ended', sum(ended)::bigint, 'succeeded', sum(ended - failures)::bigint`})`

/**
 * The last run of a pipeline `s` that is shown, and how the last ended one went: what is kept (`pipeline_activity`) sorts the list, but is a
 * quarter of an hour old. Index Scan Backward on pipeline_execution_of_pipeline_by_start.
 */
const lastRun = sql`(
  select jsonb_build_object('last_start_at', max(e.start_date), 'last_end_at', max(e.end_date),
    'last_succeeded', (array_agg(e.completed_successfully order by e.end_date desc, e.id desc) filter (where e.end_date is not null))[1])
  from (select * from ${pipelineExecution} where pipeline_id = s.id order by start_date desc limit 5) e having count(*) > 0)`

/** Success rates are sums of the counts by day: the runs of today, and of the hour before, are not among them yet. */
const listOf = (sort: Sort, order: Order): Statement => {
  const isByRate = sort === 'rate'
  return prepare(sql`
  with ${problems},
  ${isByRate ? sql`month as materialized (select pipeline_id, sum(ended)::bigint as ended, sum(ended - failures)::bigint as succeeded from ${pipelineDay} where day >= ${param('month_ago')}::date group by pipeline_id),` : sql``}
  candidate as materialized (
    select p.id, p.name, p.active, p.tags, t.name as type_name, ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} as owner,
      p.schedule_cron, p.schedule_timezone, p.schedule_number, p.schedule_datepart, p.schedule_slot_at as next_start_at,
      a.last_start_at, a.last_end_at, a.last_succeeded, a.typical_seconds, r.pipeline_id is not null as is_running, ${marks},
      ${isByRate ? sql`month.ended, month.succeeded,` : sql``} case when problem_of.pipeline_id is null then '{}' else ${wordsWhere(hasProblem)} end as wrong
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    left join ${pipelineActivity} a on a.pipeline_id = p.id ${isByRate ? sql`left join month on month.pipeline_id = p.id` : sql``} left join running r on r.pipeline_id = p.id
    ${joinProblems(sql`p.id`)}
    where not p.is_step and ${isChosen}),
  matching as materialized (
    select * from candidate where case ${param('state')}::text
      when 'running' then is_running when 'inactive' then not active when 'ok' then active and cardinality(wrong) = 0
      when 'silenced' then is_silenced when 'muted' then is_muted
      else ${param('state')}::text is null or ${param('state')} = any(wrong) end),
  shown as materialized (
    select *, row_number() over () as place from (
      select * from matching order by ${SORTED_BY[sort]} ${sql.raw(order)} nulls last, lower(name) collate "C"
      offset ${param('skipped')} limit ${sql.raw(String(PAGE_ROWS + 1))}) s)
  select (select count(*) from matching)::text as count,
    (select coalesce(jsonb_agg(to_jsonb(s) || coalesce(${lastRun}, '{}') || month.counts order by s.place), '[]')
      from shown s cross join lateral (select ${countsOf(isByRate)} as counts from ${daysOf(sql`s.id`)}) month) as pipelines,
    ${typeChoices} as types`)
}

const statements = keep<Statement>()

const pipelinesRow = z.object({
  count: z.string().transform(Number),
  pipelines: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        active: z.boolean(),
        tags: z.array(z.string()),
        type_name: z.string(),
        owner: z.string().nullable(),
        schedule_cron: z.string().nullable(),
        schedule_timezone: z.string().nullable(),
        schedule_number: amount.nullable(),
        schedule_datepart: z.string().nullable(),
        next_start_at: moment.nullable(),
        last_start_at: moment.nullable(),
        last_end_at: moment.nullable(),
        last_succeeded: z.boolean().nullable(),
        typical_seconds: amount.nullable(),
        is_running: z.boolean(),
        is_silenced: z.boolean(),
        is_muted: z.boolean(),
        /** The runs of 30 days that have ended, and how many of them well; null: none. */
        ended: amount.nullable(),
        succeeded: amount.nullable(),
        wrong: z.array(z.string()),
        days: z.array(z.object({ day: z.string(), ended: amount, failures: amount })),
      }),
    ),
  ),
  types: typeChoicesShape,
})
export type PipelineList = z.output<typeof pipelinesRow>
export type ListedPipeline = PipelineList['pipelines'][number]

/** A page of pipelines, with the number of all that match. */
export const readPipelines = async (db: Database, filters: PipelineFilters, now: string): Promise<PipelineList> => {
  const { sort, order, state, skipped } = filters
  const statement = statements(`${sort} ${order}`, () => listOf(sort, order))
  const [row] = await db.rows(statement, pipelinesRow, {
    ...chosenValues(filters),
    state: state ?? null,
    skipped,
    now,
    month_ago: addSeconds(now, -DAYS * DAY_SECONDS).slice(0, 10),
  })
  if (!row) throw new Error('the pipelines must be one row')
  return row
}
