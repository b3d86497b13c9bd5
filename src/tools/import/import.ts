import { parseArgs } from 'node:util'
import type pg from 'pg'
import { ProgramFailure, runProgram } from '../failure.ts'
import { migrate } from '../migrate.ts'
import { copyTable, NONE, readProgress, type Tally, writeProgress } from './copy.ts'
import { closeLineage, closeRuns, endRunning, movePipelines, moveSequences, nestLate } from './finish.ts'
import { postpone, restore } from './postpone.ts'
import { renderReport, startBar } from './report.ts'
import { connect, openSource, type Source } from './source.ts'
import { TABLES } from './tables.ts'

/**
 * `npm run import` copies the database of an original Watcher into ours: types, pipelines, addresses, lineage, executions with their nesting,
 * rules and logs, with their ids. It may be killed at any point and run again: it goes on where it stopped. Run again later, it brings what
 * is new. Nothing of it alerts anybody.
 */
export const importWatcher = async (from: string, to: string): Promise<void> => {
  const source = await openSource(from)
  try {
    await migrate(to)
    const target = await connect(to, 'the database of this Watcher')
    try {
      await claim(source, target)
      console.log(`Importing from ${new URL(from).host}${new URL(from).pathname}: ${source.version}.`)
      await moveSequences(source, target)
      await postpone(target)
      const tallies = await copyAll(source, target)
      const notes = await finish(source, target, tallies)
      console.log(`\n${renderReport(tallies)}\n${notes.map((note) => `\n${note}`).join('')}`)
    } finally {
      await target.end()
    }
  } finally {
    await source.client.end()
  }
}

/** One target takes the rows of one original: ids are kept. */
const claim = async ({ identity }: Source, target: pg.Client): Promise<void> => {
  const known = (await readProgress(target)).get('source')
  if (known && !(identity in known.changed))
    throw new ProgramFailure('this database holds the import of another Watcher: ids would meet. Import into a database of its own')
  if (!known) await writeProgress(target, 'source', undefined, { ...NONE, changed: { [identity]: 1 } })
}

const copyAll = async (source: Source, target: pg.Client): Promise<[string, Tally][]> => {
  const done = await readProgress(target)
  const tallies: [string, Tally][] = []
  for (const table of TABLES) {
    const { rows } = await source.client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table.name} WHERE ${table.key} > $1`,
      [done.get(table.name)?.last_key ?? 0],
    )
    const bar = startBar(table.name, rows[0]?.count ?? 0)
    tallies.push([table.name, await copyTable(source, target, table, bar.add)])
    bar.end()
  }
  return tallies
}

/** How many runs have no closure yet; all, if it is built anew. */
const countRuns = async (target: pg.Client, isAnew: boolean): Promise<number> => {
  const closed = isAnew ? undefined : (await readProgress(target)).get('pipeline_execution_closure')
  const { rows } = await target.query<{ count: number }>('SELECT count(*)::int AS count FROM pipeline_execution WHERE id > $1', [
    closed?.last_key ?? 0,
  ])
  return rows[0]?.count ?? 0
}

/** Builds what follows from the rows. Answers sentences about what a person should know. */
const finish = async (source: Source, target: pg.Client, tallies: [string, Tally][]): Promise<string[]> => {
  const { nested, alone } = await nestLate(source, target)
  const runs = await countRuns(target, nested > 0)
  const bar = startBar('nesting of executions', runs)
  await closeRuns(target, nested > 0, bar.add)
  bar.end()
  await restore(target)
  await closeLineage(target, tallies.find(([table]) => table === 'address_lineage')?.[1].rows_written ?? 0)
  // These look for runs by the indexes.
  const ended = await endRunning(source, target)
  const moved = await movePipelines(source, target)
  const { rows } = await target.query<{ cyclic: number; running: number; since: string | null }>(`
    SELECT (SELECT count(DISTINCT a.source_address_id) FROM address_lineage a JOIN address_lineage_closure c
        ON c.source_address_id = a.target_address_id AND c.target_address_id = a.source_address_id)::int AS cyclic,
      count(*)::int AS running, to_char(min(start_date) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS since FROM pipeline_execution WHERE end_date IS NULL`)
  const { cyclic = 0, running = 0, since = null } = rows[0] ?? {}
  return [
    ...(alone > 0 ? [`${alone} executions name a parent that is not there, or is a part of themselves: they stand alone.`] : []),
    ...(cyclic > 0 ? [`${cyclic} addresses lie on cycles of the lineage: they are kept as they are.`] : []),
    ...(ended > 0 ? [`${ended} executions that were running at an earlier import have ended since.`] : []),
    ...(moved > 0 ? [`${moved} pipelines have moved on since an earlier import: their watermarks and last changes are the new ones.`] : []),
    ...(running > 0
      ? [
          `${running} executions have not ended, the oldest from ${since}: those over a timeliness threshold open incidents at the next check. End them, or mute the check.`,
        ]
      : []),
  ]
}

const USAGE = 'DATABASE_URL=postgresql://…/new npm run import -- --from postgresql://…/old'

if (import.meta.main) {
  await runProgram(async () => {
    let from: string | undefined
    try {
      from = parseArgs({ options: { from: { type: 'string' } } }).values.from
    } catch (error) {
      throw new ProgramFailure(`${(error as Error).message}; use ${USAGE}`)
    }
    const to = process.env.DATABASE_URL
    if (!from || !to)
      throw new ProgramFailure(
        `set ${from ? 'DATABASE_URL, the database to import into' : '--from, the database to import from'}: ${USAGE}`,
      )
    await importWatcher(from, to)
  })
}
