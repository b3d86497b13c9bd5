import { execFile } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FUNCTIONS } from '../../src/db/functions.ts'
import { ProgramFailure } from '../../src/tools/failure.ts'
import { readFunctions } from '../../src/tools/functions.ts'
import { MIGRATIONS, migrate, pruneFunctions } from '../../src/tools/migrate.ts'
import { query, startDatabases } from '../support/node/databases.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

let databases: Awaited<ReturnType<typeof startDatabases>>

beforeAll(async () => {
  databases = await startDatabases()
})
afterAll(() => databases.stop())

const createDatabase = () => databases.create()

const functionsIn = async (url: string) =>
  (await query(url, `select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1`)).map(({ proname }) => proname)

describe('npm run db:migrate', () => {
  it('is safe to run twice, also at the same time', async () => {
    const url = await createDatabase()
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)))
    expect(applied.filter(({ migrations, functions }) => migrations + functions > 0)).toHaveLength(1)
    expect(await migrate(url)).toEqual({ migrations: 0, functions: 0 })
    const tables = await query(url, `select table_name from information_schema.tables where table_schema = 'public' order by 1`)
    expect(tables.map((row) => row.table_name)).toEqual([
      'address',
      'address_lineage',
      'address_lineage_closure',
      'address_lineage_pending',
      'address_type',
      'anomaly_detection_result',
      'anomaly_detection_rule',
      'channel',
      'cron_tick',
      'freshness_pipeline_log',
      'import_progress',
      'incident',
      'incident_event',
      'job',
      'notification',
      'openlineage_dataset',
      'openlineage_event',
      'openlineage_job',
      'openlineage_run',
      'openlineage_run_dataset',
      'ping',
      'pipeline',
      'pipeline_activity',
      'pipeline_day',
      'pipeline_day_mark',
      'pipeline_day_progress',
      'pipeline_day_total',
      'pipeline_execution',
      'pipeline_execution_closure',
      'pipeline_execution_log',
      'pipeline_type',
      'silence',
      'sql_function',
      'timeliness_pipeline_execution_log',
    ])
  })

  it('applies an entry that was merged after a newer one, in the journal order', async () => {
    const url = await createDatabase()
    const merged = join(databases.folder, 'merged')
    cpSync(MIGRATIONS, merged, { recursive: true })
    await migrate(url, merged)
    const journalFile = join(merged, 'meta', '_journal.json')
    const journal = JSON.parse(readFileSync(journalFile, 'utf8')) as { entries: { idx: number; when: number; tag: string }[] }
    const [first, second] = journal.entries as [(typeof journal.entries)[number], (typeof journal.entries)[number]]
    // Two branches with entries older than the newest applied one; the second entry needs the first.
    const late = ['early_table', 'early_column'].map((tag, index) => ({ ...second, tag, when: first.when + 1 + index }))
    writeFileSync(join(merged, 'early_table.sql'), 'create table early (id integer);')
    writeFileSync(join(merged, 'early_column.sql'), 'alter table early add column note text;')
    writeFileSync(journalFile, JSON.stringify({ ...journal, entries: [first, ...late, ...journal.entries.slice(1)] }))
    expect(await migrate(url, merged)).toMatchObject({ migrations: 2 })
    expect(await query(url, 'select id, note from early')).toEqual([])
    expect(await migrate(url, merged)).toMatchObject({ migrations: 0 })
  })

  it('leaves the database unchanged if a migration fails', async () => {
    const url = await createDatabase()
    const broken = join(databases.folder, 'broken')
    cpSync(MIGRATIONS, broken, { recursive: true })
    const journalFile = join(broken, 'meta', '_journal.json')
    const journal = JSON.parse(readFileSync(journalFile, 'utf8')) as { entries: { when: number; tag: string }[] }
    writeFileSync(join(broken, 'broken.sql'), 'select no_such_column;')
    const last = journal.entries.at(-1)
    writeFileSync(
      journalFile,
      JSON.stringify({ ...journal, entries: [...journal.entries, { ...last, tag: 'broken', when: (last?.when ?? 0) + 1 }] }),
    )
    await expect(migrate(url, broken)).rejects.toThrow('no_such_column')
    expect(await query(url, `select to_regclass('pipeline') as found`)).toEqual([{ found: null }])
  })

  it('takes a checkout with the line ends of Windows for the same', async () => {
    const url = await createDatabase()
    await migrate(url)
    const windows = join(databases.folder, 'windows')
    cpSync(MIGRATIONS, windows, { recursive: true })
    for (const file of readdirSync(windows).filter((name) => name.endsWith('.sql')))
      writeFileSync(join(windows, file), readFileSync(join(windows, file), 'utf8').replaceAll('\n', '\r\n'))
    expect(await migrate(url, windows)).toEqual({ migrations: 0, functions: 0 })
  })

  it('creates only the missing SQL functions', async () => {
    const url = await createDatabase()
    await migrate(url)
    expect(await functionsIn(url)).toEqual(expect.arrayContaining(Object.values(FUNCTIONS)))
    await query(url, `drop function ${FUNCTIONS.start_pipeline_execution}`)
    expect(await migrate(url)).toEqual({ migrations: 0, functions: 1 })
    expect(await functionsIn(url)).toContain(FUNCTIONS.start_pipeline_execution)
    expect((await query(url, 'select name from sql_function order by 1')).map(({ name }) => name)).toEqual(Object.values(FUNCTIONS).sort())
  })

  it('keeps a function of another version for the given days after a migrate has replaced it', async () => {
    const url = await createDatabase()
    await migrate(url)
    // The version before ran for 60 days, and its workers still run: its only migrate is that old.
    await query(url, 'create function earlier_1a2b3c4d() returns integer language sql as $$ select 1 $$')
    await query(url, `truncate sql_function`)
    await query(url, `insert into sql_function values ('earlier_1a2b3c4d', now() - interval '60 days')`)
    await migrate(url)
    expect(await pruneFunctions(url, 30)).toEqual([])
    // Another migrate of this version does not prolong it.
    await query(url, `update sql_function set last_wanted_at = last_wanted_at - interval '31 days'`)
    await migrate(url)
    // The functions of this checkout stay, whatever the age of their last_wanted_at.
    expect(await pruneFunctions(url, 30)).toEqual(['earlier_1a2b3c4d'])
    expect(await functionsIn(url)).not.toContain('earlier_1a2b3c4d')
    expect(await functionsIn(url)).toEqual(expect.arrayContaining(Object.values(FUNCTIONS)))
  })

  it('prints what it has done, and drops functions with --prune', async () => {
    const url = await createDatabase()
    const migrateWith = (...options: string[]) =>
      run(process.execPath, ['src/tools/migrate.ts', ...options], { cwd: ROOT, env: { ...process.env, DATABASE_URL: url } })
    expect((await migrateWith()).stdout).toMatch(
      new RegExp(`^Applied \\d+ migration\\(s\\), created ${Object.keys(FUNCTIONS).length} function\\(s\\)\\.\n$`),
    )
    expect((await migrateWith('--prune', '--older-than', '30d')).stdout).toBe('The database is up to date.\nNo function to drop.\n')
    const refused = await migrateWith('--prune', '--older-than', 'soon').catch((error) => error)
    expect([refused.code, refused.stderr]).toEqual([
      1,
      'watcher: --older-than takes days, like 30d; use npm run db:migrate, or npm run db:migrate -- --prune --older-than 30d\n',
    ])
  })

  it('says in one sentence that it cannot connect to the database', async () => {
    const failure = await migrate('postgresql://postgres@127.0.0.1:1/nowhere').catch((error) => error)
    expect(failure).toBeInstanceOf(ProgramFailure)
    expect(failure.message).toContain('no connection to the database nowhere at 127.0.0.1:1')
  })
})

describe('the migrations', () => {
  it('match the tables: drizzle-kit generates no new one', async () => {
    const out = join(databases.folder, 'generated')
    cpSync(MIGRATIONS, out, { recursive: true })
    const { stdout } = await run(
      process.execPath,
      [
        join(ROOT, 'node_modules/drizzle-kit/bin.cjs'),
        'generate',
        '--dialect=postgresql',
        '--schema=./src/**/table.ts',
        `--out=${relative(ROOT, out)}`,
      ],
      { cwd: ROOT },
    )
    expect(stdout).toContain('No schema changes, nothing to migrate')
  })

  it('create every function under the name that the worker calls', () => {
    expect(Object.fromEntries(readFunctions().map(({ name, hashedName }) => [name, hashedName]))).toEqual(FUNCTIONS)
  })
})
