import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, countOf, expectError, get, post, sql } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, jobsOf, openBackground, readJob, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
})
afterEach(() => {
  vi.useRealTimers()
})

/** Records waiting jobs without sending them. */
const pile = (count: number, kind = 'detect_anomalies') =>
  sql(
    `insert into job (kind, payload, due_at) select $1, '{"pipeline_id":1,"pipeline_execution_id":1}', '2025-01-01' from generate_series(1, $2::int)`,
    [kind, count],
  )

const monitor = () => background.post('/celery/monitor-queue')

describe('POST /celery/monitor-queue', () => {
  it("answers in the original's shape", async () => {
    await pile(3)
    await pile(1, 'check_freshness')
    await sql(`insert into job (kind, payload, state, finished_at) values ('clean_logs', '{}', 'succeeded', now())`)
    await sql(`insert into job (kind, payload, state, attempts) values ('check_timeliness', '{}', 'running', 1)`)
    expect((await monitor()).body).toEqual({
      status: 'success',
      total_pending: 4,
      task_breakdown: ['Detect Anomalies: 3', 'Check Freshness: 1'],
      task_breakdown_raw: {
        detect_anomalies: 3,
        check_timeliness: 0,
        check_freshness: 1,
        check_schedules: 0,
        check_deadlines: 0,
        check_reminders: 0,
        complete_closure: 0,
        count_days: 0,
        keep_activity: 0,
        clean_logs: 0,
        clean_openlineage: 0,
        notify: 0,
        send_alert: 0,
        send_openlineage: 0,
      },
    })
  })

  it('so does the tick that finds that nothing was checked for half an hour, while the queue does not move', async () => {
    setClock('2025-01-09T20:00:00Z')
    await sql(`insert into job (kind, payload, state, finished_at) values ('check_schedules', '{}', 'succeeded', '2025-01-09T20:00:10Z')`)
    const tick = async (instant: string) => {
      setClock(instant)
      await fireCron(background, CRONS.quarterHourly, new Date(instant))
    }
    await tick('2025-01-09T20:30:00Z')
    expect(await background.slack.posts()).toBe(0)
    await tick('2025-01-09T20:45:00Z')
    expect(await background.slack.messages()).toEqual([expect.stringContaining('Nothing was checked from 2025-01-09 20:00 UTC')])
    await tick('2025-01-09T21:00:00Z')
    expect(await background.slack.posts()).toBe(1)
    await drain(background)
    expect((await get('/incident?kind=queue')).body).toMatchObject([{ subject: 'tick', state: 'resolved' }])
  })

  it('alerts once each time the level rises, and works while the queue does not move', async () => {
    const levels = async () => (await background.slack.messages()).map((text) => text.split('\n')[0])
    await pile(49)
    await monitor()
    expect(await levels()).toEqual([])
    await pile(1)
    await monitor()
    await monitor()
    expect(await levels()).toEqual(['⚠️ WARNING'])
    expect(background.queue.ids).toEqual([])
    expect((await background.slack.messages())[0]).toContain('Message: Queue has 50 pending tasks')
    await pile(50)
    await monitor()
    await monitor()
    expect(await levels()).toEqual(['⚠️ WARNING', '🚨 CRITICAL'])
    await sql(`delete from job where state = 'waiting' and id % 2 = 0`) // back to fifty: no alert
    await monitor()
    await sql(`delete from job where state = 'waiting'`)
    await monitor()
    expect(await levels()).toEqual(['⚠️ WARNING', '🚨 CRITICAL', '✅ RESOLVED'])
    await pile(100)
    await monitor()
    await monitor()
    expect(await levels()).toEqual(['⚠️ WARNING', '🚨 CRITICAL', '✅ RESOLVED', '🚨 CRITICAL'])
  })

  it('alerts once for many requests at the same time, including the cron trigger', async () => {
    await pile(120)
    await Promise.all([...Array.from({ length: 8 }, monitor), fireCron(background, '*/15 * * * *')])
    expect((await background.slack.messages()).filter((text) => text.includes('Queue Alert'))).toHaveLength(1)
    expect(await jobsOf('send_alert')).toMatchObject([{ state: 'succeeded' }])
  })

  it('alerts once if two requests see different depths at the same time', async () => {
    await pile(99)
    const slow = monitor()
    await pile(1)
    await Promise.all([slow, monitor(), monitor()])
    await monitor()
    // A message about the same incident may have had to wait for the one before it.
    setClock(new Date(Date.now() + 60_000))
    await sql(`delete from job where kind = 'detect_anomalies'`)
    await drain(background)
    const levels = (await background.slack.messages()).map((text) => text.split('\n')[0])
    expect(levels.filter((level) => level === '🚨 CRITICAL')).toHaveLength(1)
  })

  it('keeps an alert that Slack does not accept yet', async () => {
    setClock('2025-01-09T20:30:45Z')
    await background.slack.answers({ status: 500 })
    await pile(60)
    await monitor()
    expect(await jobsOf('send_alert')).toMatchObject([{ state: 'waiting', attempts: 1, error: 'Slack answered 500 (ok)' }])
    await sql(`delete from job where kind <> 'send_alert'`)
    advanceClock(600)
    await fireCron(background, '*/15 * * * *')
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })
})

describe('GET /monitoring', () => {
  it('counts jobs by kind and state, and shows the oldest job, the last failures and the last hour', async () => {
    setClock('2025-01-09T20:30:45Z')
    await sql(`insert into job (kind, payload, state, attempts, error, created_at, due_at, started_at, finished_at) values
      ('detect_anomalies', '{}', 'waiting', 0, null, '2025-01-09T20:00:45Z', '2025-01-09T20:00:45Z', null, null),
      ('detect_anomalies', '{}', 'waiting', 3, 'Slack answered 500', '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', null),
      ('send_alert', '{}', 'running', 1, null, '2025-01-09T20:20:45Z', '2025-01-09T20:25:45Z', '2025-01-09T20:20:45Z', null),
      ('send_alert', '{}', 'failed', 20, 'Slack answered 404 (no_service)', '2025-01-08T20:20:45Z', '2025-01-08T20:20:45Z', '2025-01-08T20:20:45Z', '2025-01-08T20:20:46Z'),
      ('check_freshness', '{}', 'succeeded', 1, null, '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', '2025-01-09T20:20:46Z'),
      ('check_freshness', '{}', 'succeeded', 1, null, '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', '2025-01-09T20:20:45Z', '2025-01-09T20:20:48Z'),
      ('check_freshness', '{}', 'succeeded', 1, null, '2025-01-09T10:20:45Z', '2025-01-09T10:20:45Z', '2025-01-09T10:20:45Z', '2025-01-09T10:20:48Z')`)
    const { status, body } = await get('/monitoring')
    expect(status).toBe(200)
    const byKind = Object.fromEntries(body.kinds.map(({ kind, ...rest }: { kind: string }) => [kind, rest]))
    expect(Object.keys(byKind)).toHaveLength(14)
    expect(byKind.detect_anomalies).toMatchObject({
      waiting: 2,
      retrying: 1,
      running: 0,
      failed: 0,
      succeeded_last_hour: 0,
      mean_seconds: null,
      last_finished_at: null,
    })
    expect(byKind.send_alert).toMatchObject({ waiting: 0, running: 1, failed: 1 })
    expect(byKind.check_freshness).toMatchObject({
      succeeded_last_hour: 2,
      mean_seconds: 2,
      last_finished_at: '2025-01-09T20:20:48.000000Z',
    })
    expect(body.oldest_waiting).toEqual({
      id: 1,
      kind: 'detect_anomalies',
      attempts: 0,
      created_at: '2025-01-09T20:00:45.000000Z',
      age_seconds: 1800,
    })
    expect(body.recent_failures).toEqual([
      { id: 4, kind: 'send_alert', attempts: 20, error: 'Slack answered 404 (no_service)', finished_at: '2025-01-08T20:20:46.000000Z' },
    ])
    expect(body.last_hour).toMatchObject({ succeeded: 2, failed: 0, mean_seconds: 2 })
    expect(body.last_hour.per_minute).toBeCloseTo(2 / 60)
  })

  it('answers while there are no jobs yet', async () => {
    expect((await get('/monitoring')).body).toMatchObject({
      oldest_waiting: null,
      recent_failures: [],
      last_hour: { succeeded: 0, mean_seconds: null },
    })
  })

  it("is the target of the original's path", async () => {
    const reply = await get('/celery/monitoring')
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/monitoring'])
  })
})

describe('a failed job', () => {
  it('is listed with its error, and replayed with all its attempts when the cause is fixed', async () => {
    await background.slack.answers({ status: 404, body: 'no_service' })
    await pile(60)
    await monitor()
    const { body: failed } = await get('/job?state=failed')
    expect(failed).toEqual([
      expect.objectContaining({
        kind: 'send_alert',
        state: 'failed',
        attempts: 1,
        error: 'Slack answered 404 (no_service): check SLACK_WEBHOOK_URL, then send it again',
      }),
    ])
    const { id } = failed[0]
    expect((await get(`/job/${id}`)).body).toEqual(failed[0])
    expect((await background.post('/replay_job', { id })).body).toEqual({ status: 'queued' })
    expect(await readJob(id)).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(background.queue.ids).toEqual([id])
    await drain(background)
    expect(await readJob(id)).toMatchObject({ state: 'succeeded', error: null })
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('can be replayed; a job in any other state cannot', async () => {
    await pile(1)
    expectError(await post('/replay_job', { id: 1 }), 409, 'job_not_failed')
    expectError(await post('/replay_job', { id: 999 }), 404, 'job_not_found')
    expectError(await get('/job/999'), 404, 'job_not_found')
    expectError(await get('/job?state=lost'), 422, 'validation_failed', ['query', 'state'])
    expect((await get('/job?kind=send_alert')).body).toEqual([])
    expect(await countOf("job where state = 'waiting'")).toBe(1)
  })

  it('is replayed once, no matter how many requests arrive', async () => {
    await sql(`insert into job (kind, payload, state) values ('check_freshness', '{}', 'failed')`)
    const replies = await Promise.all(Array.from({ length: 5 }, () => background.post('/replay_job', { id: 1 })))
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409])
    await drain(background)
    expect(await readJob(1)).toMatchObject({ state: 'succeeded', attempts: 1 })
  })
})

describe('the settings of the checks', () => {
  it.each([
    ['WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES', '4.75'],
    ['WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES', 'an hour'],
    ['WATCHER_LOG_RETENTION_DAYS', '89'],
    ['SLACK_WEBHOOK_URL', 'hooks.slack.com/services/x'],
  ])('%s=%s is refused, in one sentence that does not contain the value', async (name, value) => {
    const reply = await call('GET', '/pipeline', undefined, {}, { [name]: value })
    expectError(reply, 503, 'misconfigured')
    expect(reply.body.message).toContain(name)
    expect(reply.body.message).not.toContain(value)
  })
})
