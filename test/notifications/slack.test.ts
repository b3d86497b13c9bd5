import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { call, get, makePipeline, sql } from '../support/api.ts'
import {
  advanceClock,
  type Background,
  deliverJob,
  drain,
  fireCron,
  jobsOf,
  openBackground,
  recordRun,
  setClock,
} from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
  setClock('2025-01-09T20:30:45Z')
  await makeLateRun()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Makes a late run. The check has run, and its alert waits in the queue. */
const makeLateRun = async () => {
  const pipeline_id = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
  await recordRun(background, pipeline_id, 60, null)
  background.queue.take() // the job that looks whether the run is late already
  await background.post('/timeliness')
  // The check records the job that decides whom to tell; that one records the alert.
  for (let hop = 0; hop < 2; hop += 1) {
    const [job] = background.queue.take()
    await deliverJob(background, job?.body.id as number)
  }
}

const alert = async () => {
  const alerts = await jobsOf('send_alert')
  expect(alerts).toHaveLength(1)
  return alerts[0] as (typeof alerts)[number]
}

/** How many seconds remain until the job may be tried again. */
const wait = async () => (await alert()).due_at.getTime() / 1000 - Date.now() / 1000

describe('an alert', () => {
  it('is posted once, as JSON with the field text', async () => {
    await drain(background)
    expect(await background.slack.posts()).toBe(1)
    expect((await background.slack.taken())[0]?.headers['user-agent']).toBe('Watcher')
    expect(await alert()).toMatchObject({ state: 'succeeded', attempts: 1, interrupted: false })
  })

  it.each(['breaks', 'never ends'] as const)('has arrived when Slack answers 200, also if the body %s', async (then) => {
    await background.slack.answers({ status: 200, then })
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'succeeded', attempts: 1, interrupted: false })
    expect(await background.slack.posts()).toBe(1)
  })

  it.each(['breaks', 'never ends'] as const)(
    'is tried again when Slack answers 500 and the body %s: its beginning is enough',
    async (then) => {
      await background.slack.answers({ status: 500, then })
      await drain(background)
      const { state, error } = await alert()
      expect([state, error]).toEqual(['waiting', expect.stringMatching(/^Slack answered 500 \((ok)?x*\)$|^Slack answered 500$/)])
      expect(String(error).length).toBeLessThan(150)
    },
  )

  it('waits while Slack answers 500, and arrives once when it is back after ten minutes', async () => {
    await background.slack.answers(...Array.from({ length: 5 }, () => ({ status: 500, body: 'rollup_error' })))
    const delays: number[] = []
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await drain(background)
      expect(await alert()).toMatchObject({ state: 'waiting', attempts: attempt, error: 'Slack answered 500 (rollup_error)' })
      delays.push(await wait())
      advanceClock(await wait())
    }
    expect(delays).toEqual([15, 30, 60, 120, 240])
    advanceClock(600)
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'succeeded', attempts: 6, error: null })
    expect(await background.slack.messages()).toHaveLength(1)
    expect((await background.slack.messages())[0]).not.toContain('sent again')
  })

  it.each([
    ['90', 90],
    ['Thu, 09 Jan 2025 20:32:45 GMT', 120],
    ['999999999', 3600],
    ['soon', 60],
    [undefined, 60],
  ])('waits as long as a 429 says (Retry-After: %s)', async (header, seconds) => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    await background.slack.answers({ status: 429, headers: header ? { 'retry-after': header } : {}, body: 'rate_limited' })
    await drain(background)
    expect(await wait()).toBe(seconds)
    expect(await alert()).toMatchObject({ state: 'waiting', attempts: 0 }) // Slack asked to wait: the attempt does not count
    expect(background.queue.sent[0]?.dueMillis).toBe(Date.now() + seconds * 1000)
    // A message that arrives too early waits for the remaining time.
    advanceClock(seconds - 1)
    const early = await deliverJob(background, (await alert()).id)
    expect(early.retried).toEqual([{ id: (await alert()).id, delaySeconds: 1 }])
    expect(await background.slack.messages()).toEqual([])
    advanceClock(2)
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('does not fail, no matter how often Slack asks to wait; the waits differ, so alerts do not come back all at once', async () => {
    await background.slack.answers(...Array.from({ length: 30 }, () => ({ status: 429, headers: { 'retry-after': '1' } })))
    const waits = new Set<number>()
    for (let turn = 0; turn < 30; turn += 1) {
      await deliverJob(background, (await alert()).id)
      waits.add(await wait())
      advanceClock(await wait())
    }
    expect(await alert()).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(waits.size).toBeGreaterThan(5)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1)
    background.queue.sent = []
    await deliverJob(background, (await alert()).id)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('does not fail if Slack asks to wait at the last attempt', async () => {
    await sql(`update job set attempts = 19 where kind = 'send_alert'`)
    await background.slack.answers({ status: 429, headers: { 'retry-after': '1' } })
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'waiting', attempts: 19, finished_at: null })
  })

  it.each([408, 503])('is sent again without a mark after a %i', async (status) => {
    await background.slack.answers({ status })
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'waiting', attempts: 1, interrupted: false })
    advanceClock(15)
    await drain(background)
    const messages = await background.slack.messages()
    expect(messages).toHaveLength(1)
    expect(messages[0]).not.toContain('sent again')
  })

  it.each([
    [404, 'no_service'],
    [403, 'invalid_token'],
    [410, 'channel_is_archived'],
    [400, 'invalid_payload'],
    [302, ''],
  ])('fails at once if Slack will never accept it (%i %s), and can be replayed', async (status, body) => {
    await background.slack.answers({ status, body, headers: { location: background.slack.url } })
    await drain(background)
    const failed = await alert()
    expect(failed).toMatchObject({ state: 'failed', attempts: 1 })
    expect(failed.error).toContain(`Slack answered ${status}`)
    expect(failed.error).toContain('check SLACK_WEBHOOK_URL, then send it again')
    expect(background.queue.sent).toEqual([])
    expect((await background.post('/replay_job', { id: failed.id })).status).toBe(200)
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it.each([
    ['did not arrive', false, 1],
    ['arrived', true, 2],
  ])('is sent again with a mark if Slack does not answer and the message %s', async (_what, accepted, copies) => {
    await background.slack.answers({ hangs: true, accepted })
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => timeout(millis === 10_000 ? 100 : millis))
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'waiting', interrupted: true, error: 'Slack did not answer within 10 seconds' })
    advanceClock(15)
    await drain(background)
    const messages = await background.slack.messages()
    expect(messages).toHaveLength(copies)
    expect(messages.at(-1)).toContain('\n(sent again: whether the first message arrived is not known)')
  })

  it.each([502, 504, 520, 524])('is sent again with a mark if a gateway answers %i: the message may have arrived', async (status) => {
    await background.slack.answers({ status, accepted: true, body: '' })
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'waiting', interrupted: true, error: `Slack answered ${status}` })
    advanceClock(15)
    await drain(background)
    const [first, second, ...others] = await background.slack.messages()
    expect(second).toBe(`${first}\n(sent again: whether the first message arrived is not known)`)
    expect(others).toEqual([])
  })

  it("shows markup in a pipeline's name as text, not as a command", async () => {
    const item = { pipeline_id: 1, pipeline_name: '<!channel> & <https://x|y>', last_dml_timestamp: '2025-01-09T00:00:00+00:00' }
    const stale = { alert: 'freshness', at: '2025-01-09T20:30:45+00:00', count: 1 }
    const payload = { ...stale, items: [{ ...item, freshness_number: 1, freshness_datepart: 'hour' }] }
    await sql(`update job set payload = $1 where kind = 'send_alert'`, [JSON.stringify(payload)])
    await drain(background)
    expect((await background.slack.messages())[0]).toContain(
      '  • &lt;!channel&gt; &amp; &lt;https://x|y&gt; (ID: 1): Last DML 2025-01-09 00:00:00',
    )
  })

  it('is written to the log, and its job succeeds, if no webhook is set', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
    background.settings.SLACK_WEBHOOK_URL = undefined
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'succeeded' })
    const logged = lines.map((line) => JSON.parse(line)).find(({ message }) => message === 'alert')
    expect(logged.text).toContain('Message: Pipeline Execution Timeliness Check Failed - 1 execution(s) overdue')
  })

  it('that Slack has accepted is not sent again if the database then does not answer: the queue keeps the record', async () => {
    const real = globalThis.fetch
    let refusing = false
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const url = String(input instanceof Request ? input.url : input)
      if (refusing && !url.startsWith(background.slack.url)) throw new TypeError('Network connection lost')
      const response = await real(input, init)
      if (url === background.slack.url && init?.method === 'POST') refusing = true
      return response
    })
    await drain(background)
    refusing = true
    expect(background.queue.sent).toMatchObject([{ body: { done: 1 } }])
    advanceClock(15)
    for (let turn = 0; turn < 40; turn += 1) {
      await drain(background) // the database still does not answer: the record outlives the deliveries of one message
      advanceClock(15)
    }
    expect(background.queue.sent).toMatchObject([{ body: { done: 1 }, deliveries: 0 }])
    refusing = false
    expect(await alert()).toMatchObject({ state: 'running' })
    advanceClock(15)
    await drain(background)
    refusing = false
    expect(await alert()).toMatchObject({ state: 'succeeded' })
    advanceClock(7200)
    await fireCron(background, '*/15 * * * *')
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('that cannot be read fails, with the reason', async () => {
    await sql(`update job set payload = '{"alert":"nonsense"}' where kind = 'send_alert'`)
    await drain(background)
    expect(await alert()).toMatchObject({ state: 'failed', attempts: 1 })
    expect((await get('/job?state=failed')).body[0].error).toMatch(/^This alert cannot be read: /)
    expect(await background.slack.posts()).toBe(0)
  })

  it('never shows the webhook in an answer or an error', async () => {
    await background.slack.answers({ hangs: true })
    background.settings.SLACK_WEBHOOK_URL = 'http://127.0.0.1:1/services/secret'
    await drain(background)
    const reply = await call('GET', '/job', undefined, {}, background.settings)
    expect(JSON.stringify(reply.body)).toContain('Slack did not answer at all')
    expect(JSON.stringify(reply.body)).not.toContain('secret')
  })
})
