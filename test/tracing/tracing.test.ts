import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import worker from '../../src/index.ts'
import { collectorsOf } from '../../src/tracing/export.ts'
import { call, makePipeline, unique } from '../support/api.ts'
import { type Background, deliver, drain, fireCron, HeldQueue, minutesAgo, openBackground, recordRun } from '../support/background.ts'
import { type CollectedSpan, openCollector } from '../support/collector.ts'

const tracedBackground = (more: Record<string, unknown> = {}) => {
  const collector = openCollector()
  const background = openBackground()
  const settings = { ...background.settings, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...more }
  const traced: Background = { ...background, settings, post: (path, body) => call('POST', path, body, {}, settings) }
  return { collector, background: traced }
}

const named = (spans: CollectedSpan[], name: string): CollectedSpan => {
  const found = spans.filter((span) => span.name === name)
  expect(found, `one span named ${name} among ${spans.map((span) => span.name).join(', ')}`).toHaveLength(1)
  return found[0] as CollectedSpan
}

describe('a request', () => {
  it('is a span with its route and outcome, and contains a span for each round trip with its statement', async () => {
    const { collector, background } = tracedBackground({ OTEL_SERVICE_NAME: 'watcher-of-tests', VERSION: { id: 'v1' } })
    const id = await makePipeline()
    const reply = await call('GET', `/pipeline/${id}`, undefined, {}, background.settings)
    const spans = await collector.spans()
    const request = named(spans, 'GET /pipeline/:id')
    expect(request).toMatchObject({ kind: 'server', parentSpanId: undefined, isError: false })
    expect(request.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/pipeline/:id',
      'url.path': `/pipeline/${id}`,
      'http.response.status_code': 200,
      'watcher.request_id': reply.headers.get('x-request-id'),
      'watcher.token': 'anyone',
    })
    expect(request.resource).toMatchObject({
      'service.name': 'watcher-of-tests',
      'service.version': 'v1',
      'deployment.environment.name': 'test',
    })
    const statement = named(spans, 'SELECT')
    expect(statement).toMatchObject({ kind: 'client', traceId: request.traceId, parentSpanId: request.spanId })
    expect(statement.attributes).toMatchObject({ 'db.system.name': 'postgresql', 'db.response.returned_rows': 1 })
    expect(statement.attributes['db.query.text']).toMatch(/^select find_pipeline_\w+\(\$1, \$2\)/)
    expect(statement.beginMillis).toBeGreaterThanOrEqual(request.beginMillis)
    expect(statement.endMillis).toBeLessThanOrEqual(request.endMillis)
    expect(request.endMillis).toBeLessThanOrEqual(Date.now())
    expect(spans).toHaveLength(2)
  })

  it('continues the trace of its caller, and the caller decides whether it is kept', async () => {
    const { collector, background } = tracedBackground({ OTEL_TRACES_SAMPLER_ARG: '0' })
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const ask = (traceparent: string) => call('GET', '/pipeline?limit=1', undefined, { traceparent }, background.settings)
    await ask(`00-${traceId}-b7ad6b7169203331-01`)
    await ask(`00-${traceId}-b7ad6b7169203332-00`)
    await ask('not a traceparent')
    const requests = (await collector.spans()).filter(({ kind }) => kind === 'server')
    expect(requests).toMatchObject([{ traceId, parentSpanId: 'b7ad6b7169203331', name: 'GET /pipeline' }])
  })

  it('is marked as an error if Watcher fails, and not for a mistake of the caller', async () => {
    const { collector, background } = tracedBackground()
    await call('GET', '/pipeline?limit=x', undefined, {}, background.settings)
    await call('GET', '/nowhere', undefined, {}, background.settings)
    await call('GET', '/pipeline', undefined, {}, { ...background.settings, NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' })
    const spans = await collector.spans()
    const requests = spans.filter(({ kind }) => kind === 'server')
    expect(requests.map(({ name, isError, attributes }) => [name, isError, attributes['http.response.status_code']])).toEqual([
      ['GET /pipeline', false, 422],
      ['GET', false, 404],
      ['GET /pipeline', true, 503],
    ])
    expect(named(spans, 'SELECT').isError).toBe(true)
  })

  it('names its trace in the log', async () => {
    const { collector, background } = tracedBackground()
    const lines = vi.spyOn(console, 'log')
    await call('GET', '/pipeline?limit=1', undefined, {}, background.settings)
    const line = lines.mock.calls.map(([text]) => JSON.parse(String(text))).find(({ message }) => message === 'request')
    lines.mockRestore()
    expect(line.trace_id).toBe((await collector.spans())[0]?.traceId)
  })
})

describe('a background job', () => {
  it('is in the trace of its request: the send, the job in another worker, its statements, the alert and the post to Slack', async () => {
    const { collector, background } = tracedBackground()
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun({ ...background, post: (path, body) => call('POST', path, body) }, pipeline_id, 10, null)
    expect((await background.post('/timeliness', { lookback_minutes: 60 })).status).toBe(200)
    await drain(background)
    expect(await background.slack.posts()).toBe(1)
    const spans = await collector.spans()
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    const request = named(spans, 'POST /timeliness')
    const [firstSend, secondSend, thirdSend, ...more] = spans.filter(({ kind }) => kind === 'producer')
    expect(more).toEqual([])
    expect(firstSend).toMatchObject({ name: 'send watcher-jobs', parentSpanId: request.spanId })
    const check = named(spans, 'job check_timeliness')
    expect(check).toMatchObject({ kind: 'consumer', parentSpanId: firstSend?.spanId, isError: false })
    expect(check.attributes).toMatchObject({
      'watcher.job.attempt': 1,
      'watcher.job.state': 'succeeded',
      'messaging.destination.name': 'watcher-jobs',
    })
    expect(spans.filter(({ parentSpanId, kind }) => kind === 'client' && parentSpanId === check.spanId).length).toBeGreaterThanOrEqual(2)
    expect(secondSend?.parentSpanId).toBe(check.spanId)
    const notify = named(spans, 'job notify')
    expect(notify.parentSpanId).toBe(secondSend?.spanId)
    expect(thirdSend?.parentSpanId).toBe(notify.spanId)
    const alert = named(spans, 'job send_alert')
    expect(alert.parentSpanId).toBe(thirdSend?.spanId)
    expect(named(spans, 'POST Slack webhook')).toMatchObject({ kind: 'client', parentSpanId: alert.spanId, isError: false })
  })

  it('is not traced if its request is not', async () => {
    const { collector, background } = tracedBackground({ OTEL_TRACES_SAMPLER_ARG: '0' })
    await background.post('/freshness')
    expect(background.queue.sent[0]?.body.traceparent).toMatch(/-00$/)
    const always = { ...background, settings: { ...background.settings, OTEL_TRACES_SAMPLER_ARG: '1' } }
    await drain(always)
    expect(await collector.posts()).toBe(0)
  })

  it('shows a post that Slack refused, and the job that failed with it', async () => {
    const { collector, background } = tracedBackground()
    const pipeline_id = await makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })
    await recordRun({ ...background, post: (path, body) => call('POST', path, body) }, pipeline_id, 10, null)
    await background.post('/timeliness', { lookback_minutes: 60 })
    await background.slack.answers({ status: 404, body: 'no_service' })
    await drain(background)
    const spans = await collector.spans()
    expect(named(spans, 'POST Slack webhook').isError).toBe(true)
    expect(named(spans, 'job send_alert')).toMatchObject({ isError: true, attributes: { 'watcher.job.state': 'failed' } })
  })

  it('is in the trace of the cron tick that started it', async () => {
    const { collector, background } = tracedBackground()
    await fireCron(background, '0 * * * *', new Date(minutesAgo(0)))
    await drain(background)
    const spans = await collector.spans()
    const tick = named(spans, 'cron 0 * * * *')
    expect(named(spans, 'job check_freshness').traceId).toBe(tick.traceId)
  })

  it('runs for a message with a malformed traceparent, and for one without', async () => {
    const { collector, background } = tracedBackground()
    await background.post('/freshness')
    const [sent] = background.queue.take()
    const delivered = await deliver(background, [
      { body: { id: sent?.body.id as number, traceparent: 'x' }, dueMillis: 0, deliveries: 0 },
      { body: { id: 999_999_999 }, dueMillis: 0, deliveries: 0 },
    ])
    expect(delivered.acked).toHaveLength(2)
    expect((await collector.spans()).filter(({ kind }) => kind === 'consumer')).toHaveLength(2)
  })
})

describe('a collector', () => {
  it('gets one post per request, as OTLP in JSON, with the headers of its settings', async () => {
    const { collector, background } = tracedBackground({ OTEL_EXPORTER_OTLP_HEADERS: 'x-team=data%20platform, authorization=Basic abc' })
    await call('GET', '/pipeline?limit=1', undefined, {}, background.settings)
    const [post, ...more] = await collector.taken()
    expect(more).toEqual([])
    expect(post?.headers).toMatchObject({ 'x-team': 'data platform', authorization: 'Basic abc', 'content-type': 'application/json' })
  })

  it('is Logfire in the region of its token, the endpoint of the settings, or both', () => {
    const own = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/', OTEL_EXPORTER_OTLP_HEADERS: { a: 'b' } }
    const none = { LOGFIRE_TOKEN: undefined, OTEL_EXPORTER_OTLP_ENDPOINT: undefined, OTEL_EXPORTER_OTLP_HEADERS: {} }
    const logfire = (LOGFIRE_TOKEN: string, region: string) => [
      { url: `https://logfire-${region}.pydantic.dev/v1/traces`, headers: { Authorization: LOGFIRE_TOKEN } },
    ]
    expect(collectorsOf({ ...none, LOGFIRE_TOKEN: 'pylf_v1_eu_abc' })).toEqual(logfire('pylf_v1_eu_abc', 'eu'))
    expect(collectorsOf({ ...none, LOGFIRE_TOKEN: 'pylf_v1_us_abc' })).toEqual(logfire('pylf_v1_us_abc', 'us'))
    expect(collectorsOf({ ...none, LOGFIRE_TOKEN: 'old-style' })).toEqual(logfire('old-style', 'us'))
    expect(collectorsOf({ ...own, LOGFIRE_TOKEN: 'pylf_v1_eu_abc' })).toEqual([
      ...logfire('pylf_v1_eu_abc', 'eu'),
      { url: 'http://collector:4318/v1/traces', headers: { a: 'b' } },
    ])
    expect(collectorsOf(none)).toEqual([])
  })

  it.each([
    ['refuses', [{ status: 500 }], {}],
    ['answers with a redirect', [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }], {}],
    ['is not there', [], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['hangs', [{ hangs: true }], {}],
  ])('that %s does not change the answer, and the log says so', async (_, answers, more) => {
    const { collector, background } = tracedBackground(more)
    if (answers.length > 0) await collector.answers(...answers)
    const lines = vi.spyOn(console, 'log')
    const name = unique('untraced')
    const { settings } = background
    const reply = await call('POST', '/pipeline', { name, pipeline_type_name: 'extraction' }, {}, settings)
    const text = lines.mock.calls.map(([line]) => String(line))
    lines.mockRestore()
    expect(reply.status).toBe(201)
    expect(text.filter((line) => line.includes('"level":"warning"') && line.includes('the collector of traces'))).toHaveLength(1)
    expect((await call('GET', `/pipeline?name=${name}`, undefined, {}, { ...settings, JOBS: new HeldQueue() })).body).toHaveLength(1)
  })

  it('that hangs does not delay the answer', async () => {
    const { collector, background } = tracedBackground()
    await collector.answers({ hangs: true })
    const context = createExecutionContext()
    const lines = vi.spyOn(console, 'log')
    const given = (word: string) => lines.mock.calls.some(([line]) => String(line).includes(word))
    const { status } = await worker.fetch(new Request('https://watcher.test/'), { ...env, ...background.settings } as Env, context)
    // The answer has arrived, and Watcher still waits for the collector.
    expect([status, given('the collector of traces')]).toEqual([200, false])
    await waitOnExecutionContext(context)
    expect(given('the collector of traces did not answer')).toBe(true)
    lines.mockRestore()
  })

  it('gets the jobs of a batch in one post', async () => {
    const { collector, background } = tracedBackground()
    for (let check = 0; check < 5; check += 1)
      await call('POST', '/freshness', undefined, {}, { ...background.settings, OTEL_EXPORTER_OTLP_ENDPOINT: '' })
    const before = await collector.posts()
    await deliver(background, background.queue.take())
    expect((await collector.posts()) - before).toBe(1)
    expect((await collector.spans()).filter(({ name }) => name === 'job check_freshness')).toHaveLength(5)
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=x%0d%0ab'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'often'],
    ['LOGFIRE_TOKEN', 'two words'],
  ])('%s=%s is refused with its name, and without its value', async (name, value) => {
    const { status, body } = await call('GET', '/pipeline', undefined, {}, { [name]: value })
    expect([status, body.code]).toEqual([503, 'misconfigured'])
    expect(body.message).toContain(name)
    expect(body.message).not.toContain(value)
  })
})
