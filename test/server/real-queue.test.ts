import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type NeonEndpoint, startNeonEndpoint } from '../../src/dev/neon-endpoint.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { copyAssets } from '../../src/tools/assets.ts'
import { migrate } from '../../src/tools/migrate.ts'
import { startReceiver } from '../support/node/receiver.ts'
import type { Taken } from '../support/provided.ts'

/**
 * The whole service without fakes inside: workerd in its own process, which is killed; miniflare's queue, which loses its
 * messages with that process; PostgreSQL; its endpoint, which goes away; a Slack that fails. Only waiting is shortened: the
 * test makes the rows of waiting jobs older.
 */
const ROOT = join(import.meta.dirname, '../..')
const CONFIG = join(ROOT, 'wrangler.toml')

let postgres: Awaited<ReturnType<typeof startPostgres>>
let folder: string
let client: pg.Client
let endpoint: NeonEndpoint
let endpointPort: number
let slack: Awaited<ReturnType<typeof startReceiver>>
let channel: string
let channels = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watcher-queue-'))
  postgres = await startPostgres(folder, { durable: false })
  await migrate(postgres.url)
  client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  endpoint = await startNeonEndpoint(postgres.url)
  endpointPort = Number(new URL(endpoint.url).port)
  slack = await startReceiver()
  copyAssets()
})

afterAll(async () => {
  await slack.close()
  await endpoint.close()
  await client.end()
  await postgres.stop()
  for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })
})

beforeEach(async () => {
  await client.query('truncate pipeline, pipeline_type, job restart identity cascade')
  channels += 1
  channel = `${slack.url}/real-${channels}`
})

interface Served {
  url: string
  process: ChildProcess
}

const serve = async (configPath = CONFIG): Promise<Served> => {
  const vars = {
    ENV_STATE: 'test',
    DATABASE_URL: postgres.url,
    NEON_FETCH_ENDPOINT: endpoint.url,
    SLACK_WEBHOOK_URL: channel,
  }
  const child = fork(join(ROOT, 'test/support/node/serve.ts'), [JSON.stringify({ configPath, vars })], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { url: string }).url))
    child.once('exit', (code) => reject(new Error(`the worker's process ended with ${code}`)))
  })
  return { url, process: child }
}

/** Kills the process and its workerd, without letting them finish their work. */
const kill = async ({ process: child }: Served): Promise<void> => {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  await gone
}

const ask = (served: Served, question: { cron?: string }): Promise<{ logs?: string[] }> =>
  new Promise((resolve) => {
    served.process.once('message', (answer) => resolve(answer as { logs?: string[] }))
    served.process.send(question)
  })

const fireCron = (served: Served, cron: string) => ask(served, { cron })

const countOf = async (from: string): Promise<number> => Number((await client.query(`select count(*) as n from ${from}`)).rows[0].n)
const messages = async () =>
  ((await (await fetch(channel)).json()) as { taken: Taken[] }).taken.map(({ body }) => (JSON.parse(body) as { text: string }).text)
const script = (answers: unknown[]) => fetch(channel, { method: 'PUT', body: JSON.stringify(answers) })

const post = (served: { url: string }, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(new URL(path, served.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })

/** Creates pipelines with a rule and a week of usual loads at this hour. */
const fillPipelines = (count: number) =>
  client.query(`
    with t as (insert into pipeline_type (name) values ('t') returning id),
    p as (insert into pipeline (name, pipeline_type_id) select 'p' || i, t.id from t, generate_series(1, ${count}) i returning id),
    r as (insert into anomaly_detection_rule (pipeline_id, metric_field, minimum_executions) select id, 'inserts', 5 from p)
    insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts)
    select p.id, now() - i * interval '1 day', now() - i * interval '1 day', true, 0, 100 + i from p, generate_series(1, 7) i`)

describe('the real queue', () => {
  it('carries a job from the end of an execution to Slack', async () => {
    const served = await serve()
    try {
      await fillPipelines(1)
      const { id } = (await (await post(served, '/start_pipeline_execution', { pipeline_id: 1 })).json()) as { id: number }
      expect((await post(served, '/end_pipeline_execution', { id, inserts: 9000 })).status).toBe(204)
      await vi.waitFor(async () => expect(await messages()).toHaveLength(1), { timeout: 15_000, interval: 100 })
      expect((await messages())[0]).toContain(`Execution ID ${id}: 9000`)
      await vi.waitFor(async () => expect(await countOf("job where state = 'succeeded'")).toBe(3), { timeout: 5_000 })
    } finally {
      await kill(served)
    }
  })

  it('moves a poison job to the dead letter queue, and runs the other jobs', async () => {
    const dist = join(ROOT, 'dist', 'test')
    mkdirSync(dist, { recursive: true })
    // No retry instead of nineteen: the job has already used its other attempts.
    const toml = readFileSync(CONFIG, 'utf8')
      .replace('main = "', 'main = "../../')
      .replace('directory = "', 'directory = "../../')
      .replace('"./src/', '"../../src/')
      .replace(/\[build\]\n.*\n.*\n/, '')
      .replace('max_retries = 19 ', 'max_retries = 0 ')
    writeFileSync(join(dist, 'wrangler.toml'), toml)
    const served = await serve(join(dist, 'wrangler.toml'))
    try {
      await client.query(
        `insert into job (kind, payload, attempts, due_at) values ('detect_anomalies', '{"pipeline_id":"x"}', 19, now() - interval '1 hour')`,
      )
      await fireCron(served, '*/15 * * * *')
      for (let check = 0; check < 5; check += 1) await post(served, '/freshness', {})
      const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 100 })
      await until(async () => expect(await countOf("job where state = 'succeeded'")).toBe(11))
      await until(async () => expect(await countOf("job where id = 1 and state = 'failed' and attempts = 20")).toBe(1))
      await until(async () =>
        expect((await ask(served, {})).logs?.find((line) => line.includes('dead letter'))).toContain(
          '"job_id":1,"kind":"detect_anomalies","state":"failed","attempts":20',
        ),
      )
    } finally {
      await kill(served)
    }
  })

  it('loses and doubles nothing while workers are killed, the database goes away and Slack fails', { timeout: 180_000 }, async () => {
    const RUNS = 60
    await fillPipelines(RUNS)
    await script([{ status: 500 }, { status: 429, headers: { 'retry-after': '1' } }, {}, {}, { status: 503 }, {}, {}, {}, { status: 500 }])
    let served = await serve()
    const faults = { workers_killed: 0, database_outages: 0, slack_failures: 4 }

    /** Repeats a request until it is answered, as a client does that must not lose its run. */
    const insist = async (path: string, body: unknown, headers?: Record<string, string>): Promise<unknown> => {
      // A deadline, not a count: a busy machine takes many seconds to restart a killed worker.
      for (const deadline = Date.now() + 90_000; Date.now() < deadline; ) {
        // A worker that is killed during an answer leaves half of its body.
        const answer = await post(served, path, body, headers)
          .then(async (response) => ({ status: response.status, text: await response.text() }))
          .catch(() => undefined)
        if (answer && answer.status < 500) return answer.text === '' ? undefined : JSON.parse(answer.text)
        await sleep(50)
      }
      throw new Error(`${path} was never answered`)
    }
    const run = async (pipeline_id: number): Promise<void> => {
      await sleep(pipeline_id * 100)
      const key = { 'idempotency-key': `run-${pipeline_id}` }
      const { id } = (await insist('/start_pipeline_execution', { pipeline_id }, key)) as { id: number }
      await insist('/end_pipeline_execution', { id, inserts: 5000 })
    }
    const runs = Promise.all(Array.from({ length: RUNS }, (_, index) => run(index + 1)))

    for (let blow = 0; blow < 4; blow += 1) {
      await sleep(900)
      if (blow % 2 === 0) {
        await endpoint.close()
        faults.database_outages += 1
        await sleep(300)
        endpoint = await startNeonEndpoint(postgres.url, { port: endpointPort })
        await sleep(300)
      }
      await kill(served)
      faults.workers_killed += 1
      served = await serve()
    }
    await runs

    // Instead of waiting for claims and delays to expire, make the rows older while no worker runs.
    for (let round = 0; round < 12 && (await countOf("job where state in ('waiting', 'running')")) > 0; round += 1) {
      await kill(served)
      faults.workers_killed += 1
      await client.query(
        `update job set due_at = due_at - interval '1 hour', resent_at = resent_at - interval '2 hours' where state in ('waiting', 'running')`,
      )
      served = await serve()
      await fireCron(served, '*/15 * * * *')
      await vi
        .waitFor(async () => expect(await countOf("job where state in ('waiting', 'running')")).toBe(0), { timeout: 6_000, interval: 100 })
        .catch(() => {})
    }
    await kill(served)

    const alerts = await messages()
    const sure = alerts.filter((text) => !text.includes('sent again'))
    const about = (texts: string[]) => texts.map((text) => text.match(/detected in pipeline (\d+)/)?.[1]).filter(Boolean)
    const tally = {
      ...faults,
      executions: await countOf('pipeline_execution where inserts = 5000'),
      findings: await countOf('anomaly_detection_result'),
      jobs: await countOf('job'),
      alerts: new Set(about(alerts)).size,
      repeated_and_marked: about(alerts).length - new Set(about(alerts)).size,
      lost: RUNS - new Set(about(alerts)).size,
      doubled: about(sure).length - new Set(about(sure)).size,
    }
    console.log(`Real queue, with workers killed and the database stopped: ${JSON.stringify(tally)}`)
    expect(tally).toMatchObject({ executions: RUNS, findings: RUNS, alerts: RUNS, lost: 0, doubled: 0 })
    expect(await countOf("job where state <> 'succeeded'")).toBe(0)
    expect(await countOf("job where kind = 'detect_anomalies'")).toBe(RUNS)
  })
})
