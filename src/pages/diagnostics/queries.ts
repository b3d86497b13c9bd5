import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { amount, decimal, jsonOf, moment, text, truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { isForLater, job } from '../../jobs/table.ts'
import { TICKS, ticksColumn } from '../../jobs/ticks.ts'
import { channel } from '../../notifications/table.ts'

/**
 * Reads the database's catalog and statistics in one statement: size, tables, indexes, long statements, lock waits,
 * deadlocks; and Watcher's own migrations, crons and queue. Reads no large table. `pg_stat_activity` shows other users'
 * statements only to roles that may see them.
 */
const DIAGNOSE = prepare(sql`
  select
    current_setting('server_version') as version, current_database() as database, pg_database_size(current_database())::text as bytes,
    (select stats_reset from pg_stat_database where datname = current_database()) as counted_since,
    (select deadlocks::text from pg_stat_database where datname = current_database()) as deadlocks,
    (select count(*)::text from pg_stat_activity where datname = current_database()) as connections, current_setting('max_connections') as max_connections,
    to_regclass('pg_stat_statements') is not null as has_statements,
    (select coalesce(jsonb_agg(created_at order by created_at), '[]') from drizzle.__drizzle_migrations) as migrations,
    (select coalesce(jsonb_agg(to_jsonb(t) order by t.bytes desc), '[]') from (
      select s.relname as name, pg_total_relation_size(s.relid) as bytes, pg_indexes_size(s.relid) as index_bytes, s.n_live_tup as rows,
        s.n_dead_tup as dead_rows, s.seq_scan as sequential_scans, s.seq_tup_read as rows_read_sequentially, coalesce(s.idx_scan, 0) as index_scans,
        greatest(s.last_vacuum, s.last_autovacuum) as vacuumed_at
      from pg_stat_user_tables s where s.schemaname = 'public') t) as tables,
    (select coalesce(jsonb_agg(to_jsonb(i) order by i.bytes desc), '[]') from (
      select s.indexrelname as name, s.relname as table_name, pg_relation_size(s.indexrelid) as bytes, s.idx_scan as scans,
        x.indisunique as is_unique, x.indisvalid as is_valid
      from pg_stat_user_indexes s join pg_index x on x.indexrelid = s.indexrelid where s.schemaname = 'public') i) as indexes,
    (select coalesce(jsonb_agg(jsonb_build_object('table_name', c.conrelid::regclass::text, 'constraint', c.conname)), '[]')
      from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace and not exists (
        select from pg_index x where x.indrelid = c.conrelid and x.indkey[0] = c.conkey[1])) as keys_without_index,
    (select coalesce(jsonb_agg(to_jsonb(a) order by a.seconds desc), '[]') from (
      select pid, state, extract(epoch from clock_timestamp() - coalesce(case when state = 'active' then query_start end, xact_start))::double precision as seconds,
        wait_event_type, left(query, 500) as query, pg_blocking_pids(pid) as blocked_by
      from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
        and (clock_timestamp() - coalesce(case when state = 'active' then query_start end, xact_start) > interval '1 second' or cardinality(pg_blocking_pids(pid)) > 0)
      order by 3 desc limit 20) a) as busy,
    ${TICKS} as crons,
    (select count(*) from ${channel} where active) as channels,
    (select to_jsonb(q) from (
      select count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'running') as running,
        extract(epoch from ${param('now')}::timestamptz - min(created_at) filter (where state = 'waiting' and not ${isForLater(sql`${param('now')}::timestamptz`)}))::double precision as oldest_seconds,
        count(*) filter (where resent_at is not null) as resent
      from ${job} where state in ('waiting', 'running')) q) as queue`)

const diagnosisRow = z.object({
  version: text,
  database: text,
  bytes: whole,
  counted_since: moment.nullable(),
  deadlocks: whole,
  connections: whole,
  max_connections: whole,
  has_statements: truth,
  migrations: jsonOf(z.array(amount)),
  tables: jsonOf(
    z.array(
      z.object({
        name: z.string(),
        bytes: amount,
        index_bytes: amount,
        rows: amount,
        dead_rows: amount,
        sequential_scans: amount,
        rows_read_sequentially: amount,
        index_scans: amount,
        vacuumed_at: moment.nullable(),
      }),
    ),
  ),
  indexes: jsonOf(
    z.array(
      z.object({
        name: z.string(),
        table_name: z.string(),
        bytes: amount,
        scans: amount,
        is_unique: z.boolean(),
        is_valid: z.boolean(),
      }),
    ),
  ),
  keys_without_index: jsonOf(z.array(z.object({ table_name: z.string(), constraint: z.string() }))),
  busy: jsonOf(
    z.array(
      z.object({
        pid: amount,
        state: z.string().nullable(),
        seconds: amount.nullable(),
        wait_event_type: z.string().nullable(),
        query: z.string(),
        blocked_by: z.array(amount),
      }),
    ),
  ),
  crons: ticksColumn,
  /** The number of active channels. */
  channels: whole,
  queue: jsonOf(z.object({ waiting: amount, running: amount, oldest_seconds: amount.nullable(), resent: amount })),
})
export type Diagnosis = z.output<typeof diagnosisRow>

/** The statements with the largest total time since the statistics began. Needs the extension pg_stat_statements. */
const SLOWEST = prepare(sql`
  select left(query, 500) as query, calls::text as calls, mean_exec_time::text as mean_millis, max_exec_time::text as max_millis,
    total_exec_time::text as total_millis
  from pg_stat_statements s join pg_database d on d.oid = s.dbid
  where d.datname = current_database() order by total_exec_time desc limit 15`)

const slowRow = z.object({ query: text, calls: whole, mean_millis: decimal, max_millis: decimal, total_millis: decimal })
export type Slow = z.output<typeof slowRow>

/** `slowest` is undefined if the database does not collect it; `millis` is the duration of the first round trip. */
export const diagnose = async (
  db: Database,
  now: string,
): Promise<{ diagnosis: Diagnosis; slowest: Slow[] | undefined; millis: number }> => {
  const [diagnosis] = await db.rows(DIAGNOSE, diagnosisRow, { now })
  if (!diagnosis) throw new Error('the diagnosis must be one row')
  const millis = db.trips[0]?.millis ?? 0
  // The extension may be installed but not loaded, or our role may not read it: the page then shows no slow statements.
  const slowest = diagnosis.has_statements ? await db.rows(SLOWEST, slowRow).catch(() => undefined) : undefined
  return { diagnosis, slowest, millis }
}

const PROBE = prepare(sql`select 1 as one`)

/** One round trip to the database, in milliseconds. */
export const probe = async (db: Database): Promise<number> => {
  await db.rows(PROBE, z.unknown())
  return db.trips[0]?.millis ?? 0
}
