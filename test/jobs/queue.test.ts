import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import { MAX_ATTEMPTS } from '../../src/jobs/retry.ts'
import { call, countOf, makePipeline, sql } from '../support/api.ts'
import {
  advanceClock,
  type Background,
  deliver,
  deliverJob,
  drain,
  fireCron,
  jobsOf,
  openBackground,
  readJob,
  recordRun,
  setClock,
} from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
  setClock('2025-01-09T20:30:45Z')
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Records a job without sending it. */
const record = async (kind: string, payload: unknown = {}): Promise<number> =>
  Number(
    (
      await sql(`insert into job (kind, payload, created_at, due_at) values ($1, $2, $3, $3) returning id`, [
        kind,
        JSON.stringify(payload),
        new Date().toISOString(),
      ])
    )[0]?.id,
  )

/** A payload that detection cannot read: the job fails at every attempt. */
const POISON = { pipeline_id: 'x' }

describe('the consumer', () => {
  it('acks or retries each message on its own: a job that always fails does not affect the others', async () => {
    const good = [await record('check_freshness'), await record('check_freshness')]
    const poison = await record('detect_anomalies', POISON)
    const gone = 999_999
    const messages = [good[0], poison, gone, good[1]].map((id) => ({ body: { id: id as number }, dueMillis: 0, deliveries: 0 }))
    const { acked, retried } = await deliver(background, messages)
    expect(acked.sort()).toEqual([...good, gone].sort())
    expect(retried).toEqual([{ id: poison, delaySeconds: 15 }])
    expect(await readJob(good[0] as number)).toMatchObject({ state: 'succeeded', attempts: 1 })
    expect(await readJob(poison)).toMatchObject({ state: 'waiting', attempts: 1, error: expect.stringContaining('pipeline_id') })
  })

  it('runs a job once, no matter how many messages carry its id', async () => {
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun(background, pipeline_id, 60, null)
    const id = await record('check_timeliness', { lookback_minutes: 60 })
    const deliveries = await Promise.all(Array.from({ length: 8 }, () => deliverJob(background, id)))
    expect(await readJob(id)).toMatchObject({ state: 'succeeded', attempts: 1 })
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(1)
    expect(await jobsOf('notify')).toHaveLength(1)
    expect(deliveries.filter(({ acked }) => acked.length === 1).length).toBeGreaterThanOrEqual(1)
    advanceClock(400) // messages that found the job running come back and find it done
    await drain(background)
    expect(background.queue.sent).toEqual([])
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('waits for a job that another attempt runs, and takes it over when the claim has run out', async () => {
    const id = await record('check_freshness')
    await sql(`update job set state = 'running', attempts = 1, started_at = $2, due_at = $3 where id = $1`, [
      id,
      '2025-01-09T20:30:00Z',
      '2025-01-09T20:35:00Z',
    ])
    expect(await deliverJob(background, id)).toEqual({ acked: [], retried: [{ id, delaySeconds: 255 }] })
    advanceClock(255)
    expect((await deliverJob(background, id)).acked).toEqual([id])
    expect(await readJob(id)).toMatchObject({ state: 'succeeded', attempts: 2, interrupted: true })
  })

  it.each([
    ['check_timeliness', { lookback_minutes: 60 }],
    ['check_freshness', {}],
    ['clean_logs', { retention_days: 90, batch_size: 1 }],
  ])('records nothing for a job that another attempt has taken over: %s', async (kind, payload) => {
    const pipeline_id = await makePipeline({
      timeliness_number: 1,
      timeliness_datepart: 'minute',
      freshness_number: 1,
      freshness_datepart: 'minute',
    })
    await recordRun(background, pipeline_id, 60, null)
    await recordRun(background, pipeline_id, 60, 50, { inserts: 1 })
    await sql(`insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully)
      select ${pipeline_id}, '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z', true from generate_series(1, 30)`)
    const id = await record(kind, payload)
    const real = globalThis.fetch
    let trips = 0
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      trips += 1
      // Another attempt claims the job between the claim and the sweep.
      if (trips === 2)
        await real(input, {
          ...init,
          body: JSON.stringify({ query: `update job set attempts = attempts + 1 where id = ${id}`, params: [] }),
        })
      return real(input, init)
    })
    await deliverJob(background, id)
    vi.restoreAllMocks()
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(0)
    expect(await countOf('freshness_pipeline_log')).toBe(0)
    expect(await countOf("job where kind <> 'check_deadlines'")).toBe(1)
    expect(await readJob(id)).toMatchObject({ state: 'running', attempts: 2 })
  })

  it('does not take over a job while its last statement runs, even after the claim has run out', async () => {
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun(background, pipeline_id, 60, null)
    const id = await record('check_timeliness', { lookback_minutes: 60 })
    await sql('create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$')
    await sql('create trigger slowly before insert on timeliness_pipeline_execution_log for each row execute function slowly()')
    try {
      const first = deliverJob(background, id)
      while ((await countOf("pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'")) === 0);
      advanceClock(301)
      const second = await deliverJob(background, id)
      expect([(await first).acked, second.retried]).toEqual([[id], [{ id, delaySeconds: 1 }]])
    } finally {
      await sql('drop function slowly cascade')
    }
    expect(await readJob(id)).toMatchObject({ state: 'succeeded', attempts: 1, interrupted: false })
    expect(await jobsOf('notify')).toHaveLength(1)
  })

  it('does not run a job again that has failed for good', async () => {
    const id = await record('check_freshness')
    await sql(`update job set state = 'failed', attempts = 1, finished_at = now() where id = $1`, [id])
    expect(await deliverJob(background, id)).toEqual({ acked: [id], retried: [] })
    expect(await readJob(id)).toMatchObject({ state: 'failed', attempts: 1 })
  })

  it('does not end a replayed job when an attempt from before the replay reports that it is done', async () => {
    const id = await record('check_freshness')
    const { acked } = await deliver(background, [{ body: { id, done: 3 }, dueMillis: 0, deliveries: 0 }])
    expect(acked).toEqual([id])
    expect(await readJob(id)).toMatchObject({ state: 'waiting', attempts: 0 })
  })

  it('drops a message without a job id, and throws for an unknown queue', async () => {
    const messages = [{ body: { id: 'x' } as never, dueMillis: 0, deliveries: 0 }]
    expect((await deliver(background, messages)).acked).toHaveLength(1)
    await expect(deliver(background, messages, 'another-queue')).rejects.toThrow('No consumer for the queue another-queue')
  })

  it('keeps every message while the database does not answer, with a growing delay', async () => {
    const id = await record('check_freshness')
    const away = { ...background, settings: { ...background.settings, NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' } }
    expect((await deliverJob(away, id, 0)).retried).toEqual([{ id, delaySeconds: 15 }])
    expect((await deliverJob(away, id, 3)).retried).toEqual([{ id, delaySeconds: 120 }])
    expect((await deliverJob(away, id, 18)).retried).toEqual([{ id, delaySeconds: 1800 }])
    expect(await readJob(id)).toMatchObject({ state: 'waiting', attempts: 0 })
    advanceClock(1800)
    await drain(background)
    expect(await readJob(id)).toMatchObject({ state: 'succeeded', attempts: 1 })
  })

  it('writes nothing of a statement that fails half-way', async () => {
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun(background, pipeline_id, 60, null)
    const id = await record('check_timeliness', { lookback_minutes: 60 })
    await sql("alter table job add constraint no_alert check (kind <> 'notify')")
    await deliverJob(background, id)
    expect(await readJob(id)).toMatchObject({
      state: 'waiting',
      attempts: 1,
      error: 'The database refused a statement (SQLSTATE 23514): the log has the details',
    })
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(0)
    await sql('alter table job drop constraint no_alert')
    advanceClock(15)
    await drain(background)
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(1)
    expect(await background.slack.messages()).toHaveLength(1)
  })
})

describe('a job that fails every time', () => {
  it('is tried twenty times over hours, goes to the dead letters, and becomes failed', async () => {
    const id = await record('detect_anomalies', POISON)
    const other = await record('check_freshness')
    background.queue.sent.push({ body: { id }, dueMillis: 0, deliveries: 0 })
    const begun = Date.now()
    let dead = 0
    const log = vi.spyOn(console, 'log').mockImplementation((line: string) => {
      if (line.includes('dead letter')) dead += 1
    })
    for (let round = 0; round < 30 && background.queue.sent.length > 0; round += 1) {
      await drain(background)
      const next = background.queue.sent[0]
      if (next) setClock(new Date(next.dueMillis))
      if (round === 3) await deliverJob(background, other)
    }
    log.mockRestore()
    expect(await readJob(id)).toMatchObject({ state: 'failed', attempts: MAX_ATTEMPTS, error: expect.stringContaining('pipeline_id') })
    expect(dead).toBe(1)
    expect((Date.now() - begun) / 3_600_000).toBeCloseTo(7, 0)
    expect(await readJob(other)).toMatchObject({ state: 'succeeded' })
    const { body } = await call('GET', '/monitoring')
    expect(body.recent_failures).toMatchObject([{ id, kind: 'detect_anomalies', attempts: MAX_ATTEMPTS }])
  })

  it('and kills its worker each time becomes failed when it is claimed after its last attempt', async () => {
    const id = await record('check_freshness')
    await sql(`update job set state = 'running', attempts = ${MAX_ATTEMPTS}, due_at = $2 where id = $1`, [id, '2025-01-09T20:30:00Z'])
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    expect((await deliverJob(background, id)).acked).toEqual([id])
    expect(await readJob(id)).toMatchObject({ state: 'failed', attempts: MAX_ATTEMPTS, error: 'Every attempt ended without a report' })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 'error', message: 'job', job_id: id, state: 'failed' }])
  })

  it('stays as it is if the database did not answer its deliveries', async () => {
    const id = await record('check_freshness')
    const { acked } = await deliver(background, [{ body: { id }, dueMillis: 0, deliveries: 0 }], 'watcher-dead-jobs')
    expect(acked).toEqual([id])
    expect(await readJob(id)).toMatchObject({ state: 'waiting', attempts: 0 })
    advanceClock(600)
    await fireCron(background, '*/15 * * * *')
    await drain(background)
    expect(await readJob(id)).toMatchObject({ state: 'succeeded' })
  })

  it('stays as it is while its last attempt still runs', async () => {
    const id = await record('check_freshness')
    await sql(`update job set state = 'running', attempts = ${MAX_ATTEMPTS}, due_at = $2 where id = $1`, [id, '2025-01-09T20:31:00Z'])
    const { acked } = await deliver(background, [{ body: { id }, dueMillis: 0, deliveries: 0 }], 'watcher-dead-jobs')
    expect(acked).toEqual([id])
    expect(await readJob(id)).toMatchObject({ state: 'running', attempts: MAX_ATTEMPTS, error: null, finished_at: null })
  })
})

describe('the answer to a request', () => {
  it('neither waits for the queue nor fails with it; the job is recorded and sent later', async () => {
    const pipeline_id = await makePipeline()
    await call('POST', '/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })
    background.queue.onSend = async () => {
      throw new Error('Queue sends are limited')
    }
    await recordRun(background, pipeline_id, 1, 0, { inserts: 1 })
    expect((await background.post('/freshness')).status).toBe(200)
    expect(await countOf("job where state = 'waiting'")).toBe(2)
    expect(background.queue.sent).toEqual([])
    background.queue.onSend = async () => {}
    advanceClock(121)
    await fireCron(background, '*/15 * * * *')
    await drain(background)
    expect(await countOf("job where state = 'succeeded' and kind in ('detect_anomalies', 'check_freshness')")).toBe(2)
  })

  it('does not hold up a job either: a send that hangs is given up on', async () => {
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun(background, pipeline_id, 60, null)
    const id = await record('check_timeliness', { lookback_minutes: 60 })
    background.queue.onSend = () => new Promise(() => {})
    const real = globalThis.setTimeout
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, millis?: number) =>
      real(run, millis === 5_000 ? 50 : millis)) as typeof setTimeout)
    expect((await deliverJob(background, id)).acked).toEqual([id])
    expect(await jobsOf('notify')).toMatchObject([{ state: 'waiting', attempts: 0 }])
  })

  it('is sent while a send to the queue hangs', async () => {
    background.queue.onSend = () => new Promise(() => {})
    const request = new Request<unknown, IncomingRequestCfProperties>('https://watcher.test/freshness', { method: 'POST' })
    const waiting: Promise<unknown>[] = []
    const context = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise), passThroughOnException: () => {}, props: {} }
    const response = await worker.fetch(request, { ...env, ...background.settings } as Env, context as unknown as ExecutionContext)
    expect([response.status, waiting.length]).toEqual([200, 1])
  })
})
