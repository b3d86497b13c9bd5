import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FUNCTIONS } from '../../src/db/functions.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { examine, type Finding } from '../../src/tools/doctor.ts'
import { migrate } from '../../src/tools/migrate.ts'
import { startDevServer } from '../support/node/dev-server.ts'

const ROOT = join(import.meta.dirname, '../..')
const CONFIG = join(ROOT, 'wrangler.toml')
const SETTINGS = { DATABASE_URL: 'postgresql://u:s3cret@127.0.0.1:1/nowhere', WATCHER_API_TOKENS: 'a:s3cret-token' }

let folder: string
let postgres: Awaited<ReturnType<typeof startPostgres>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watcher-doctor-'))
  postgres = await startPostgres(folder, { durable: false })
})
afterAll(async () => {
  await postgres.stop()
  for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })
})

const faultsOf = (findings: Finding[]) => Object.fromEntries(findings.map(({ name, fault }) => [name, fault]))

describe('the doctor', () => {
  it('names a missing or malformed setting, and never shows its value', async () => {
    expect(faultsOf(await examine({}, CONFIG)).settings).toContain('DATABASE_URL is not set')
    const open = faultsOf(await examine({ DATABASE_URL: SETTINGS.DATABASE_URL }, CONFIG))
    expect(open.settings).toContain('WATCHER_API_TOKENS is not set')
    const findings = await examine({ ...SETTINGS, WATCHER_LOG_RETENTION_DAYS: '5', WATCHER_API_TOKENS: 's3cret-token' }, CONFIG)
    expect(faultsOf(findings).settings).toMatch(/WATCHER_API_TOKENS must be .*WATCHER_LOG_RETENTION_DAYS must be/)
    expect(JSON.stringify(findings)).not.toContain('s3cret')
  })

  it('says that the database is unreachable, not migrated, or of another version, and how to mend it', async () => {
    expect(faultsOf(await examine(SETTINGS, CONFIG)).database).toContain('it cannot be reached (ECONNREFUSED)')
    const variables = { ...SETTINGS, DATABASE_URL: postgres.url }
    expect(faultsOf(await examine(variables, CONFIG)).migrations).toMatch(/^(\d+) of \1 are not applied: run npm run db:migrate$/)
    await migrate(postgres.url)
    expect(Object.values(faultsOf(await examine(variables, CONFIG)))).toEqual(Array(6).fill(undefined))
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', 9999999999999)`)
    expect(faultsOf(await examine(variables, CONFIG)).migrations).toContain('newer version than this checkout')
    await client.query(`delete from drizzle.__drizzle_migrations where hash = 'later'`)
    await client.query(`alter function ${FUNCTIONS.end_pipeline_execution} rename to gone`)
    expect(faultsOf(await examine(variables, CONFIG)).functions).toBe(
      `the database lacks ${FUNCTIONS.end_pipeline_execution}: run npm run db:migrate`,
    )
    await client.query(`alter function gone rename to ${FUNCTIONS.end_pipeline_execution}`)
    await client.end()
  })

  it('says what is missing in wrangler.toml', async () => {
    const dist = join(ROOT, 'dist', 'test')
    mkdirSync(dist, { recursive: true })
    const broken = join(dist, 'doctor.toml')
    const faultAfter = async (from: string, to: string) => {
      const toml = readFileSync(CONFIG, 'utf8').replace(from, to)
      writeFileSync(broken, toml.replaceAll('= "src', '= "../../src').replaceAll('= "dist', '= "../../dist'))
      return faultsOf(await examine(SETTINGS, broken))['wrangler.toml']
    }
    expect(await faultAfter('"0 * * * *",', '')).toContain('the cron "0 * * * *" is missing')
    expect(await faultAfter('max_retries = 19 ', 'max_retries = 3 ')).toBe('production: max_retries of watcher-jobs must be 19')
    expect(await faultAfter('dead_letter_queue = "watcher-dead-jobs"', '')).toContain('has no dead letter queue with a consumer')
    expect(await faultAfter('binding = "JOBS"', 'binding = "TASKS"')).toContain('production: no queue is bound to JOBS')
  })

  it('examines the running service: its database, its crons, waiting jobs and failed jobs', async () => {
    await migrate(postgres.url)
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    const server = await startDevServer({ WATCHER_API_TOKENS: 'doctor:a-token', DEV_DATABASE_URL: postgres.url })
    try {
      const look = async (token?: string) =>
        faultsOf(await examine({ ...SETTINGS, DATABASE_URL: postgres.url, WATCHER_URL: server.url, WATCHER_TOKEN: token }, CONFIG))
      expect(await look()).toMatchObject({ service: undefined, jobs: expect.stringContaining('give a token in WATCHER_TOKEN') })
      await client.query(`insert into job (kind, payload, state, created_at, due_at) values
        ('send_alert', '{}', 'failed', now(), now()), ('send_alert', '{}', 'waiting', now() - interval '1 hour', now() - interval '1 hour')`)
      expect(await look('a-token')).toMatchObject({
        service: undefined,
        crons: expect.stringContaining('no timeliness check in the last 20 minutes'),
        queue: expect.stringContaining('a job has waited for 36'),
        'failed jobs': expect.stringContaining('POST /replay_job'),
      })
      await client.query('delete from job')
      await fetch(`${server.url}/cdn-cgi/handler/scheduled?cron=*/15+*+*+*+*`)
      await vi.waitFor(async () => expect(Object.values(await look('a-token')).filter(Boolean)).toEqual([]), {
        timeout: 20_000,
        interval: 500,
      })
      expect(faultsOf(await examine({ ...SETTINGS, WATCHER_URL: 'http://127.0.0.1:1' }, CONFIG)).service).toContain('nothing answers')
    } finally {
      await server.stop()
      await client.end()
    }
  })
})
