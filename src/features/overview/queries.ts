import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import type { Database } from '../../db/client.ts'
import { amount, jsonOf, moment } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { job } from '../../jobs/table.ts'
import { patternOf } from '../../pages/fields.ts'
import { anomalyDetectionResult } from '../anomalies/table.ts'
import { pipelineExecution } from '../executions/table.ts'
import { typeChoices, typeChoicesShape } from '../pipeline-types/choices.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { timelinessPipelineExecutionLog } from '../timeliness/table.ts'
import { DAY_SECONDS, PROBLEMS, problems } from './problems.ts'

export const PAGE_ROWS = 50
/** Of each kind of problem so many are told in words; the rest is counted and listed below. */
const MOST_TOLD = 3
/** Of one pipeline so many runs are drawn: one every five minutes. */
const MOST_RUNS = 300

/**
 * All of the page in one statement: counts, the newest problems of each kind, one page of pipelines (those with
 * problems first, worst first) and their runs of the last 24 hours. `like` is a pattern, `state` one of the states, each null for any.
 */
const OVERVIEW = prepare(sql`
  with ${problems},
  candidate as (
    select p.id, p.name, p.active, t.id as type_id, t.name as type_name,
      f.pipeline_id is not null as failed, o.pipeline_id is not null as overdue, s.pipeline_id is not null as stale,
      a.pipeline_id is not null as anomalous, r.pipeline_id is not null as running
    from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    left join failed f on f.pipeline_id = p.id left join overdue o on o.pipeline_id = p.id left join stale s on s.pipeline_id = p.id
    left join anomalous a on a.pipeline_id = p.id left join running r on r.pipeline_id = p.id),
  chosen as (
    select * from candidate
    where (${param('like')}::text is null or name ilike ${param('like')}) and (${param('type_id')}::bigint is null or type_id = ${param('type_id')}::bigint)
      and case ${param('state')}::text when 'failed' then failed when 'overdue' then overdue when 'stale' then stale when 'anomalous' then anomalous
        when 'running' then running when 'inactive' then not active when 'ok' then active and not (failed or overdue or stale or anomalous) else true end
    order by active desc, failed desc, overdue desc, stale desc, anomalous desc, running desc, lower(name)
    offset ${param('skipped')} limit ${sql.raw(String(PAGE_ROWS + 1))}),
  told as (
    ${sql.join(
      PROBLEMS.map((problem) => {
        const name = sql.raw(problem)
        return sql`(select '${name}' as problem, since, to_jsonb(${name}) as details from ${name} order by since desc limit ${sql.raw(String(MOST_TOLD))})`
      }),
      sql` union all `,
    )})
  select
    (select jsonb_build_object('pipelines', count(*), 'failed', count(*) filter (where failed), 'overdue', count(*) filter (where overdue),
      'stale', count(*) filter (where stale), 'anomalous', count(*) filter (where anomalous), 'running', count(*) filter (where running),
      'failed_jobs', (select count(*) from ${job} where state = 'failed')) from candidate) as counts,
    (select coalesce(jsonb_agg(details || jsonb_build_object('problem', problem, 'pipeline_name', p.name) order by told.since desc), '[]')
      from told join ${pipeline} p on p.id = (details ->> 'pipeline_id')::bigint) as problems,
    ${typeChoices} as types,
    (select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object('runs', (
        select coalesce(jsonb_agg(to_jsonb(run) order by run.start_date), '[]') from (
          select e.id, e.start_date, e.end_date, e.completed_successfully,
            exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = e.id) as is_late,
            exists (select from ${anomalyDetectionResult} x where x.pipeline_execution_id = e.id) as is_flagged
          from (select * from ${pipelineExecution} where pipeline_id = c.id order by id desc limit ${sql.raw(String(MOST_RUNS))}) e
          where e.end_date is null or e.end_date >= ${param('day_ago')}::timestamptz) run))), '[]')
      from chosen c) as pipelines`)

const runShape = z.object({
  id: amount,
  start_date: moment,
  end_date: moment.nullable(),
  completed_successfully: z.boolean().nullable(),
  is_late: z.boolean(),
  is_flagged: z.boolean(),
})

const about = { pipeline_id: amount, pipeline_name: z.string(), since: moment }

const overviewRow = z.object({
  counts: jsonOf(
    z.object({
      pipelines: amount,
      failed: amount,
      overdue: amount,
      stale: amount,
      anomalous: amount,
      running: amount,
      failed_jobs: amount,
    }),
  ),
  problems: jsonOf(
    z.array(
      z.discriminatedUnion('problem', [
        z.object({ problem: z.literal('failed'), ...about, execution_id: amount, why: z.string().nullable() }),
        z.object({
          problem: z.literal('overdue'),
          ...about,
          execution_id: amount,
          is_running: z.boolean(),
          seconds: amount,
          seconds_threshold: amount,
        }),
        z.object({ problem: z.literal('stale'), ...about, number: amount, datepart: z.string() }),
        z.object({
          problem: z.literal('anomalous'),
          ...about,
          execution_id: amount,
          metric_field: z.string(),
          violation_value: amount,
          baseline_value: amount,
          deviation_percentage: amount.nullable(),
        }),
      ]),
    ),
  ),
  types: typeChoicesShape,
  pipelines: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        active: z.boolean(),
        type_name: z.string(),
        failed: z.boolean(),
        overdue: z.boolean(),
        stale: z.boolean(),
        anomalous: z.boolean(),
        running: z.boolean(),
        runs: z.array(runShape),
      }),
    ),
  ),
})

export type Overview = z.output<typeof overviewRow>

export interface OverviewFilters {
  search: string
  type?: number | undefined
  state?: string | undefined
  page: number
}

export const readOverview = async (db: Database, { search, type, state, page }: OverviewFilters, now: string): Promise<Overview> => {
  const [row] = await db.rows(OVERVIEW, overviewRow, {
    now,
    day_ago: addSeconds(now, -DAY_SECONDS),
    like: patternOf(search),
    type_id: type ?? null,
    state: state ?? null,
    skipped: (page - 1) * PAGE_ROWS,
  })
  if (!row) throw new Error('the overview is one row')
  return row
}
