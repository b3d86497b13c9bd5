import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { parseJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import { effective } from '../../db/on-call.ts'
import { amount, decimal, jsonOf, moment, whole } from '../../db/rows.ts'
import { keep, param, prepare, type Statement } from '../../db/statement.ts'
import { incident } from '../../incidents/table.ts'
import { isForLater, job, kindsValue } from '../../jobs/table.ts'
import { TICKS, ticksColumn } from '../../jobs/ticks.ts'
import { pipelineExecution } from '../executions/table.ts'
import type { House } from '../feature.ts'
import { pipelineActivity } from '../pipeline-activity/table.ts'
import { dayTables } from '../pipeline-days/read.ts'
import { pipelineType } from '../pipeline-types/table.ts'
import { pipeline } from '../pipelines/table.ts'

const DAY_SECONDS = 24 * 60 * 60
const HOUR_SECONDS = 60 * 60

/** At most so many combinations of kind, severity and owner: each is a time series. */
const MAX_OWNERS = 1_000

/** At most so many pipelines have series of their own. */
const MAX_PIPELINES = 10_000

const NOW = sql`${param('now')}::timestamptz`
const DAY_AGO = sql`${param('day_ago')}::timestamptz`

/** What sweeps keep about each active pipeline: nothing is read from its history. */
const EACH = sql`(select coalesce(jsonb_agg(to_jsonb(each)), '[]') from (
  select p.id, p.name, a.last_start_at, a.last_success_at, case when a.last_end_at is not null then a.last_succeeded end as last_succeeded,
    a.typical_seconds, p.schedule_slot_at as next_start_at
  from ${pipeline} p left join ${pipelineActivity} a on a.pipeline_id = p.id
  where p.active and not p.is_step order by p.id limit ${sql.raw(String(MAX_PIPELINES))}) each)`

/**
 * Reads all metrics in one statement, whose cost does not grow with the history: running executions and waiting jobs come from
 * partial indexes, outcomes from the counts by day, other values from the last hour. All failed jobs count: a person must look at them.
 */
const measureOf = ({ jobKinds, checks }: House, withPipelines: boolean): Statement =>
  prepare(sql`
  with ${dayTables({ from: sql`${param('yesterday')}::date`, to: sql`${param('yesterday')}::date + 1` })},
  outcome as (
    select day, sum(ended - failures)::bigint as succeeded, sum(failures)::bigint as failed
    from (select day, ended, failures from closed_day union all select day, ended, failures from open_day) d group by day),
  kind as (select unnest(${kindsValue(jobKinds)}) as kind),
  unfinished as (
    select kind, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'running') as running,
      extract(epoch from ${param('now')}::timestamptz - min(created_at) filter (where state = 'waiting' and not ${isForLater(NOW)})) as oldest
    from ${job} where state in ('waiting', 'running') group by kind),
  failed as (select kind, count(*) as failed from ${job} where state = 'failed' group by kind),
  succeeded as (
    select kind, count(*) as succeeded from ${job}
    where kind = any(${kindsValue(jobKinds)}) and finished_at >= ${param('hour_ago')}::timestamptz and state = 'succeeded' group by kind)
  select
    (select count(*) from ${pipelineExecution} where end_date is null) as running,
    (select coalesce(jsonb_object_agg(case when day = ${param('yesterday')}::date then 'yesterday' else 'today' end, to_jsonb(outcome) - 'day'), '{}')
      from outcome) as outcomes,
    jsonb_build_object(${sql.join(
      checks.map(({ kind, countOpen }) => sql`${sql.raw(`'${kind}'`)}, (${countOpen({ now: NOW, dayAgo: DAY_AGO })})`),
      sql`, `,
    )}) as findings,
    (select coalesce(jsonb_agg(to_jsonb(open)), '[]') from (
      select i.kind, i.severity, ${effective('owner', { pipeline: sql.raw('p'), type: sql.raw('t') })} as owner, count(*) as count
      from ${incident} i left join ${pipeline} p on p.id = i.pipeline_id left join ${pipelineType} t on t.id = p.pipeline_type_id
      where i.resolved_at is null group by 1, 2, 3 order by 4 desc limit ${sql.raw(String(MAX_OWNERS))}) open) as incidents,
    (select count(*) from ${pipeline} where not is_step) as pipelines,
    ${withPipelines ? EACH : sql`'[]'`} as each,
    ${TICKS} as crons,
    (select jsonb_agg(jsonb_build_object('kind', kind, 'waiting', coalesce(waiting, 0), 'running', coalesce(running, 0),
        'failed', coalesce(failed, 0), 'succeeded', coalesce(succeeded, 0), 'oldest', coalesce(oldest, 0)))
      from kind left join unfinished using (kind) left join failed using (kind) left join succeeded using (kind)) as jobs`)

const statements = keep<Statement>()

const measuredRow = z.object({
  running: whole,
  /** The runs that started on a UTC day and have ended: `today`, `yesterday`. */
  outcomes: jsonOf(z.record(z.string(), z.object({ succeeded: amount, failed: amount }))),
  /** Open findings by check. */
  findings: jsonOf(z.record(z.string(), amount)),
  /** Open incidents. */
  incidents: jsonOf(z.array(z.object({ kind: z.string(), severity: z.enum(SEVERITIES), owner: z.string().nullable(), count: amount }))),
  pipelines: decimal,
  /** Each active pipeline, if it is asked for. */
  each: jsonOf(
    z.array(
      z.object({
        id: amount,
        name: z.string(),
        last_start_at: moment.nullable(),
        last_success_at: moment.nullable(),
        /** null: no run has ended. */
        last_succeeded: z.boolean().nullable(),
        typical_seconds: amount.nullable(),
        next_start_at: moment.nullable(),
      }),
    ),
  ),
  crons: ticksColumn,
  jobs: z
    .string()
    .transform(parseJson)
    .pipe(
      z.array(
        z.object({
          kind: z.string(),
          waiting: z.number(),
          running: z.number(),
          failed: z.number(),
          succeeded: z.number(),
          /** Seconds since the oldest waiting job was recorded. */
          oldest: z.number(),
        }),
      ),
    ),
})

export type Measured = z.output<typeof measuredRow>

/** Reads the current values of the metrics, also of each pipeline if `withPipelines`. */
export const measure = async (db: Database, house: House, withPipelines: boolean, now: string): Promise<Measured> => {
  const [row] = await db.rows(
    statements(`${house.jobKinds.join()} ${withPipelines}`, () => measureOf(house, withPipelines)),
    measuredRow,
    {
      now,
      hour_ago: addSeconds(now, -HOUR_SECONDS),
      day_ago: addSeconds(now, -DAY_SECONDS),
      yesterday: addSeconds(now, -DAY_SECONDS).slice(0, 10),
    },
  )
  if (!row) throw new Error('expected one row of measures')
  return row
}
