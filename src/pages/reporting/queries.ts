import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { amount, jsonOf } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { typeChoices, typeChoicesShape } from '../../features/pipeline-types/choices.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { patternOf } from '../frame/fields.ts'

export const PAGE_ROWS = 50
/** Keeps the answer below Neon's limit of 10 MiB. */
export const MAX_CSV_ROWS = 20_000

/** The columns of the report; a reader can sort by each. */
export const COLUMNS = [
  'day',
  'pipeline',
  'type',
  'executions',
  'failures',
  'error_rate',
  'inserts',
  'updates',
  'soft_deletes',
  'total_rows',
  'mean_seconds',
  'p95_seconds',
  'throughput',
] as const
export type ReportColumn = (typeof COLUMNS)[number]

export interface ReportFilters {
  search: string
  type?: number | undefined
  /** UTC days, both included. */
  from: string
  to: string
  sort: ReportColumn
  order: 'asc' | 'desc'
}

/** The metrics of a set of runs. Throughput ignores runs whose rounded duration is 0 seconds. */
const METRICS: SQL = sql`count(*) as executions, count(*) filter (where completed_successfully = false) as failures,
  count(*) filter (where completed_successfully = false)::double precision / nullif(count(completed_successfully), 0) as error_rate,
  coalesce(sum(inserts), 0) as inserts, coalesce(sum(updates), 0) as updates, coalesce(sum(soft_deletes), 0) as soft_deletes,
  coalesce(sum(total_rows), 0) as total_rows, avg(duration_seconds)::double precision as mean_seconds,
  percentile_cont(0.95) within group (order by duration_seconds) as p95_seconds,
  (sum(total_rows) filter (where duration_seconds > 0))::double precision
    / nullif(sum(duration_seconds) filter (where duration_seconds > 0 and total_rows is not null), 0) as throughput`

/**
 * The metrics of the runs that started on these days: sorted rows for each pipeline and day, one total, and one row for each
 * day. Index Scan on pipeline_execution_start_date. Placeholders: `from`, `to`, `like`, `type_id`, `skipped`, `rows`.
 */
const reportOrderedBy = (sort: ReportColumn, order: 'asc' | 'desc'): Statement =>
  prepare(sql`
    with run as (
      select e.pipeline_id, e.date_recorded, e.completed_successfully, e.inserts, e.updates, e.soft_deletes, e.total_rows, e.duration_seconds,
        p.name as pipeline, t.name as type
      from ${pipelineExecution} e
      join ${pipeline} p on p.id = e.pipeline_id join ${pipelineType} t on t.id = p.pipeline_type_id
      where e.start_date >= (${param('from')}::date)::timestamp at time zone 'UTC'
        and e.start_date < (${param('to')}::date + 1)::timestamp at time zone 'UTC'
        and (${param('like')}::text is null or p.name ilike ${param('like')}) and (${param('type_id')}::bigint is null or t.id = ${param('type_id')}::bigint)),
    daily as (
      select pipeline_id, pipeline, type, date_recorded as day, ${METRICS} from run group by pipeline_id, pipeline, type, date_recorded)
    select
      (select coalesce(jsonb_agg(to_jsonb(d)), '[]') from (
        select * from daily order by ${sql.raw(sort)} ${sql.raw(order)} nulls last, day desc, lower(pipeline)
        offset ${param('skipped')} limit ${param('rows')}) d) as rows,
      (select to_jsonb(t) from (select ${METRICS} from run) t) as total,
      (select coalesce(jsonb_agg(to_jsonb(d) order by d.day), '[]') from (select date_recorded as day, ${METRICS} from run group by date_recorded) d) as days,
      ${typeChoices} as types`)

const metrics = {
  executions: amount,
  failures: amount,
  error_rate: amount.nullable(),
  inserts: amount,
  updates: amount,
  soft_deletes: amount,
  total_rows: amount,
  mean_seconds: amount.nullable(),
  p95_seconds: amount.nullable(),
  throughput: amount.nullable(),
}
const dailyShape = z.object({ pipeline_id: amount, pipeline: z.string(), type: z.string(), day: z.string(), ...metrics })
export type DailyRow = z.output<typeof dailyShape>

const reportRow = z.object({
  rows: jsonOf(z.array(dailyShape)),
  total: jsonOf(z.object(metrics)),
  days: jsonOf(z.array(z.object({ day: z.string(), ...metrics }))),
  types: typeChoicesShape,
})
export type Report = z.output<typeof reportRow>

const statements = keep<Statement>()

/** Reads `rows` rows after the first `skipped` ones; ask for one row more to know whether another page follows. */
export const readReport = async (
  db: Database,
  filters: ReportFilters,
  { skipped, rows }: { skipped: number; rows: number },
): Promise<Report> => {
  const { search, type, from, to, sort, order } = filters
  const statement = statements(`${sort} ${order}`, () => reportOrderedBy(sort, order))
  const [row] = await db.rows(statement, reportRow, { from, to, like: patternOf(search), type_id: type ?? null, skipped, rows })
  if (!row) throw new Error('the report must be one row')
  return row
}
