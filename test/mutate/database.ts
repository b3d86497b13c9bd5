import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../../src/dev/postgres.ts'

/** What `npm run db:generate` writes when a SQL function beside its TypeScript has changed. */
export const GENERATED = 'src/db/functions.ts'

/** One server for all runs: what a stopped run leaves behind ends with it. */
export const startServer = async (folder: string): Promise<PostgresServer> => {
  const server = await startPostgres(folder, { durable: false })
  // A statement that runs for ever ends once its run was stopped.
  await execute(server.url, `alter system set client_connection_check_interval = '1s'`)
  await execute(server.url, 'select pg_reload_conf()')
  return server
}

const execute = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

const run = promisify(execFile)

/** Makes a database with the SQL of the copy as it stands, faults and all; answers its name. */
export const makeTemplate = async (copy: string, serverUrl: string, name: string): Promise<string> => {
  if (existsSync(join(copy, GENERATED))) await run('npm', ['run', '--silent', 'db:generate'], { cwd: copy })
  await execute(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await run('npm', ['run', '--silent', 'db:migrate'], { cwd: copy, env: { ...process.env, DATABASE_URL: url.href } })
  return name
}

export const dropTemplate = (serverUrl: string, name: string): Promise<void> =>
  execute(serverUrl, `drop database if exists ${name} with (force)`)

/** The generated file as it is; the answer puts it back. */
export const keepGenerated = (copy: string): (() => string[]) => {
  const path = join(copy, GENERATED)
  const original = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  return () => {
    if (original === undefined || original === readFileSync(path, 'utf8')) return []
    writeFileSync(path, original)
    return [path]
  }
}
