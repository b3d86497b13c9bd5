import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { countRoundTrips, get, makePipeline, patch, post, sql } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, openBackground, recordRun, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
  setClock('2025-01-09T20:30:45Z')
})
afterEach(() => {
  vi.useRealTimers()
})

/** The samples by name and labels. */
const scrape = async (): Promise<Record<string, number>> => {
  const { body } = await get('/metrics')
  const samples = String(body)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

describe('GET /metrics', () => {
  it("answers Prometheus' text format: each name with its help and type, each sample once", async () => {
    const reply = await get('/metrics')
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const text = String(reply.body)
    expect(text.endsWith('\n')).toBe(true)
    const lines = text.trimEnd().split('\n')
    const names = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
    expect(new Set(names).size).toBe(names.length)
    for (const line of lines)
      expect(line).toMatch(
        /^(# (HELP|TYPE) watcher_\w+ \S.*|watcher_\w+(\{\w+="[^"\\\\]+"(,\w+="[^"\\\\]+")*\})? -?\d+(\.\d+)?(e[+-]\d+)?)$/,
      )
    const samples = lines.filter((line) => !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(samples).size).toBe(samples.length)
    for (const sample of samples) expect(names).toContain(sample.replace(/\{.*/, ''))
  })

  it('counts running executions, outcomes, open findings and jobs', async () => {
    const pipeline_id = await makePipeline({
      timeliness_number: 10,
      timeliness_datepart: 'minute',
      freshness_number: 1,
      freshness_datepart: 'hour',
      owner: 'team finance',
    })
    await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })
    await recordRun(background, pipeline_id, 130, 120, { inserts: 1 })
    await recordRun(background, pipeline_id, 140, 130, { completed_successfully: false })
    await recordRun(background, pipeline_id, 60, null)
    await recordRun(background, pipeline_id, 5, null)
    for (const hoursAgo of [21, 40, 50]) await recordRun(background, pipeline_id, hoursAgo * 60, hoursAgo * 60 - 10)
    await background.post('/timeliness')
    await drain(background)
    await background.post('/freshness')
    await drain(background)
    await sql(`insert into job (kind, payload, state) values ('send_alert', '{}', 'failed')`)
    await sql(
      `insert into job (kind, payload, created_at, due_at) values ('clean_logs', '{}', '2025-01-09T20:28:45Z', '2025-01-09T20:28:45Z')`,
    )
    advanceClock(11)
    expect(await scrape()).toMatchObject({
      watcher_pipelines: 1,
      watcher_executions_running: 2,
      'watcher_executions_ended{outcome="succeeded",day="today"}': 1,
      'watcher_executions_ended{outcome="failed",day="today"}': 1,
      'watcher_executions_ended{outcome="succeeded",day="yesterday"}': 2,
      'watcher_executions_ended{outcome="failed",day="yesterday"}': 0,
      'watcher_findings_open{check="timeliness"}': 1,
      'watcher_findings_open{check="freshness"}': 1,
      'watcher_findings_open{check="anomaly"}': 0,
      'watcher_incidents_open{kind="late",severity="warning"}': 0,
      'watcher_incidents_open{kind="late",severity="warning",owner="team finance"}': 1,
      'watcher_jobs{kind="detect_anomalies",state="succeeded"}': 4,
      'watcher_jobs{kind="notify",state="succeeded"}': 2,
      // The stale pipeline is folded under its late run.
      'watcher_jobs{kind="send_alert",state="succeeded"}': 1,
      'watcher_jobs{kind="send_alert",state="failed"}': 1,
      'watcher_jobs{kind="clean_logs",state="waiting"}': 1,
      'watcher_jobs_oldest_waiting_seconds{kind="clean_logs"}': 131,
      'watcher_jobs_oldest_waiting_seconds{kind="send_alert"}': 0,
    })
  })

  it('counts no findings that a person has muted, or of a pipeline that is inactive, as the overview does', async () => {
    advanceClock(100)
    const thresholds = { timeliness_number: 10, timeliness_datepart: 'minute', freshness_number: 1, freshness_datepart: 'hour' }
    const [muted, inactive] = [await makePipeline(thresholds), await makePipeline(thresholds)]
    for (const pipeline_id of [muted, inactive]) {
      await recordRun(background, pipeline_id, 130, 120, { inserts: 1 })
      await recordRun(background, pipeline_id, 60, null)
    }
    await background.post('/timeliness')
    await background.post('/freshness')
    await drain(background)
    expect(await scrape()).toMatchObject({ 'watcher_findings_open{check="timeliness"}': 2, 'watcher_findings_open{check="freshness"}': 2 })
    await patch('/pipeline', { id: muted, mute_freshness_check: true })
    await patch('/pipeline', { id: inactive, active: false })
    advanceClock(11)
    expect(await scrape()).toMatchObject({ 'watcher_findings_open{check="timeliness"}': 1, 'watcher_findings_open{check="freshness"}': 0 })
  })

  it('asks the database at most once in ten seconds', async () => {
    advanceClock(1000)
    await get('/metrics')
    const before = await countRoundTrips()
    for (let scrapes = 0; scrapes < 5; scrapes += 1) await get('/metrics')
    expect(await countRoundTrips()).toBe(before)
    advanceClock(10)
    await get('/metrics')
    expect(await countRoundTrips()).toBe(before + 1)
  })
})

describe('GET /metrics?pipelines=true', () => {
  it('adds the latest runs of each active pipeline, as a sweep keeps them', async () => {
    const id = await makePipeline({ name: 'orders "1"', schedule_cron: '0 * * * *' })
    const idle = await makePipeline({ name: 'idle' })
    const gone = await makePipeline({ name: 'gone' })
    await patch('/pipeline', { id: gone, active: false })
    for (const minutes of [50, 40, 30]) await recordRun(background, id, minutes, minutes - 3)
    await recordRun(background, id, 20, 10, { completed_successfully: false })
    await recordRun(background, id, 5, null)
    await fireCron(background, CRONS.quarterHourly, new Date('2025-01-09T20:45:00Z'))
    await drain(background)
    const lines = String((await get('/metrics?pipelines=true')).body)
      .split('\n')
      .filter((line) => line.startsWith('watcher_pipeline_'))
    const of = `{pipeline="orders \\"1\\"",pipeline_id="${id}"}`
    const at = (instant: string) => Date.parse(instant) / 1000
    expect(lines).toEqual([
      `watcher_pipeline_last_start_timestamp_seconds${of} ${at('2025-01-09T20:25:45Z')}`,
      `watcher_pipeline_last_success_timestamp_seconds${of} ${at('2025-01-09T20:03:45Z')}`,
      `watcher_pipeline_last_run_succeeded${of} 0`,
      `watcher_pipeline_typical_duration_seconds${of} 180`,
      `watcher_pipeline_next_start_timestamp_seconds${of} ${at('2025-01-09T21:00:00Z')}`,
    ])
    expect(String((await get('/metrics')).body)).not.toContain('watcher_pipeline_last')
    expect(idle).toBeGreaterThan(0)
    // The next sweep reads what has run since.
    const { body } = await get(`/pipeline_execution?pipeline_id=${id}`)
    await post('/end_pipeline_execution', { id: body.at(-1).id })
    await fireCron(background, CRONS.quarterHourly, new Date('2025-01-09T21:00:00Z'))
    await drain(background)
    advanceClock(11) // an answer is kept for ten seconds
    expect(String((await get('/metrics?pipelines=true')).body)).toContain(`watcher_pipeline_last_run_succeeded${of} 1`)
  })

  it('knows a run that is reported after one that began later', async () => {
    setClock('2025-01-10T20:30:45Z')
    const id = await makePipeline({ name: 'late reports' })
    const sweep = async (minute: string) => {
      await fireCron(background, CRONS.quarterHourly, new Date(`2025-01-10T${minute}:00Z`))
      await drain(background)
      advanceClock(11)
    }
    await recordRun(background, id, 20, 10, { completed_successfully: false })
    await sweep('20:45')
    const succeeded = async () =>
      /watcher_pipeline_last_run_succeeded\{pipeline="late reports".*\} (\d)/.exec(String((await get('/metrics?pipelines=true')).body))?.[1]
    expect(await succeeded()).toBe('0')
    await recordRun(background, id, 30, 5)
    await sweep('21:00')
    expect(await succeeded()).toBe('1')
  })
})
