import type pg from 'pg'
import { NONE, readProgress, writeProgress } from './copy.ts'
import { startBar } from './report.ts'

/**
 * Into a database without runs they are written without their secondary indexes and foreign keys, which are made at the end: so is a backup
 * restored too, and it is several times faster. What is to be made again is recorded in the transaction that drops it: after a kill the next
 * import goes on, and makes it.
 */
const NAME = 'postponed'
const TABLES = ['pipeline_execution', 'pipeline_execution_closure']

/** Unique indexes and primary keys of runs stay: they are what makes a repeated row one. */
const DEFINITIONS = `
  SELECT conname AS name, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS made,
    format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS dropped
  FROM pg_constraint WHERE conrelid = ANY ($1::regclass[]) AND (contype = 'f' OR contype = 'p' AND conrelid = 'pipeline_execution_closure'::regclass)
  UNION ALL
  SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), format('DROP INDEX %s', i.indexrelid::regclass)
  FROM pg_index i WHERE i.indrelid = ANY ($1::regclass[]) AND NOT i.indisunique ORDER BY 1`

interface Definition {
  name: string
  made: string
  dropped: string
}

/** True while something is still to be made: since a `postpone`, until `restore` has come to its end. */
export const isPostponed = async (target: pg.Client): Promise<boolean> =>
  Object.keys((await readProgress(target)).get(NAME)?.changed ?? {}).length > 0

/** Drops them if the database has no run yet. */
export const postpone = async (target: pg.Client): Promise<void> => {
  const { rowCount } = await target.query('SELECT FROM pipeline_execution LIMIT 1')
  if (rowCount !== 0 || (await readProgress(target)).has(NAME)) return
  await target.query('BEGIN')
  await target.query(`LOCK TABLE ${TABLES.join(', ')} IN ACCESS EXCLUSIVE MODE`)
  const { rows } = await target.query<Definition>(DEFINITIONS, [TABLES])
  for (const { dropped } of rows) await target.query(dropped)
  await writeProgress(target, NAME, undefined, { ...NONE, changed: Object.fromEntries(rows.map(({ made }, place) => [made, place])) })
  await target.query('COMMIT')
}

/** Makes again what is missing, one after the other: indexes first, because checking a foreign key may need them. */
export const restore = async (target: pg.Client): Promise<void> => {
  const known = (await readProgress(target)).get(NAME)
  const order = (definition: string) => ['CREATE', 'PRIMARY KEY', ''].findIndex((word) => definition.includes(word))
  const missing = Object.keys(known?.changed ?? {}).sort((left, right) => order(left) - order(right))
  const bar = startBar('indexes and foreign keys', missing.length)
  await target.query(`SET maintenance_work_mem = '256MB'`)
  for (let left = [...missing], now = known; now && left.length > 0; ) {
    const [made, ...rest] = left as [string, ...string[]]
    const then = {
      ...now,
      last_key: String(Number(now.last_key) + 1),
      changed: Object.fromEntries(rest.map((definition, place) => [definition, place])),
    }
    await target.query('BEGIN')
    await target.query(made)
    await writeProgress(target, NAME, now, then)
    await target.query('COMMIT')
    bar.add(1)
    ;[left, now] = [rest, then]
  }
  bar.end()
}
