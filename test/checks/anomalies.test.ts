import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { call, countOf, expectError, get, makePipeline, patch, post, readPipeline, sql, startRun } from '../support/api.ts'
import { type Background, deliverJob, drain, jobsOf, openBackground, setClock } from '../support/background.ts'

let background: Background

beforeEach(() => {
  background = openBackground()
  setClock('2025-06-15T12:30:00Z') // a run that ended long ago wakes nobody
})
afterEach(() => {
  vi.useRealTimers()
})

const NOON = Date.parse('2025-06-15T12:00:00Z')
const DAY = 24 * 60 * 60 * 1000

/** Records a successful run of one minute. It starts at noon, this many days before 15 June 2025 (plus `hours`). */
const run = async (pipeline_id: number, daysAgo: number, metrics: Record<string, unknown>, hours = 0, outcome = true): Promise<number> => {
  const start = NOON - daysAgo * DAY + hours * 60 * 60 * 1000
  const id = await startRun({ pipeline_id, start_date: new Date(start).toISOString() })
  const ended = await background.post('/end_pipeline_execution', {
    id,
    end_date: new Date(start + 60_000).toISOString(),
    completed_successfully: outcome,
    ...metrics,
  })
  expect(ended.status).toBe(204)
  return id
}

const makeRule = async (pipeline_id: number, fields: Record<string, unknown> = {}): Promise<number> =>
  (await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts', minimum_executions: 5, ...fields })).body.id

/** Makes a pipeline with one run per past day, with these inserts, and then a rule. */
const makeHistory = async (inserts: number[], fields: Record<string, unknown> = {}) => {
  const pipeline_id = await makePipeline()
  for (const [index, count] of inserts.entries()) await run(pipeline_id, index + 1, { inserts: count })
  return { pipeline_id, rule_id: await makeRule(pipeline_id, fields) }
}

const USUAL = [100, 110, 90, 105, 95, 102, 98]
const detect = (pipeline_id: number, query = '') => background.post(`/anomaly_detection/detect/${pipeline_id}${query}`)
const resultsOf = async (pipeline_id: number) => (await get(`/anomaly_detection_result?pipeline_id=${pipeline_id}`)).body

describe('after a successful execution', () => {
  it.each([
    ['has dropped to nothing', 0, 'below'],
    ['has jumped', 400, 'above'],
  ])('a load that %s is flagged and alerted automatically', async (_what, inserts, direction) => {
    const { pipeline_id, rule_id } = await makeHistory(USUAL)
    const id = await run(pipeline_id, 0, { inserts })
    await drain(background)
    const deviation = Math.sqrt(258 / 6)
    const [result, ...others] = await resultsOf(pipeline_id)
    expect(others).toEqual([])
    expect(result).toEqual({
      id: expect.any(Number),
      pipeline_execution_id: id,
      rule_id,
      pipeline_id,
      metric_field: 'inserts',
      violation_value: inserts,
      baseline_value: 100,
      deviation_percentage: inserts - 100,
      confidence_score: 1,
      context: {
        direction,
        z_score: expect.closeTo((inserts - 100) / deviation, 9),
        baseline_std: expect.closeTo(deviation, 9),
        threshold_multiplier: 2,
        lower_threshold: expect.closeTo(100 - 2 * deviation, 9),
        upper_threshold: expect.closeTo(100 + 2 * deviation, 9),
        lookback_days: 30,
        execution_count: 7,
        method: 'zscore',
        pool: 'same hour',
      },
      explanation: `${inserts} inserts; runs at 12:00 have 86.89 to 113 (mean 100 of 7 runs)`,
      detected_at: '2025-06-15T12:30:00.000000Z',
    })
    expect(await background.slack.messages()).toEqual([
      [
        '⚠️ WARNING',
        'Anomaly Detection',
        'Timestamp: 2025-06-15 12:30:00 UTC',
        `Message: Anomaly detected in pipeline ${pipeline_id} - 1 execution(s) flagged`,
        '',
        'Details:',
        '• Metric: inserts',
        '• Threshold Multiplier: 2.0',
        '• Lookback Days: 30',
        '• Anomalies: ',
        `  - Execution ID ${id}: ${inserts} (baseline: 100.00, deviation: ${(inserts - 100).toFixed(1)}%, confidence: 1.00)`,
      ].join('\n'),
    ])
  })

  it('a normal load is not flagged', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    await run(pipeline_id, 0, { inserts: 112 })
    await drain(background)
    expect(await resultsOf(pipeline_id)).toEqual([])
  })

  it('a job is recorded only if the execution succeeded and the pipeline has an active rule', async () => {
    const before = await countOf(`job where kind <> 'notify'`)
    const without = await makePipeline()
    await run(without, 0, { inserts: 1 })
    const inactive = await makePipeline()
    await makeRule(inactive, { active: false })
    await run(inactive, 0, { inserts: 1 })
    const ruled = await makePipeline()
    await makeRule(ruled)
    await run(ruled, 0, { inserts: 1 }, 0, false)
    expect(await countOf(`job where kind <> 'notify'`)).toBe(before)
    background.queue.take()
    const id = await run(ruled, 0, { inserts: 1 })
    const last = (await jobsOf('detect_anomalies')).at(-1)
    expect(last).toMatchObject({ state: 'waiting', payload: { pipeline_id: ruled, pipeline_execution_id: id } })
    expect(background.queue.ids.at(-1)).toBe(last?.id)
  })

  it('each rule has its own verdict: one alert with each metric in turn', async () => {
    const { pipeline_id } = await makeHistory([])
    for (const metric_field of ['updates', 'total_rows', 'throughput', 'duration_seconds', 'soft_deletes']) {
      await makeRule(pipeline_id, { metric_field })
    }
    for (let day = 1; day <= 6; day += 1) await run(pipeline_id, day, { inserts: 10, updates: 20, total_rows: 600, soft_deletes: 1 })
    await run(pipeline_id, 0, { inserts: 10, updates: 200, total_rows: 6000, soft_deletes: 1 })
    await drain(background)
    const flagged = await resultsOf(pipeline_id)
    expect(flagged.map((row: { metric_field: string }) => row.metric_field).sort()).toEqual(['throughput', 'total_rows', 'updates'])
    const messages = await background.slack.messages()
    expect(messages).toHaveLength(1)
    expect([...(messages[0] ?? '').matchAll(/• Metric: (\w+)/g)].map((match) => match[1])).toEqual(['updates', 'total_rows', 'throughput'])
  })
})

describe('the baseline', () => {
  it('excludes flagged executions, so one bad load does not hide the next', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const first = await run(pipeline_id, 0, { inserts: 5000 }, 0)
    await drain(background)
    const { body } = await detect(pipeline_id, `?pipeline_execution_id=${first}`)
    expect(body.anomalies[0].context.execution_count).toBe(7)
    setClock('2025-06-16T12:30:00Z')
    const second = await run(pipeline_id, -1, { inserts: 5000 })
    await drain(background)
    const found = await resultsOf(pipeline_id)
    expect(found.map((row: { pipeline_execution_id: number }) => row.pipeline_execution_id)).toEqual([first, second])
    expect(found[1].baseline_value).toBe(100)
  })

  it('includes an execution again after it is unflagged', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const flagged = await run(pipeline_id, 0, { inserts: 160 })
    await drain(background)
    const unflag = { pipeline_id, pipeline_execution_id: flagged, metric_field: ['inserts', 'total_rows'] }
    expect((await post('/unflag_anomaly', unflag)).status).toBe(204)
    expect(await resultsOf(pipeline_id)).toEqual([])
    const next = await run(pipeline_id, -1, { inserts: 500 })
    await drain(background)
    const [result] = await resultsOf(pipeline_id)
    expect([result.pipeline_execution_id, result.context.execution_count]).toEqual([next, 8])
    expect(result.baseline_value).toBeCloseTo(860 / 8, 9)
    expectError(await post('/unflag_anomaly', unflag), 404, 'anomaly_not_flagged')
    // The next request judges the unflagged execution again.
    const again = await detect(pipeline_id, `?pipeline_execution_id=${flagged}`)
    expect(again.body.anomalies.map((row: { pipeline_execution_id: number }) => row.pipeline_execution_id)).toEqual([flagged])
  })

  it('has only successful runs of the same hour, within the lookback, with a value, without the tested one', async () => {
    const { pipeline_id } = await makeHistory(USUAL, { lookback_days: 10 })
    await run(pipeline_id, 1, { inserts: 9999 }, 3) // another hour
    await run(pipeline_id, 2, { inserts: 9999 }, 0, false) // failed
    await run(pipeline_id, 3, {}) // no inserts
    await run(pipeline_id, 10, { inserts: 9999, end_date: '2025-06-05T12:00:59.999999Z' }) // it ended just before the lookback
    await startRun({ pipeline_id, start_date: new Date(NOON - DAY).toISOString() }) // it still runs
    await drain(background)
    await sql('delete from anomaly_detection_result')
    const edge = await run(pipeline_id, 10, { inserts: 100 }, 0) // it ended exactly at the start of the lookback
    await run(pipeline_id, 0, { inserts: 1000 })
    const { body } = await detect(pipeline_id)
    expect(body.anomalies[0].context.execution_count).toBe(8)
    expect(body.anomalies[0].baseline_value).toBe(100)
    expect(edge).toBeGreaterThan(0)
  })

  it('looks back from the tested execution: runs that ended later do not count', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    await run(pipeline_id, -1, { inserts: 100 })
    const tested = await run(pipeline_id, 0, { inserts: 1000 })
    const { body } = await detect(pipeline_id, `?pipeline_execution_id=${tested}`)
    expect(body.anomalies[0].context.execution_count).toBe(USUAL.length)
  })

  it('of one rule includes executions that another rule has flagged', async () => {
    const pipeline_id = await makePipeline()
    for (let day = 1; day <= 6; day += 1) await run(pipeline_id, day, { inserts: 100, updates: 100 })
    const [inserts, updates] = [await makeRule(pipeline_id), await makeRule(pipeline_id, { metric_field: 'updates' })]
    await run(pipeline_id, 0, { inserts: 5000, updates: 100 })
    await drain(background)
    await run(pipeline_id, -1, { inserts: 5000, updates: 5000 })
    await drain(background)
    const counts = (await resultsOf(pipeline_id)).map((row: { rule_id: number; context: { execution_count: number } }) => [
      row.rule_id,
      row.context.execution_count,
    ])
    expect(counts).toEqual(
      expect.arrayContaining([
        [inserts, 6],
        [updates, 7],
      ]),
    )
    expect(counts).toHaveLength(3)
  })

  it('with fewer than minimum_executions values gives no verdict', async () => {
    const { pipeline_id } = await makeHistory(USUAL, { minimum_executions: 8 })
    await run(pipeline_id, 0, { inserts: 9999 })
    await drain(background)
    expect(await resultsOf(pipeline_id)).toEqual([])
    await run(pipeline_id, 8, { inserts: 100 })
    expect((await detect(pipeline_id)).body.anomalies).toHaveLength(1)
  })

  it('that is flat flags a change but not a small variation, also with fractions', async () => {
    const { pipeline_id } = await makeHistory([1000, 1000, 1000, 1000, 1000, 1000])
    await run(pipeline_id, 0, { inserts: 1020 })
    expect((await detect(pipeline_id)).body.anomalies).toEqual([])
    await run(pipeline_id, -1, { inserts: 1200 })
    expect((await detect(pipeline_id)).body.anomalies[0]).toMatchObject({ deviation_percentage: expect.closeTo(19.6, 0) })
    // In binary, ten times a tenth is not one: equal values must not get a tiny deviation.
    const fractions = await makePipeline()
    await makeRule(fractions, { metric_field: 'throughput' })
    for (let day = 1; day <= 10; day += 1) await run(fractions, day, { total_rows: 6 })
    await run(fractions, 0, { total_rows: 6 })
    expect((await detect(fractions)).body).toMatchObject({ rules_evaluated: 1, anomalies: [] })
    await sql('update pipeline_execution set throughput = 0.1000001 where id = (select max(id) from pipeline_execution)')
    expect((await detect(fractions)).body.anomalies).toEqual([])
  })

  it('is ignored for a metric that the tested execution does not have', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    await run(pipeline_id, 0, {})
    expect((await detect(pipeline_id)).body).toMatchObject({ rules_evaluated: 1, anomalies: [] })
  })
})

describe('POST /anomaly_detection/detect/{pipeline_id}', () => {
  it('is safe to repeat, also at the same time: one flag, one alert', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const id = await run(pipeline_id, 0, { inserts: 1000 })
    const replies = await Promise.all(Array.from({ length: 10 }, () => detect(pipeline_id)))
    await drain(background)
    replies.push(await detect(pipeline_id))
    for (const { status, body } of replies) {
      expect([status, body.pipeline_execution_id, body.rules_evaluated]).toEqual([200, id, 1])
      expect(body.anomalies).toEqual(replies[0]?.body.anomalies)
    }
    expect(await resultsOf(pipeline_id)).toEqual(replies[0]?.body.anomalies)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('judges the successful execution with the latest end, or the one in the query', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const latest = await run(pipeline_id, 0, { inserts: 1000 }, 5)
    await run(pipeline_id, 20, { inserts: 100 }) // recorded later, but it ended earlier
    await run(pipeline_id, -1, { inserts: 1 }, 0, false)
    expect((await detect(pipeline_id)).body.pipeline_execution_id).toBe(latest)
    const named = await run(pipeline_id, 0.5, { inserts: 100 })
    expect((await detect(pipeline_id, `?pipeline_execution_id=${named}`)).body.pipeline_execution_id).toBe(named)
  })

  it('ignores a rule that is not active', async () => {
    const { pipeline_id } = await makeHistory(USUAL, { active: false })
    await run(pipeline_id, 0, { inserts: 1000 })
    expect((await detect(pipeline_id)).body).toMatchObject({ rules_evaluated: 0, anomalies: [] })
  })

  it('answers an error that says what is wrong with the request', async () => {
    expectError(await detect(999_999), 404, 'pipeline_not_found')
    const pipeline_id = await makePipeline()
    expectError(await detect(pipeline_id), 404, 'pipeline_execution_not_found')
    const other = await run(await makePipeline(), 0, {})
    expectError(await detect(pipeline_id, `?pipeline_execution_id=${other}`), 404, 'pipeline_execution_not_found')
    const running = await startRun({ pipeline_id })
    expectError(await detect(pipeline_id, `?pipeline_execution_id=${running}`), 422, 'validation_failed', [
      'query',
      'pipeline_execution_id',
    ])
    expectError(await detect(pipeline_id, '?pipeline_execution_id=x'), 422, 'validation_failed')
    await run(pipeline_id, 0, {})
    expect((await detect(pipeline_id)).body).toMatchObject({ rules_evaluated: 0, anomalies: [] })
  })
})

describe('a detection job', () => {
  it('that is delivered many times, at once and later, records an anomaly once', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    await run(pipeline_id, 0, { inserts: 1000 })
    const [sent] = background.queue.take()
    const id = sent?.body.id as number
    await Promise.all(Array.from({ length: 5 }, () => deliverJob(background, id)))
    await deliverJob(background, id)
    await drain(background)
    expect(await resultsOf(pipeline_id)).toHaveLength(1)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('succeeds if cleanup has deleted its execution', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const id = await run(pipeline_id, 0, { inserts: 1000 })
    await sql('delete from pipeline_execution where id = $1', [id])
    await drain(background)
    expect((await jobsOf('detect_anomalies')).at(-1)).toMatchObject({ state: 'succeeded', error: null })
  })
})

describe('rules and results', () => {
  it('are created for every metric of a new pipeline if the setting is on', async () => {
    const settings = { WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: 'true' }
    const body = { name: 'auto', pipeline_type_name: 't' }
    const { body: created } = await call('POST', '/pipeline', body, {}, settings)
    await call('POST', '/pipeline', body, {}, settings)
    expect((await get(`/anomaly_detection_rule?pipeline_id=${created.id}`)).body).toHaveLength(6)
    expect((await readPipeline(created.id)).active).toBe(true)
  })

  it('are listed by pipeline, rule, execution and time of detection', async () => {
    setClock('2025-06-15T13:00:00Z')
    const { pipeline_id, rule_id } = await makeHistory(USUAL)
    const first = await run(pipeline_id, 0, { inserts: 1000 })
    await drain(background)
    setClock('2025-06-16T13:00:00Z')
    const second = await run(pipeline_id, -1, { inserts: 1000 })
    await drain(background)
    const list = async (query: string) =>
      (await get(`/anomaly_detection_result?${query}`)).body.map((row: { pipeline_execution_id: number }) => row.pipeline_execution_id)
    expect(await list(`pipeline_id=${pipeline_id}`)).toEqual([first, second])
    expect(await list(`rule_id=${rule_id}`)).toEqual([first, second])
    expect(await list(`pipeline_execution_id=${second}`)).toEqual([second])
    expect(await list(`rule_id=${rule_id}&detected_after=2025-06-15T13:00:00Z`)).toEqual([second])
    expect(await list(`pipeline_id=${pipeline_id + 100_000}`)).toEqual([])
    const page = await get(`/anomaly_detection_result?pipeline_id=${pipeline_id}&limit=1`)
    expect(page.headers.get('link')).toContain('after_id=')
  })

  it('keep their pipeline and metric once a rule has flagged an anomaly', async () => {
    const { pipeline_id, rule_id } = await makeHistory(USUAL)
    expect((await patch('/anomaly_detection_rule', { id: rule_id, metric_field: 'updates' })).body.metric_field).toBe('updates')
    await patch('/anomaly_detection_rule', { id: rule_id, metric_field: 'inserts' })
    await run(pipeline_id, 0, { inserts: 1000 })
    await drain(background)
    expectError(await patch('/anomaly_detection_rule', { id: rule_id, metric_field: 'updates' }), 409, 'rule_has_results')
    expectError(await patch('/anomaly_detection_rule', { id: rule_id, pipeline_id: await makePipeline() }), 409, 'rule_has_results')
    const unchanged = await patch('/anomaly_detection_rule', { id: rule_id, pipeline_id, metric_field: 'inserts', lookback_days: 20 })
    expect([unchanged.status, unchanged.body.lookback_days]).toEqual([200, 20])
    expectError(await patch('/anomaly_detection_rule', { id: 999_999, metric_field: 'updates' }), 404, 'anomaly_detection_rule_not_found')
  })

  it('can hold the largest allowed numbers', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const id = await run(pipeline_id, 0, { inserts: 2 ** 53 })
    await drain(background)
    const [result] = await resultsOf(pipeline_id)
    expect([result.pipeline_execution_id, Number(result.violation_value)]).toEqual([id, 2 ** 53])
    expect((await background.slack.messages())[0]).toContain(`Execution ID ${id}: 9007199254740992 (baseline: 100.00`)
  })

  it('are unflagged only for the given execution and metrics', async () => {
    const { pipeline_id } = await makeHistory(USUAL)
    const id = await run(pipeline_id, 0, { inserts: 1000 })
    await drain(background)
    const other = await makePipeline()
    const unflag = (fields: Record<string, unknown>) =>
      post('/unflag_anomaly', { pipeline_id, pipeline_execution_id: id, metric_field: ['inserts'], ...fields })
    expectError(await unflag({ pipeline_id: other }), 404, 'anomaly_not_flagged')
    expectError(await unflag({ metric_field: ['updates'] }), 404, 'anomaly_not_flagged')
    expectError(await unflag({ metric_field: [] }), 422, 'validation_failed', ['body', 'metric_field'])
    expectError(await unflag({ metric_field: ['nonsense'] }), 422, 'validation_failed', ['body', 'metric_field', 0])
    expect(await resultsOf(pipeline_id)).toHaveLength(1)
    expect((await unflag({ metric_field: ['TOTAL_INSERTS'] })).status).toBe(204)
    expect(await resultsOf(pipeline_id)).toEqual([])
  })
})
