import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { effective } from '../../db/on-call.ts'
import { amount, jsonOf, moment, truth } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { reason } from '../../features/executions/reason.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineActivity } from '../../features/pipeline-activity/table.ts'
import { typeChoices, typeChoicesShape } from '../../features/pipeline-types/choices.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { type ChosenPipelines, chosenValues, isChosen, isNarrowed } from '../frame/chosen.ts'
import { findingWords, RUN_FINDINGS } from '../frame/problems.ts'
import type { Range } from './period.ts'

export const PAGE_ROWS = 100
/** A page looks at no more runs than this, the newest of the period; it says so where there are more. */
const MAX_SEARCHED = 10_000
/** Of fewer chosen pipelines, each one's runs are read by themselves: index pipeline_execution_of_pipeline_by_start. */
const MAX_BY_PIPELINE = 300

/** The states by which runs can be chosen. */
export const RUN_STATES: readonly string[] = ['running', 'failed', 'succeeded', ...RUN_FINDINGS]

export interface RunFilters extends ChosenPipelines {
  state?: string | undefined
  /** Rows of the list that come before this page. */
  skipped: number
}

const rows = (count: number) => sql.raw(String(count))
const inRange = sql`e.start_date >= ${param('from')}::timestamptz and e.start_date < ${param('to')}::timestamptz`

/** What the search must know of each run; the other columns are read of those that are shown. */
const SEARCHED = sql.raw('e.id, e.pipeline_id, e.start_date, e.end_date, e.completed_successfully')

/**
 * The runs of a period that started in it, newest first. Those of few chosen pipelines are read pipeline by pipeline; else the period is read
 * backwards, at most MAX_SEARCHED runs: Index Scan Backward on pipeline_execution_start_date.
 */
const RUNS = once(() =>
  prepare(sql`
  with chosen as materialized (
    select p.id from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    where ${param('narrowed')}::boolean and ${isChosen} limit ${rows(MAX_BY_PIPELINE + 1)}),
  way as materialized (
    select ${param('narrowed')}::boolean and count(*) <= ${rows(MAX_BY_PIPELINE)} as is_by_pipeline, ${rows(MAX_SEARCHED)} / greatest(count(*), 1) as of_each from chosen),
  searched as materialized (
    (select ${SEARCHED}, e.place from chosen cross join lateral (
        select r.*, row_number() over (order by r.start_date desc) as place from ${pipelineExecution} r
        where r.pipeline_id = chosen.id and r.start_date >= ${param('from')}::timestamptz and r.start_date < ${param('to')}::timestamptz
        order by r.start_date desc limit (select of_each from way)) e
      where (select is_by_pipeline from way))
    union all
    (select ${SEARCHED}, row_number() over (order by e.start_date desc) from ${pipelineExecution} e where not (select is_by_pipeline from way) and ${inRange}
      order by e.start_date desc limit ${rows(MAX_SEARCHED)})),
  page as materialized (
    select s.id, s.start_date, p.name as pipeline_name, t.name as type_name,
      ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} as owner
    from searched s join ${pipeline} p on p.id = s.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id
    where not p.is_step and (not ${param('narrowed')}::boolean or ${isChosen}) and case ${param('state')}::text
        when 'running' then s.end_date is null when 'failed' then s.completed_successfully = false
        when 'succeeded' then s.completed_successfully
        else ${param('state')}::text is null or ${param('state')} = any(${findingWords(sql`s.id`)}) end
    order by s.start_date desc, s.id desc offset ${param('skipped')} limit ${rows(PAGE_ROWS + 1)}),
  shown as materialized (
    select e.id, e.pipeline_id, e.parent_id, e.start_date, e.end_date, e.duration_seconds, e.completed_successfully, e.total_rows,
      left(${reason(sql`e`)}, 300) as why, page.pipeline_name, page.type_name, page.owner
    from page join ${pipelineExecution} e on e.id = page.id)
  select (select coalesce(max(s.place), 0) < case when (select is_by_pipeline from way) then (select of_each from way) else ${rows(MAX_SEARCHED)} end from searched s) as is_complete,
    (select coalesce(jsonb_agg(to_jsonb(s) || jsonb_build_object('findings', ${findingWords(sql`s.id`)},
        'longest_seconds', a.longest_seconds, 'typical_rows', a.typical_rows,
        'parent_pipeline_id', (select parent.pipeline_id from ${pipelineExecution} parent where parent.id = s.parent_id))
      order by s.start_date desc, s.id desc), '[]') from shown s left join ${pipelineActivity} a on a.pipeline_id = s.pipeline_id) as runs,
    ${typeChoices} as types`),
)

const runsRow = z.object({
  is_complete: truth,
  runs: jsonOf(
    z.array(
      z.object({
        id: amount,
        pipeline_id: amount,
        pipeline_name: z.string(),
        type_name: z.string(),
        owner: z.string().nullable(),
        parent_id: amount.nullable(),
        parent_pipeline_id: amount.nullable(),
        start_date: moment,
        end_date: moment.nullable(),
        duration_seconds: amount.nullable(),
        completed_successfully: z.boolean().nullable(),
        total_rows: amount.nullable(),
        why: z.string().nullable(),
        /** The words of the checks that found something about it. */
        findings: z.array(z.string()),
        /** Of the pipeline's last good runs: the longest duration, and the median of rows. */
        longest_seconds: amount.nullable(),
        typical_rows: amount.nullable(),
      }),
    ),
  ),
  types: typeChoicesShape,
})
export type Runs = z.output<typeof runsRow>
export type ListedRun = Runs['runs'][number]

/** A page of the runs that started in a period. `is_complete` is false if older runs of the period were not searched. */
export const readRuns = async (db: Database, filters: RunFilters, { from, to }: Range): Promise<Runs> => {
  const { state, skipped } = filters
  const narrowed = isNarrowed(filters)
  const [row] = await db.rows(RUNS(), runsRow, { ...chosenValues(filters), narrowed, state: state ?? null, skipped, from, to })
  if (!row) throw new Error('the runs must be one row')
  return row
}

const WHERE = prepare(sql`select pipeline_id::text from ${pipelineExecution} where id = ${param('id')}`)

/** The pipeline of a run; undefined: there is no such run. */
export const pipelineOfRun = async (db: Database, id: number): Promise<number | undefined> => {
  const [row] = await db.rows(WHERE, z.object({ pipeline_id: z.string().transform(Number) }), { id })
  return row?.pipeline_id
}
