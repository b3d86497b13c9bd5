import type pg from 'pg'
import { TURN_KEY } from '../../features/pipeline-days/days.ts'
import { ProgramFailure } from '../failure.ts'
import type { ImportedTable } from './columns.ts'
import type { Source } from './source.ts'

/** What happened to the rows of one table, in this run and the ones before it. */
export interface Tally {
  rows_read: number
  rows_written: number
  skipped: Record<string, number>
  changed: Record<string, number>
}

/** Rows of one batch: its JSON is some megabytes, and the next one is read while it is written. */
const BATCH_ROWS = 5_000

interface Batch {
  /** A JSON array, as PostgreSQL made it: nothing here looks into it. */
  rows: string
  count: number
  last: string | null
}

/** Data that cannot be stored, and constraints: a row's fault. All else ends the import. */
const isFaultOfRow = (error: unknown): error is Error & { code: string } => /^(22|23)/.test((error as { code?: string }).code ?? '')

const readerOf = ({ client, has }: Source, { name, key, columns }: ImportedTable) => {
  const read = Object.entries(columns(has)).map(([column, [expression]]) => `${expression} AS ${column}`)
  const text = `SELECT coalesce(json_agg(r), '[]')::text AS rows, count(*)::int AS count, max(import_key)::text AS last
    FROM (SELECT ${key} AS import_key, ${read.join(', ')} FROM ${name} WHERE ${key} > $1 AND ($3::bigint IS NULL OR ${key} <= $3::bigint) ORDER BY ${key} FETCH FIRST $2 ROWS WITH TIES) r`
  return async (after: string, rows: number, upTo: string | null): Promise<Batch> =>
    (await client.query<Batch>(text, [after, rows, upTo])).rows[0] as Batch
}

/** Takes the rows as JSON; answers what became of them. */
const writerOf = ({ columns, judged, written, day }: ImportedTable, has: Source['has']) => {
  const types = Object.entries(columns(has)).map(([column, [, type]]) => `${column} ${type}`)
  return `WITH given AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS g(${types.join(', ')})),
    judged AS MATERIALIZED (${judged}),
    written AS (${written})
    SELECT (SELECT count(*) FROM written)::int AS written, (SELECT count(*) FROM judged WHERE reason IS NULL)::int AS meant,
      (SELECT coalesce(jsonb_object_agg(reason, n), '{}') FROM (SELECT reason, count(*) AS n FROM judged WHERE reason IS NOT NULL GROUP BY 1) r) AS skipped,
      (SELECT coalesce(jsonb_object_agg(note, n), '{}') FROM (SELECT note, count(*) AS n FROM judged, unnest(notes) note WHERE reason IS NULL GROUP BY 1) s) AS changed
      ${day ? `, (SELECT min(${day})::text FROM judged WHERE reason IS NULL) AS first_day` : ''}`
}

/** Nobody else may have written it since: two imports at once would count rows twice. */
const RECORD = `INSERT INTO import_progress AS p (name, last_key, rows_read, rows_written, skipped, changed) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (name) DO UPDATE SET last_key = excluded.last_key, rows_read = excluded.rows_read, rows_written = excluded.rows_written,
    skipped = excluded.skipped, changed = excluded.changed, updated_at = now() WHERE p.last_key = $7`

interface Progress extends Tally {
  last_key: string
}

/** Of what has not begun. */
export const NONE: Progress = { last_key: '0', rows_read: 0, rows_written: 0, skipped: {}, changed: {} }

/** How far each table has come, by its name. */
export const readProgress = async (target: pg.Client): Promise<Map<string, Progress>> => {
  const { rows } = await target.query<Progress & { name: string }>(
    'SELECT name, last_key::text, rows_read::int, rows_written::int, skipped, changed FROM import_progress',
  )
  return new Map(rows.map(({ name, ...progress }) => [name, progress]))
}

/** Writes how far a table has come; `known` is what was written last. Throws ProgramFailure if another import has written since. */
export const writeProgress = async (target: pg.Client, name: string, known: Progress | undefined, now: Progress): Promise<void> => {
  const { rowCount } = await target.query(RECORD, [
    name,
    now.last_key,
    now.rows_read,
    now.rows_written,
    now.skipped,
    now.changed,
    known?.last_key ?? '-1',
  ])
  if (rowCount === 0) throw new ProgramFailure('another import into this database is running')
}

const added = (counts: Record<string, number>, more: Record<string, number>): Record<string, number> => {
  const sum = { ...counts }
  for (const [reason, count] of Object.entries(more)) sum[reason] = (sum[reason] ?? 0) + count
  return sum
}

/**
 * Days that were counted before these runs came are counted again: the next sweep does. The lock is that of counting, taken first, as there
 * (features/pipeline-days/count.ts). A day whose runs the cleanup may have deleted is not counted as a whole any more: marks add them.
 */
const LOCK_DAYS = `SELECT pg_advisory_xact_lock(${TURN_KEY})`
const RECOUNT = `UPDATE pipeline_day_progress SET closed_through = greatest($1::date - 1, coalesce(cleaned_through, '-infinity')) WHERE closed_through >= $1::date`
const IS_CLEANED = 'SELECT FROM pipeline_day_progress WHERE cleaned_through >= $1::date'
const MARK = `INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date, is_end)
  SELECT e.pipeline_id, e.id, e.start_date, is_end FROM json_to_recordset($1::json) AS g(id bigint, start_date timestamptz)
  JOIN pipeline_execution e ON e.id = g.id AND e.start_date = g.start_date JOIN pipeline_day_progress p ON e.date_recorded <= p.cleaned_through
  CROSS JOIN unnest(ARRAY[false, true]) is_end WHERE NOT is_end OR e.end_date IS NOT NULL`

interface Written {
  written: number
  meant: number
  skipped: Record<string, number>
  changed: Record<string, number>
  first_day?: string | null
}

/**
 * Copies the rows of a table that have not been read yet, and answers what became of all of them. Each batch, and how far it came, is one
 * transaction. A batch that the database refuses is tried again in halves, until one row remains (or some with one key): that is skipped
 * with the database's words.
 */
export const copyTable = async (
  source: Source,
  target: pg.Client,
  table: ImportedTable,
  progress: (rows: number) => void,
): Promise<Tally> => {
  const read = readerOf(source, table)
  const write = writerOf(table, source.has)
  let known = (await readProgress(target)).get(table.name)

  const record = async (batch: Batch, { written, meant, skipped, changed }: Written): Promise<Progress> => {
    const tally = known ?? NONE
    const there = meant - written
    const now = {
      last_key: batch.last as string,
      rows_read: tally.rows_read + batch.count,
      rows_written: tally.rows_written + written,
      skipped: added(added(tally.skipped, skipped), there > 0 ? { 'already here': there } : {}),
      changed: added(tally.changed, changed),
    }
    await writeProgress(target, table.name, known, now)
    return now
  }
  const store = async (batch: Batch): Promise<void> => {
    await target.query('BEGIN')
    try {
      if (table.day) await target.query(LOCK_DAYS)
      const written = (await target.query<Written>(write, [batch.rows])).rows[0] as Written
      if (written.first_day) {
        if ((await target.query(IS_CLEANED, [written.first_day])).rowCount === 1) await target.query(MARK, [batch.rows])
        await target.query(RECOUNT, [written.first_day])
      }
      const now = await record(batch, written)
      await target.query('COMMIT')
      known = now
    } catch (error) {
      await target.query('ROLLBACK').catch(() => {})
      throw error
    }
    progress(batch.count)
  }
  const storeInParts = async (after: string, batch: Batch): Promise<void> => {
    try {
      return await store(batch)
    } catch (error) {
      if (!isFaultOfRow(error)) throw error
      const first = await read(after, Math.ceil(batch.count / 2), batch.last)
      if (first.count === batch.count) {
        known = await record(batch, {
          written: 0,
          meant: 0,
          skipped: { [`the database refuses it: ${error.message}`]: batch.count },
          changed: {},
        })
        return progress(batch.count)
      }
      await storeInParts(after, first)
      await storeInParts(first.last as string, await read(first.last as string, batch.count, batch.last))
    }
  }

  let after = known?.last_key ?? NONE.last_key
  let next = read(after, BATCH_ROWS, null)
  for (let batch = await next; batch.last !== null; batch = await next) {
    // While this one is written, the next one is read.
    next = read(batch.last, BATCH_ROWS, null)
    next.catch(() => {})
    await storeInParts(after, batch)
    after = batch.last
  }
  return known ?? NONE
}
