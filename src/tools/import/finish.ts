import type pg from 'pg'
import { FUNCTIONS } from '../../db/functions.ts'
import { isNamed, object } from './columns.ts'
import { NONE, readProgress, writeProgress } from './copy.ts'
import { COUNTS, endOf, okCount, okSeconds } from './history.ts'
import { isPostponed } from './postpone.ts'
import type { Source } from './source.ts'

/** What is done once all rows are there. Each step may be repeated, and goes on after a kill. */

const IDS_AT_ONCE = 20_000
/** One step of the closure of lineage holds the turn of its writers for this long. */
const STEP_MILLIS = 2_000

/**
 * Gives runs the parents whose ids are greater than theirs: only among these can nesting go in circles. A run that would close a circle
 * stands alone. Answers how many runs were changed, and how many are on circles or name no run.
 */
export const nestLate = async ({ client }: Source, target: pg.Client): Promise<{ nested: number; alone: number }> => {
  const { rows } = await client.query<{ id: string; parent_id: string }>(
    'SELECT id, parent_id FROM pipeline_execution WHERE parent_id >= id ORDER BY id',
  )
  let [nested, alone] = [0, 0]
  for (const { id, parent_id } of rows) {
    const { rowCount } = await target.query(
      `UPDATE pipeline_execution e SET parent_id = $2 WHERE e.id = $1 AND e.parent_id IS NULL
         AND EXISTS (SELECT FROM pipeline_execution p WHERE p.id = $2)
         AND NOT EXISTS (
           WITH RECURSIVE up AS (
             SELECT $2::bigint AS id UNION SELECT p.parent_id FROM up JOIN pipeline_execution p ON p.id = up.id WHERE p.parent_id IS NOT NULL)
           SELECT FROM up WHERE up.id = $1)`,
      [id, parent_id],
    )
    const isNested = (await target.query('SELECT FROM pipeline_execution WHERE id = $1 AND parent_id = $2', [id, parent_id])).rowCount === 1
    if (rowCount === 1) nested += 1
    if (!isNested) alone += 1
  }
  return { nested, alone }
}

/** Ends the runs that were running at an earlier import and have ended since. Answers how many. */
export const endRunning = async ({ client }: Source, target: pg.Client): Promise<number> => {
  let ended = 0
  for (let after = '0'; ; ) {
    const { rows } = await target.query<{ id: string }>(
      'SELECT id FROM pipeline_execution WHERE end_date IS NULL AND id > $1 ORDER BY id LIMIT $2',
      [after, IDS_AT_ONCE],
    )
    const last = rows.at(-1)
    if (!last) return ended
    after = last.id
    const { rows: found } = await client.query<{ rows: string }>(
      `SELECT coalesce(json_agg(r), '[]')::text AS rows FROM (
         SELECT id, pipeline_id, start_date, end_date, completed_successfully, duration_seconds, ${COUNTS.join(', ')}, execution_metadata
         FROM pipeline_execution WHERE id = ANY ($1) AND (end_date IS NOT NULL OR completed_successfully IS NOT NULL)) r`,
      [rows.map(({ id }) => id)],
    )
    const { rowCount } = await target.query(
      `WITH ended AS (
         UPDATE pipeline_execution e SET end_date = o.ok_end_date, completed_successfully = o.ok_completed, guards_start = false,
           duration_seconds = ${okSeconds('g', 'o')}, ${COUNTS.map((name) => `${name} = ${okCount(`g.${name}`)}`).join(', ')},
           throughput = ${okCount('g.total_rows')}::double precision / nullif(extract(epoch FROM o.ok_end_date - g.start_date), 0)::double precision,
           execution_metadata = coalesce(${object('g.execution_metadata')}, e.execution_metadata)
         FROM json_to_recordset($1::json) AS g(id bigint, pipeline_id bigint, start_date timestamptz, end_date timestamptz, completed_successfully boolean,
           duration_seconds bigint, ${COUNTS.map((name) => `${name} bigint`).join(', ')}, execution_metadata jsonb)
         CROSS JOIN LATERAL (${endOf('g')}) o
         WHERE e.id = g.id AND e.pipeline_id = g.pipeline_id AND e.start_date = g.start_date AND e.end_date IS NULL
         RETURNING e.pipeline_id, e.id, e.start_date)
       INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date, is_end) SELECT pipeline_id, id, start_date, true FROM ended`,
      [found[0]?.rows],
    )
    ended += rowCount ?? 0
  }
}

/**
 * Moves watermarks and times of the last changes to where the original has them now, of pipelines that have run nowhere else: none of their
 * runs is newer than the original's. Answers how many have moved.
 */
export const movePipelines = async ({ client }: Source, target: pg.Client): Promise<number> => {
  const state = 'watermark, next_watermark, last_target_insert, last_target_update, last_target_soft_delete, load_lineage'
  const { rows } = await client.query<{ rows: string; last: string }>(
    `SELECT coalesce(json_agg(p), '[]')::text AS rows, (SELECT coalesce(max(id), 0)::text FROM pipeline_execution) AS last FROM (SELECT id, name, ${state} FROM pipeline) p`,
  )
  const columns = state.split(', ')
  const { rowCount } = await target.query(
    `UPDATE pipeline p SET ${columns.map((column) => `${column} = g.${column}`).join(', ')}
     FROM json_to_recordset($1::json) AS g(id bigint, name text, watermark text, next_watermark text, last_target_insert timestamptz,
       last_target_update timestamptz, last_target_soft_delete timestamptz, load_lineage boolean)
     WHERE p.id = g.id AND ${isNamed('p')}
       AND (${columns.map((column) => `p.${column}`).join(', ')}) IS DISTINCT FROM (${columns.map((column) => `g.${column}`).join(', ')})
       AND NOT EXISTS (SELECT FROM pipeline_execution e WHERE e.pipeline_id = p.id AND e.id > $2)`,
    [rows[0]?.rows, rows[0]?.last],
  )
  return rowCount ?? 0
}

/**
 * Builds the closure of nested runs: the pairs of each run with itself and all above it. `isAnew`: runs that were there have got a parent.
 * `progress` gets the number of runs.
 */
export const closeRuns = async (target: pg.Client, isAnew: boolean, progress: (runs: number) => void): Promise<void> => {
  const name = 'pipeline_execution_closure'
  let known = (await readProgress(target)).get(name)
  if (isAnew && known) {
    const start = { ...known, last_key: '0' }
    await writeProgress(target, name, known, start)
    known = start
  }
  // Runs that started here meanwhile have theirs.
  const imported = (await readProgress(target)).get('pipeline_execution')?.last_key ?? '0'
  const onConflict = (await isPostponed(target)) ? '' : 'ON CONFLICT DO NOTHING'
  await target.query('ANALYZE pipeline_execution')
  for (;;) {
    const after = known?.last_key ?? '0'
    const { rows } = await target.query<{ last: string | null; count: number }>(
      'SELECT max(id)::text AS last, count(*)::int AS count FROM (SELECT id FROM pipeline_execution WHERE id > $1 AND id <= $3 ORDER BY id LIMIT $2) e',
      [after, IDS_AT_ONCE, imported],
    )
    const [batch] = rows
    if (!batch?.last) return
    await target.query('BEGIN')
    // A look-up for each run above, in the place of reading all runs for each batch.
    await target.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off')
    await target.query(
      `INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth)
       WITH RECURSIVE up AS (
         SELECT e.id AS descendant_id, e.id AS ancestor_id, e.parent_id, 0 AS depth FROM pipeline_execution e WHERE e.id > $1 AND e.id <= $2
         UNION ALL
         SELECT up.descendant_id, p.id, p.parent_id, up.depth + 1 FROM up JOIN pipeline_execution p ON p.id = up.parent_id)
       SELECT ancestor_id, descendant_id, depth FROM up ORDER BY descendant_id, ancestor_id ${onConflict}`,
      [after, batch.last],
    )
    const now = { ...NONE, last_key: batch.last }
    await writeProgress(target, name, known, now)
    await target.query('COMMIT')
    known = now
    progress(batch.count)
  }
}

/** Computes the closure of the lineage again, for every address that has an edge, if edges came in since it was last computed. */
export const closeLineage = async (target: pg.Client, edges: number): Promise<void> => {
  const name = 'address_lineage_closure'
  const known = (await readProgress(target)).get(name)
  if ((known?.rows_written ?? 0) !== edges) {
    await target.query('BEGIN')
    await target.query(
      `INSERT INTO address_lineage_pending (address_id, is_expanded) SELECT DISTINCT source_address_id, true FROM address_lineage
       ON CONFLICT (address_id) DO UPDATE SET is_expanded = true`,
    )
    await writeProgress(target, name, known, { ...NONE, rows_written: edges })
    await target.query('COMMIT')
  }
  for (let left = 1; left > 0; ) {
    const { rows } = await target.query<{ waiting: number }>(
      `SELECT ${FUNCTIONS.complete_lineage_closure}(p_millis => $1)::int AS waiting`,
      [STEP_MILLIS],
    )
    left = rows[0]?.waiting ?? 0
  }
}

/** Ids that are left to the original: what it still records until all clients have moved comes with a later import. */
const ROOM = 10_000

/**
 * New rows get ids after those that are kept, with room between for what the original still records: a tenth, at least ROOM. It is done
 * first, so that a service that runs meanwhile takes no id of theirs.
 */
export const moveSequences = async ({ client }: Source, target: pg.Client): Promise<void> => {
  for (const table of ['pipeline_type', 'pipeline', 'address_type', 'address', 'pipeline_execution', 'anomaly_detection_rule']) {
    const { rows } = await client.query<{ last: string | null }>(
      `SELECT (max(id) + greatest(${ROOM}, max(id) / 10))::text AS last FROM ${table}`,
    )
    if (rows[0]?.last)
      await target.query(
        `SELECT setval(sequence, greatest($1, last_value)) FROM (SELECT pg_get_serial_sequence('${table}', 'id')::regclass AS sequence) s,
           LATERAL (SELECT coalesce(pg_sequence_last_value(sequence), 1) AS last_value) l`,
        [rows[0].last],
      )
  }
}
