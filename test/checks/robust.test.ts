import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { seededBy } from '../../src/demo/seeded.ts'
import { call, expectError, get, makePipeline, patch, post, sql } from '../support/api.ts'
import { type Background, drain, openBackground, setClock } from '../support/background.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-03-10T06:30:00Z') // a Tuesday

let background: Background
let pipeline_id: number

beforeEach(async () => {
  background = openBackground()
  setClock(new Date(NOW).toISOString())
  pipeline_id = await makePipeline()
})
afterEach(() => vi.useRealTimers())

/** Writes past runs as they would stand there: start, length of a minute, and these rows. */
const record = (runs: { at: number; rows: number | null }[]) =>
  sql(
    `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, total_rows)
     select $1, at, at + interval '1 minute', true, 60, rows from unnest($2::timestamptz[], $3::bigint[]) r(at, rows)`,
    [pipeline_id, runs.map(({ at }) => new Date(at).toISOString()), runs.map(({ rows }) => rows)],
  )

const makeRule = async (fields: Record<string, unknown> = {}) =>
  (await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'total_rows', method: 'robust', ...fields })).body.id as number

/** A run that starts now and ends a minute later; answers what the job found. */
const run = async (total_rows: number, at = NOW): Promise<{ explanation: string; context: Record<string, unknown>; rule_id: number }[]> => {
  setClock(new Date(at).toISOString())
  const { body } = await background.post('/start_pipeline_execution', { pipeline_id, start_date: new Date(at).toISOString() })
  const end_date = new Date(at + 60_000).toISOString()
  await background.post('/end_pipeline_execution', { id: body.id, end_date, total_rows })
  await drain(background)
  return (await get(`/anomaly_detection_result?pipeline_execution_id=${body.id}`)).body
}

const daily = (days: number, rowsOf: (daysAgo: number) => number | null, hour = 0) =>
  Array.from({ length: days }, (_, index) => ({ at: NOW - (index + 1) * DAY + hour * 3_600_000, rows: rowsOf(index + 1) }))

describe('a robust rule', () => {
  it('has its own defaults, and a rule without a method is the original`s', async () => {
    const id = await makeRule()
    expect((await get(`/anomaly_detection_rule/${id}`)).body).toMatchObject({
      method: 'robust',
      std_deviation_threshold_multiplier: 3,
      season: 'auto',
      min_change_percent: 10,
      direction: 'both',
      min_value: null,
      max_value: null,
      baseline_from: null,
      accept_level_after: null,
    })
    const other = (await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })).body.id
    const original = { method: 'zscore', std_deviation_threshold_multiplier: 2, season: 'hour', min_change_percent: 0 }
    expect((await get(`/anomaly_detection_rule/${other}`)).body).toMatchObject(original)
    await patch('/anomaly_detection_rule', { id: other, method: 'robust' })
    expect((await get(`/anomaly_detection_rule/${other}`)).body).toMatchObject({ method: 'robust', season: 'auto', min_change_percent: 10 })
  })

  it('refuses what cannot be, and changes nothing', async () => {
    const id = await makeRule({ min_value: 5 })
    for (const [field, value] of [
      ['method', 'magic'],
      ['season', 'moon'],
      ['direction', 'left'],
      ['min_change_percent', -1],
      ['min_change_percent', 1001],
      ['accept_level_after', 4],
      ['baseline_from', 'once'],
    ] as const)
      expectError(await patch('/anomaly_detection_rule', { id, [field]: value }), 422, 'validation_failed', ['body', field])
    expectError(await patch('/anomaly_detection_rule', { id, max_value: 4 }), 422, 'validation_failed', ['body', 'min_value'])
    expect((await get(`/anomaly_detection_rule/${id}`)).body).toMatchObject({ min_value: 5, max_value: null, updated_at: null })
  })

  it('knows a Tuesday from a Sunday, and says so', async () => {
    // 30 days are too few Tuesdays for one lookback: it looks back seven times as far.
    await record(daily(60, (ago) => (new Date(NOW - ago * DAY).getUTCDay() % 6 === 0 ? 1_000 : 50_000) + ago * 10))
    await makeRule()
    const [found, ...more] = await run(1_100)
    expect(more).toEqual([])
    expect(found?.explanation).toMatch(/^1,100 rows; Tuesdays at 06:00 have [\d,]+ to [\d,]+ \(median 50,[\d]+ of 8 runs\)$/)
    expect(found?.context).toMatchObject({ pool: 'same hour and weekday', direction: 'below', method: 'robust' })
    expect(await run(50_200, NOW + 1)).toEqual([])
    // The next Saturday at this hour.
    expect(await run(1_050, NOW + 4 * DAY)).toEqual([])
    expect(await run(50_000, NOW + 11 * DAY)).toHaveLength(1)
  })

  it('is in the zone of the schedule: an hour stays an hour when the clocks change', async () => {
    await patch('/pipeline', { id: pipeline_id, schedule_timezone: 'America/New_York', schedule_cron: '0 6 * * *' })
    // 06:30 in New York: 11:30 UTC until 8 March 2026, then 10:30.
    const runs = Array.from({ length: 25 * 24 }, (_, index) => {
      const at = NOW - (index + 1) * 3_600_000
      const local = Number(new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', hour: 'numeric', hour12: false }).format(at))
      return { at, rows: local === 6 ? 9_000 + (index % 7) : 100 + (index % 7) }
    })
    await record(runs)
    await makeRule({ season: 'hour' })
    const at = Date.parse('2026-03-10T10:30:00Z')
    const [found] = await run(100, at)
    expect(found?.explanation).toMatch(/runs at 06:00 have/)
    expect(await run(9_003, at + 1000)).toEqual([])
  })

  it('sees a spike after an earlier one, and lets no old one count as normal', async () => {
    const random = seededBy('spikes')
    await record(daily(30, (ago) => (ago === 3 ? 100_000 : 9_000 + Math.floor(random() * 2_000))))
    await makeRule({ season: 'none' })
    expect(await run(30_000)).toHaveLength(1)
    expect(await run(10_000, NOW + 1000)).toEqual([])
    expect(await run(0, NOW + 2000)).toHaveLength(1)
  })

  it('says which runs it was compared with and why, and that they are a sample of very many', async () => {
    await record(Array.from({ length: 29 * 144 }, (_, index) => ({ at: NOW - (index + 1) * 600_000, rows: 1_000 + (index % 7) })))
    await makeRule({ lookback_days: 20, season: 'none' })
    const [found] = await run(5_000)
    expect(found?.context).toMatchObject({ pool: 'all', is_sample: true })
    expect(found?.context).not.toHaveProperty('pool_because')
    expect(found?.explanation).toMatch(/^5,000 rows; earlier runs have .* \(median 1,00\d of a sample of [\d,]+ runs\)$/)
    const young = await makePipeline()
    pipeline_id = young
    await record(daily(20, (ago) => 1_000 + (ago % 5)))
    await makeRule()
    const [other] = await run(5_000)
    expect(other?.context).toMatchObject({ pool: 'same hour', pool_because: 'fewer than 5 runs of the same hour and weekday' })
    expect(other?.context).not.toHaveProperty('is_sample')
  })

  it('judges one side if it is told so, a hard limit without any history, and nothing without a value', async () => {
    await record(daily(20, () => 1_000))
    const id = await makeRule({ direction: 'above' })
    expect(await run(2_000)).toHaveLength(1)
    expect(await run(0, NOW + 1000)).toEqual([])
    await patch('/anomaly_detection_rule', { id, min_value: 1 })
    const [limit] = await run(0, NOW + 2000)
    expect(limit).toMatchObject({
      baseline_value: 1,
      confidence_score: 1,
      explanation: '0 rows; at least 1 is allowed',
      context: { limit: 1, direction: 'below' },
    })
    const other = await makePipeline()
    await post('/anomaly_detection_rule', { pipeline_id: other, metric_field: 'inserts', method: 'bounds', max_value: 10 })
    pipeline_id = other
    const { body } = await background.post('/start_pipeline_execution', { pipeline_id })
    await background.post('/end_pipeline_execution', { id: body.id, inserts: 11 })
    await drain(background)
    expect((await get(`/anomaly_detection_result?pipeline_id=${other}`)).body).toMatchObject([
      { explanation: '11 inserts; at most 10 are allowed' },
    ])
  })

  it('flags that are more than a fifth are a pattern, and count', async () => {
    await record(daily(20, (ago) => (ago % 3 === 0 ? 5_000 : 1_000)))
    const id = await makeRule({ season: 'none', direction: 'above' })
    const flagged = await sql('select id::int as id from pipeline_execution where pipeline_id = $1 and total_rows = 5000', [pipeline_id])
    for (const { id: execution } of flagged)
      await sql(
        `insert into anomaly_detection_result (pipeline_execution_id, rule_id, violation_value, baseline_value, confidence_score, context) values ($1, $2, 5000, 1000, 1, '{"direction": "above"}')`,
        [execution, id],
      )
    expect(await run(5_000)).toEqual([])
  })
})

describe('a young pipeline', () => {
  /** The first run at NOW is a Tuesday: fourteen weekdays and weekends before it, the last weekend without runs. */
  const weeks = (rowsAt: (at: Date) => number | null) => daily(16, (ago) => rowsAt(new Date(NOW - ago * DAY)))
  const SATURDAY = NOW + 4 * DAY

  it('does not flag its second Saturday because Saturdays have few rows; the first it does, and a worse one', async () => {
    const isWeekend = (at: Date) => at.getUTCDay() % 6 === 0
    // Only weekdays yet: their weekends begin with this one.
    await record(weeks((at) => (isWeekend(at) ? null : 50_000 + at.getUTCDate() * 10)))
    await makeRule()
    expect(await run(10_000, SATURDAY)).toHaveLength(1)
    await record([1, 2, 3, 4].map((day) => ({ at: SATURDAY + (day + 1) * DAY, rows: 50_000 })))
    expect(await run(9_800, SATURDAY + 7 * DAY)).toEqual([])
    expect(await run(11_000, SATURDAY + 7 * DAY + 1000)).toEqual([])
    expect(await run(2_000, SATURDAY + 7 * DAY + 2000)).toHaveLength(1)
    expect(await run(0, SATURDAY + 7 * DAY + 3000)).toHaveLength(1)
    // A Wednesday with the rows of a Saturday.
    expect(await run(10_000, SATURDAY + 4 * DAY + 4000)).toHaveLength(1)
  })

  it('is one for five weeks, and never by a short lookback: then an anomaly excuses no other', async () => {
    const hours = (days: number) =>
      Array.from({ length: days * 24 }, (_, index) => ({ at: NOW - (index + 1) * 3_600_000, rows: 1_000 + (index % 9) }))
    await record(hours(9))
    await makeRule({ lookback_days: 4, minimum_executions: 20 })
    expect(await run(300)).toHaveLength(1)
    await record(hours(6).map(({ at, rows }) => ({ at: at + 7 * DAY - 3_600_000, rows })))
    expect(await run(300, NOW + 7 * DAY)).toHaveLength(1)
  })

  it('flags a Saturday without rows, though the one before had none either', async () => {
    // The Saturday before that has no run.
    await record(weeks((at) => (at.getUTCDay() !== 6 ? 50_000 + at.getUTCDate() * 10 : at.getTime() > NOW - 7 * DAY ? 0 : null)))
    await makeRule()
    expect(await run(0, SATURDAY)).toHaveLength(1)
  })
})

describe('a new level', () => {
  const shift = async (fields: Record<string, unknown> = {}) => {
    await record(daily(30, (ago) => 1_000 + (ago % 5)))
    const id = await makeRule({ season: 'none', ...fields })
    const found = []
    for (let day = 0; day < 5; day += 1) found.push((await run(3_000 + day, NOW + day * DAY))[0])
    return { id, found }
  }

  it('is said after five flags on one side, accepted by a person once, and then normal', async () => {
    const { id, found } = await shift()
    expect(found.map((result) => result?.context.new_level_since ?? null)).toEqual([null, null, null, null, '2026-03-10T06:30:00.000Z'])
    const open = async () => (await get(`/incident?pipeline_id=${pipeline_id}&state=open`)).body
    expect(await open()).toMatchObject([
      { kind: 'anomaly', occurrences: 5, summary: expect.stringContaining('A new level since 2026-03-10 06:30 UTC') },
    ])
    const accepted = await post(`/anomaly_detection_rule/${id}/accept_level`)
    expect([accepted.status, accepted.body]).toEqual([200, { baseline_from: '2026-03-10T06:30:00.000000Z', withdrawn: 5 }])
    expect(await open()).toEqual([])
    expectError(await post(`/anomaly_detection_rule/${id}/accept_level`), 409, 'level_not_new')
    expectError(await post('/anomaly_detection_rule/99999/accept_level'), 404, 'anomaly_detection_rule_not_found')
    for (let day = 5; day < 16; day += 1) expect(await run(3_000 + day, NOW + day * DAY)).toEqual([])
    expect(await run(1_000, NOW + 16 * DAY)).toHaveLength(1)
  })

  it('is no new level while a normal run or the other side is between', async () => {
    await record(daily(30, (ago) => 1_000 + (ago % 5)))
    const id = await makeRule({ season: 'none' })
    for (const [day, rows] of [3_000, 3_000, 1_001, 3_000, 3_000, 0, 3_000].entries()) await run(rows, NOW + day * DAY)
    expectError(await post(`/anomaly_detection_rule/${id}/accept_level`), 409, 'level_not_new')
  })

  it('is accepted by itself if the rule says so', async () => {
    const { id } = await shift({ accept_level_after: 5 })
    expect((await get(`/anomaly_detection_rule/${id}`)).body.baseline_from).toBe('2026-03-10T06:30:00.000000Z')
    expect((await get(`/anomaly_detection_result?rule_id=${id}`)).body).toEqual([])
    expect((await get(`/incident?pipeline_id=${pipeline_id}`)).body).toMatchObject([{ state: 'resolved' }])
  })
})

describe('POST /anomaly_detection_rule/preview', () => {
  it.each(['zscore', 'robust'] as const)('says what detection finds, run by run, by %s', async (method) => {
    const random = seededBy(`preview ${method}`)
    const runs = Array.from({ length: 400 }, (_, index) => {
      const usual = 10_000 * (0.9 + 0.2 * random())
      return { at: NOW - (400 - index) * 6 * 3_600_000, rows: Math.floor(random() < 0.04 ? usual * 4 : random() < 0.03 ? 0 : usual) }
    })
    await record(runs)
    const id = await makeRule({ method })
    const executions = await sql('select id::int as id from pipeline_execution where pipeline_id = $1 order by end_date, id', [pipeline_id])
    for (const { id: execution } of executions.slice(200))
      await post(`/anomaly_detection/detect/${pipeline_id}?pipeline_execution_id=${execution}`)
    const live = (await get(`/anomaly_detection_result?rule_id=${id}&limit=1000`)).body.map(
      (found: { pipeline_execution_id: number }) => found.pipeline_execution_id,
    )
    const { status, body } = await post('/anomaly_detection_rule/preview', { id, days: 90 })
    expect(status).toBe(200)
    const firstJudged = executions[200]?.id
    const previewed = body.flagged.filter((found: { pipeline_execution_id: number }) => found.pipeline_execution_id >= firstJudged)
    // Detection began with the 201st run: the preview also judged the ones before, and left its flags among them out.
    const early = body.flagged.length - previewed.length
    expect(live.length).toBeGreaterThan(5)
    const differing = live.filter(
      (run: number) => !previewed.some((found: { pipeline_execution_id: number }) => found.pipeline_execution_id === run),
    )
    expect(differing.length).toBeLessThanOrEqual(early)
    expect(body).toMatchObject({ flagged_by_present: live.length, rate: body.flagged.length / body.runs })
  })

  it('tries changes and rules that are not there, and writes nothing', async () => {
    await record(daily(40, (ago) => (ago === 5 ? 3_000 : 1_000 + (ago % 5) * 20)))
    const tried = (
      await post('/anomaly_detection_rule/preview', { pipeline_id, metric_field: 'total_rows', method: 'robust', season: 'none' })
    ).body
    expect(tried).toMatchObject({ runs: 30, flagged: [{ value: 3_000 }], flagged_by_present: null })
    expect(tried.flagged[0].explanation).toMatch(/^3,000 rows; earlier runs have/)
    const id = await makeRule({ season: 'none' })
    expect((await post('/anomaly_detection_rule/preview', { id, max_value: 1_050 })).body.flagged.length).toBeGreaterThan(10)
    expect((await get(`/anomaly_detection_rule/${id}`)).body.max_value).toBeNull()
    expectError(await post('/anomaly_detection_rule/preview', { id: 99_999 }), 404, 'anomaly_detection_rule_not_found')
    expectError(await post('/anomaly_detection_rule/preview', { pipeline_id: 99_999, metric_field: 'inserts' }), 404, 'pipeline_not_found')
    expectError(await post('/anomaly_detection_rule/preview', { metric_field: 'inserts' }), 422, 'validation_failed', ['body', 'id'])
    expectError(await post('/anomaly_detection_rule/preview', { id, days: 91 }), 422, 'validation_failed', ['body', 'days'])
  })
})

describe('the page of the pipeline', () => {
  it('draws a band by hour and weekday also where a point stands for many runs', async () => {
    const isWeekend = (at: number) => new Date(at).getUTCDay() % 6 === 0
    const runs = Array.from({ length: 80 * 96 }, (_, index) => NOW - (index + 1) * 900_000)
    await record(runs.map((at, index) => ({ at, rows: (isWeekend(at) ? 1_000 : 50_000) + 10 * (index % 9) })))
    await makeRule({ lookback_days: 10 })
    const { body } = await call('GET', `/pipelines/${pipeline_id}?metric=total_rows&days=30`, undefined, { accept: 'text/html' })
    const { points } = JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/s.exec(body)?.[1] ?? '') as {
      points: { start_date: string; runs: number; value: number; lower: number; upper: number }[]
    }
    expect(points.length).toBeGreaterThan(300)
    expect(points[9]?.runs).toBe(8)
    for (const { start_date, value, lower, upper } of points.slice(1)) {
      expect([start_date, value >= lower && value <= upper]).toEqual([start_date, true])
      expect([start_date, upper < 10_000]).toEqual([start_date, isWeekend(Date.parse(start_date))])
    }
  })

  it('draws the band of the rule by which runs are judged, and says in words what is unusual', async () => {
    await record(daily(60, (ago) => (new Date(NOW - ago * DAY).getUTCDay() % 6 === 0 ? 1_000 : 50_000) + ago * 10))
    const rule_id = await makeRule()
    const [found] = await run(1_100)
    const { body } = await call('GET', `/pipelines/${pipeline_id}?metric=total_rows&days=30`, undefined, { accept: 'text/html' })
    const { points } = JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/s.exec(body)?.[1] ?? '') as {
      points: { value: number; lower: number; upper: number; flags: number }[]
    }
    const last = points.at(-1)
    expect([last?.flags, last?.lower, last?.upper]).toEqual([1, found?.context.lower_threshold, found?.context.upper_threshold])
    // A Sunday has another band than a Tuesday.
    expect(points.filter(({ value }) => value < 2_000).at(-2)?.upper).toBeLessThan(5_000)
    expect(body).toContain('within 3 × the usual spread around the median of the same hour and weekday')
    const [flag] = (await get(`/anomaly_detection_result?rule_id=${rule_id}`)).body
    const page = (
      await call('GET', `/pipelines/${pipeline_id}?execution=${flag.pipeline_execution_id}`, undefined, { accept: 'text/html' })
    ).body
    expect(page).toContain('1,100 rows; Tuesdays at 06:00 have')
  })
})
