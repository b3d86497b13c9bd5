import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countOf, get, makePipeline, patch, post, race, readPipeline, sql, unique } from '../support/api.ts'
import { type Background, deliverJob, drain, jobsOf, openBackground, recordRun, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
})
afterEach(() => {
  vi.useRealTimers()
})

const check = async () => {
  expect(await background.post('/freshness')).toMatchObject({ status: 200, body: { status: 'queued' } })
  await drain(background)
}

const oneHour = { freshness_number: 1, freshness_datepart: 'hour' }
const logged = async () => (await get('/freshness_log')).body
const loggedPipelines = async () => (await logged()).map((row: { pipeline_id: number }) => row.pipeline_id)
const inserted = { inserts: 5 }

describe('POST /freshness', () => {
  it('logs and alerts pipelines whose last change is older than their threshold', async () => {
    setClock('2025-01-09T20:30:45Z')
    const type = unique('type')
    await post('/pipeline_type', { name: type, freshness_number: 2, freshness_datepart: 'hour' })
    const own = await makePipeline({ name: 'stock-price-worker', ...oneHour })
    const child = await makePipeline({ name: 'user-analytics-pipeline', pipeline_type_name: type })
    const fresh = await makePipeline(oneHour)
    await recordRun(background, own, 70, 61, inserted)
    await recordRun(background, own, 300, 250, { updates: 1 })
    await recordRun(background, child, 200, 121, { soft_deletes: 1 })
    await recordRun(background, fresh, 200, 59, { updates: 1 })
    await check()
    expect(await logged()).toEqual([
      {
        id: expect.any(Number),
        pipeline_id: own,
        last_dml_timestamp: '2025-01-09T19:29:45.000000Z',
        evaluation_timestamp: '2025-01-09T20:30:45.000000Z',
        freshness_number: 1,
        freshness_datepart: 'hour',
        used_child_config: true,
        created_at: '2025-01-09T20:30:45.000000Z',
      },
      expect.objectContaining({ pipeline_id: child, last_dml_timestamp: '2025-01-09T18:29:45.000000Z', used_child_config: false }),
    ])
    expect(await background.slack.messages()).toEqual([
      `⚠️ WARNING
Timestamp: 2025-01-09 20:30:45 UTC
Message: Pipeline Freshness Check Failed - 2 pipeline(s) overdue

Details:
• Failed Pipelines:
  • stock-price-worker (ID: ${own}): Last DML 2025-01-09 19:29:45, Expected within 1 hour
  • user-analytics-pipeline (ID: ${child}): Last DML 2025-01-09 18:29:45, Expected within 2 hours`,
    ])
    expect((await get(`/freshness_log?pipeline_id=${child}`)).body).toHaveLength(1)
    expect(await readPipeline(own)).not.toHaveProperty('freshness_logged_for')
  })

  it('takes the latest insert, update or delete for the last change', async () => {
    const changes = [{ inserts: 1 }, { updates: 1 }, { soft_deletes: 1 }]
    const stale: number[] = []
    for (const change of changes) {
      const pipeline_id = await makePipeline(oneHour)
      await recordRun(background, pipeline_id, 200, 100, change)
      stale.push(pipeline_id)
      for (const later of changes.filter((other) => other !== change)) {
        const fresh = await makePipeline(oneHour)
        await recordRun(background, fresh, 200, 100, change)
        await recordRun(background, fresh, 50, 40, later)
      }
    }
    await check()
    expect(await loggedPipelines()).toEqual(stale)
  })

  it('alerts once while a pipeline stays stale, and logs each last change that gets too old', async () => {
    const pipeline_id = await makePipeline(oneHour)
    await recordRun(background, pipeline_id, 300, 200, inserted)
    await check()
    await check()
    expect(await background.slack.messages()).toHaveLength(1)
    await recordRun(background, pipeline_id, 100, 90, inserted)
    await check()
    expect(await background.slack.messages()).toHaveLength(1)
    expect(await loggedPipelines()).toEqual([pipeline_id, pipeline_id])
  })

  it('does not alert again after cleanup deletes the log', async () => {
    setClock('2025-01-01T00:00:00Z')
    const pipeline_id = await makePipeline(oneHour)
    await recordRun(background, pipeline_id, 300, 200, inserted)
    await check()
    setClock('2025-06-01T00:00:00Z')
    const { body } = await post('/log_cleanup', { retention_days: 90 })
    expect(body.total_freshness_pipeline_logs_deleted).toBe(1)
    await check()
    expect(await loggedPipelines()).toEqual([])
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('skips pipelines that are muted (or their type is), inactive, without a threshold, or without a change', async () => {
    const muted = unique('muted')
    await post('/pipeline_type', { name: muted, mute_freshness_check: true, ...oneHour })
    const skipped = [
      await makePipeline({ ...oneHour, mute_freshness_check: true }),
      await makePipeline({ ...oneHour, pipeline_type_name: muted }),
      await makePipeline(oneHour),
      await makePipeline({}),
      await makePipeline({ freshness_number: 1, freshness_datepart: 'week' }),
    ]
    await patch('/pipeline', { id: skipped[2], active: false })
    const unchanged = await makePipeline(oneHour)
    const stale = await makePipeline(oneHour)
    for (const id of [...skipped, stale]) await recordRun(background, id, 300, 200, inserted)
    await recordRun(background, unchanged, 300, 200, { total_rows: 5, inserts: 0 })
    await check()
    expect(await loggedPipelines()).toEqual([stale])
  })

  it.each([
    ['month', 1, '2025-01-31T10:00:00Z', '2025-02-28T10:00:00Z'],
    ['year', 1, '2024-02-29T00:00:00Z', '2025-02-28T00:00:00Z'],
    ['day', 1, '2024-02-28T12:00:00Z', '2024-02-29T12:00:00Z'],
    ['week', 1, '2024-12-28T00:00:00Z', '2025-01-04T00:00:00Z'],
    ['minute', 15, '2025-01-01T00:00:00Z', '2025-01-01T00:15:00Z'],
  ])('a threshold in %ss (%i) after a change at %s ends at %s', async (datepart, number, change, deadline) => {
    const pipeline_id = await makePipeline({ freshness_number: number, freshness_datepart: datepart })
    const { body } = await post('/start_pipeline_execution', { pipeline_id, start_date: change })
    await post('/end_pipeline_execution', { id: body.id, end_date: change, inserts: 1 })
    setClock(deadline)
    await check()
    expect(await loggedPipelines()).toEqual([])
    setClock(new Date(Date.parse(deadline) + 1))
    await check()
    expect(await loggedPipelines()).toEqual([pipeline_id])
  })

  it('two checks at the same time log and alert each pipeline once', async () => {
    for (let index = 0; index < 25; index += 1) await recordRun(background, await makePipeline(oneHour), 300, 200, inserted)
    await Promise.all(Array.from({ length: 4 }, () => background.post('/freshness')))
    await Promise.all(background.queue.take().map(({ body }) => deliverJob(background, body.id)))
    await drain(background)
    expect(await countOf('freshness_pipeline_log')).toBe(25)
    const counts = (await background.slack.messages()).map((text) => Number(text.match(/- (\d+) pipeline/)?.[1]))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(25)
  })

  it('two checks that insert the same log row at the same time both succeed, and alert once', async () => {
    const pipeline_id = await makePipeline(oneHour)
    await recordRun(background, pipeline_id, 300, 200, inserted)
    await background.post('/freshness')
    await background.post('/freshness')
    const checks = background.queue.take()
    const written = await race('insert', 'freshness_pipeline_log', 2, () =>
      Promise.all(checks.map(({ body }) => deliverJob(background, body.id))),
    )
    const succeeded = { state: 'succeeded', attempts: 1, error: null }
    expect(await jobsOf('check_freshness')).toMatchObject([succeeded, succeeded])
    expect(written).toBe(1)
    expect(await loggedPipelines()).toEqual([pipeline_id])
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('sends a name with Slack markup as plain text', async () => {
    const pipeline_id = await makePipeline({ name: '<!channel> & <https://x|y>', ...oneHour })
    await recordRun(background, pipeline_id, 300, 200, inserted)
    await check()
    expect((await background.slack.messages())[0]).toContain('• &lt;!channel&gt; &amp; &lt;https://x|y&gt; (ID:')
  })
})
