import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { countOf, expectError, get, makePipeline, patch, post, race, sql, unique } from '../support/api.ts'
import { type Background, deliverJob, drain, fireCron, jobsOf, openBackground, recordRun, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
})
afterEach(() => {
  vi.useRealTimers()
})

/** Queues a check, and runs it and the jobs that it records. */
const check = async (body?: unknown) => {
  expect(await background.post('/timeliness', body)).toMatchObject({ status: 200, body: { status: 'queued' } })
  await drain(background)
}

const tenMinutes = { timeliness_number: 10, timeliness_datepart: 'minute' }
const logged = async () => (await get('/timeliness_log')).body
const loggedIds = async () => (await logged()).map((row: { pipeline_execution_id: number }) => row.pipeline_execution_id)

describe('POST /timeliness', () => {
  it('logs and alerts runs that take, or took, longer than their threshold', async () => {
    setClock('2025-01-09T20:30:45.123Z')
    const late = await makePipeline(tenMinutes)
    const type = unique('type')
    await post('/pipeline_type', { name: type, timeliness_number: 1, timeliness_datepart: 'hour' })
    const child = await makePipeline({ pipeline_type_name: type })
    const running = await recordRun(background, late, 11, null)
    const completed = await recordRun(background, child, 100, 30)
    await recordRun(background, late, 9, null) // it runs and is not late
    await recordRun(background, late, 40, 31) // it ended and was not late
    const failed = await recordRun(background, late, 50, 20, { completed_successfully: false })
    await check()
    const rows = await logged()
    expect(rows).toEqual([
      {
        id: expect.any(Number),
        pipeline_execution_id: running,
        pipeline_id: late,
        duration_seconds: 660,
        seconds_threshold: 600,
        execution_status: 'running',
        timely_number: 10,
        timely_datepart: 'minute',
        used_child_config: true,
        created_at: '2025-01-09T20:30:45.123000Z',
      },
      {
        id: expect.any(Number),
        pipeline_execution_id: completed,
        pipeline_id: child,
        duration_seconds: 4200,
        seconds_threshold: 3600,
        execution_status: 'completed',
        timely_number: 1,
        timely_datepart: 'hour',
        used_child_config: false,
        created_at: '2025-01-09T20:30:45.123000Z',
      },
    ])
    expect(await loggedIds()).not.toContain(failed)
    expect((await background.slack.messages()).filter((message) => message.includes('Timeliness'))).toEqual([
      `⚠️ WARNING
Timestamp: 2025-01-09 20:30:45 UTC
Message: Pipeline Execution Timeliness Check Failed - 2 execution(s) overdue

Details:
• Failed Executions:
  • Pipeline Execution ID: ${running} (Pipeline ID: ${late}): 660 seconds (running), Expected within 10 minutes (child config)
  • Pipeline Execution ID: ${completed} (Pipeline ID: ${child}): 4200 seconds (completed), Expected within 1 hour (parent config)`,
    ])
    expect((await get(`/timeliness_log?pipeline_id=${child}`)).body).toHaveLength(1)
  })

  it('alerts nothing at the second check, and only new late runs at the third', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    const first = await recordRun(background, pipeline_id, 30, null)
    await check()
    await check()
    expect(await background.slack.messages()).toHaveLength(1)
    expect(await jobsOf('send_alert')).toHaveLength(1)
    await background.post('/end_pipeline_execution', { id: first }) // it was logged while it ran, and is not logged again
    // People are told that it is over: else the next one would only go on with what they know.
    await drain(background)
    const second = await recordRun(background, pipeline_id, 20, null)
    await check()
    expect(await loggedIds()).toEqual([first, second])
    // The job that a late start asks for may come between.
    await vi.waitFor(
      async () => {
        await drain(background)
        const message = (await background.slack.messages()).at(-1)
        expect(message).toContain('1 execution(s) overdue')
        expect(message).toContain(`ID: ${second} `)
      },
      { timeout: 10_000, interval: 500 },
    )
  })

  it('skips pipelines that are muted (or their type is), inactive, or without a threshold', async () => {
    const mutedType = unique('muted')
    await post('/pipeline_type', { name: mutedType, mute_timeliness_check: true, ...tenMinutes })
    const ruled = unique('ruled')
    await post('/pipeline_type', { name: ruled, ...tenMinutes })
    const skipped = [
      await makePipeline({ ...tenMinutes, mute_timeliness_check: true }),
      await makePipeline({ ...tenMinutes, pipeline_type_name: mutedType }),
      await makePipeline({ ...tenMinutes }),
      await makePipeline({}),
      await makePipeline({ pipeline_type_name: ruled, timeliness_number: 1, timeliness_datepart: 'day' }), // its own threshold comes first
      await makePipeline({ pipeline_type_name: ruled, timeliness_number: 300, timeliness_datepart: 'minute' }),
    ]
    await patch('/pipeline', { id: skipped[2], active: false })
    const found = await makePipeline({ pipeline_type_name: ruled })
    for (const id of skipped) await recordRun(background, id, 120, null)
    const late = await recordRun(background, found, 120, null)
    await check()
    expect(await loggedIds()).toEqual([late])
  })

  it('checks runs that ended within the lookback, and all running runs of any age', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    const hanging = await recordRun(background, pipeline_id, 8 * 24 * 60, null)
    const before = await recordRun(background, pipeline_id, 200, 91)
    const within = await recordRun(background, pipeline_id, 200, 89)
    await check({ lookback_minutes: 90 })
    expect(await loggedIds()).toEqual([hanging, within])
    expect(await loggedIds()).not.toContain(before)
  })

  it('checks a run that ended exactly at the start of the lookback', async () => {
    setClock('2025-01-09T20:30:45Z')
    const pipeline_id = await makePipeline(tenMinutes)
    const edge = await recordRun(background, pipeline_id, 200, 90)
    await check({ lookback_minutes: 90 })
    expect(await loggedIds()).toEqual([edge])
  })

  it('leaves no gap after a skipped check: it looks back to the last check', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    setClock('2025-03-01T00:00:00Z')
    await check()
    setClock('2025-03-01T02:00:00Z')
    const unseen = await recordRun(background, pipeline_id, 119, 80)
    setClock('2025-03-01T05:00:00Z')
    await check({ lookback_minutes: 5 })
    expect(await loggedIds()).toEqual([unseen])
  })

  it('finds a run whose end is reported after a check has passed its end_date', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    setClock('2025-03-01T00:00:00Z')
    await check()
    setClock('2025-03-01T00:01:00Z')
    const reportedLate = await recordRun(background, pipeline_id, 120, 6)
    setClock('2025-03-01T01:00:00Z')
    await check({ lookback_minutes: 5 })
    expect(await loggedIds()).toEqual([reportedLate])
  })

  it.each([
    // At the deadline a run is not late; one microsecond later it is.
    ['minute', 5, '2025-01-09T20:30:45.123456Z', '2025-01-09T20:35:45.123456Z'],
    ['hour', 2, '2025-01-09T23:30:00Z', '2025-01-10T01:30:00Z'],
    ['day', 1, '2024-02-28T12:00:00Z', '2024-02-29T12:00:00Z'],
    ['day', 1, '2025-02-28T12:00:00Z', '2025-03-01T12:00:00Z'],
    ['week', 2, '2024-12-25T00:00:00Z', '2025-01-08T00:00:00Z'],
    ['month', 1, '2025-01-31T10:00:00Z', '2025-02-28T10:00:00Z'],
    ['month', 1, '2024-01-31T10:00:00Z', '2024-02-29T10:00:00Z'],
    ['month', 13, '2023-12-31T10:00:00Z', '2025-01-31T10:00:00Z'],
    ['year', 1, '2024-02-29T00:00:00Z', '2025-02-28T00:00:00Z'],
    ['year', 1, '2024-12-31T23:59:59Z', '2025-12-31T23:59:59Z'],
  ])('a threshold in %ss (%i) from %s ends at %s', async (datepart, number, start_date, deadline) => {
    const pipeline_id = await makePipeline({ timeliness_number: number, timeliness_datepart: datepart })
    const start = async (end_date: string) => {
      const { body } = await post('/start_pipeline_execution', { pipeline_id, start_date })
      await post('/end_pipeline_execution', { id: body.id, end_date })
      return body.id
    }
    const instant = deadline.includes('.') ? deadline : deadline.replace('Z', '.000000Z')
    await start(instant)
    const late = await start(instant.replace(/(\d)Z$/, (_, digit: string) => `${Number(digit) + 1}Z`))
    setClock(new Date(Date.parse(deadline) + 60_000))
    await check()
    const rows = await logged()
    expect(rows.map((row: { pipeline_execution_id: number }) => row.pipeline_execution_id)).toEqual([late])
    expect(rows[0].seconds_threshold).toBe((Date.parse(deadline) - Date.parse(start_date)) / 1000)
  })

  it('two checks at the same time log and alert each execution once', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    for (let run = 0; run < 30; run += 1) await recordRun(background, pipeline_id, 60 + run, null)
    await Promise.all(Array.from({ length: 4 }, () => background.post('/timeliness')))
    const checks = background.queue.take()
    await Promise.all(checks.map(({ body }) => deliverJob(background, body.id)))
    await drain(background)
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(30)
    const counts = (await background.slack.messages()).map((text) => Number(text.match(/- (\d+) execution/)?.[1]))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30)
  })

  it('two checks that insert the same log row at the same time both succeed, and alert once', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    const late = await recordRun(background, pipeline_id, 60, null)
    await background.post('/timeliness')
    await background.post('/timeliness')
    const checks = background.queue.take()
    const written = await race('insert', 'timeliness_pipeline_execution_log', 2, () =>
      Promise.all(checks.map(({ body }) => deliverJob(background, body.id))),
    )
    const succeeded = { state: 'succeeded', attempts: 1, error: null }
    expect(await jobsOf('check_timeliness')).toMatchObject([succeeded, succeeded])
    expect(written).toBe(1)
    expect(await loggedIds()).toEqual([late])
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(1)
  })

  it('continues in another job if it finds more late runs than one statement logs', async () => {
    const pipeline_id = await makePipeline(tenMinutes)
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date) select ${pipeline_id}, now() - interval '1 hour' from generate_series(1, 5000)`,
    )
    // The other runs have ended, within the requested lookback.
    await sql(`insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully)
      select ${pipeline_id}, now() - interval '5 hours', now() - interval '4 hours', true from generate_series(1, 2000)`)
    await check({ lookback_minutes: 300 })
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(7000)
    const counts = (await background.slack.messages()).map((text) => Number(text.match(/- (\d+) execution/)?.[1]))
    expect(counts).toEqual([5000])
    expect((await get('/incident')).body).toMatchObject([{ kind: 'late', occurrences: 7000 }])
  })

  it('refuses a lookback below five minutes', async () => {
    expectError(await post('/timeliness', { lookback_minutes: 4 }), 422, 'validation_failed', ['body', 'lookback_minutes'])
    expectError(await post('/timeliness', { lookback_minutes: 'x' }), 422, 'validation_failed', ['body', 'lookback_minutes'])
    expect(await countOf('job')).toBe(0)
  })
})

describe('a deadline between two ticks', () => {
  const until = async (instant: string) => {
    setClock(instant)
    await drain(background)
  }
  const openLate = async () => (await get('/incident?kind=late')).body.map(({ pipeline_id }: { pipeline_id: number }) => pipeline_id)
  const deadlines = async () =>
    (await jobsOf('check_deadlines'))
      .filter(({ state }) => state === 'waiting')
      .map(({ due_at }) => new Date(due_at).toISOString().slice(11, 16))

  it('of a run that must end soon is noticed within a minute, by one job for all of that minute', async () => {
    setClock('2025-01-09T20:31:10Z')
    const [own, child] = [
      await makePipeline({ timeliness_number: 5, timeliness_datepart: 'minute' }),
      await makePipeline({ pipeline_type_name: 'brief' }),
    ]
    await patch('/pipeline_type', { name: 'brief', timeliness_number: 5, timeliness_datepart: 'minute' })
    const quick = await makePipeline({ timeliness_number: 5, timeliness_datepart: 'minute' })
    await sql('delete from job') // the look at deadlines that the settings asked for
    await Promise.all([recordRun(background, own, 0, null), recordRun(background, child, 0, null), recordRun(background, quick, 0, 0)])
    expect(await deadlines()).toEqual(['20:37'])
    await until('2025-01-09T20:36:59Z')
    expect(await openLate()).toEqual([])
    await until('2025-01-09T20:37:00Z')
    expect((await openLate()).sort()).toEqual([own, child].sort())
    expect(await background.slack.posts()).toBe(1)
  })

  it('is left to the tick if it comes later, or is muted; a start that is reported late may be late at once', async () => {
    setClock('2025-01-09T20:31:10Z')
    const brief = { timeliness_number: 5, timeliness_datepart: 'minute' }
    await recordRun(background, await makePipeline({ timeliness_number: 14, timeliness_datepart: 'minute' }), 0, null)
    await recordRun(background, await makePipeline({ ...brief, mute_timeliness_check: true }), 0, null)
    await recordRun(background, await makePipeline(brief), 2 * 1440, null) // a backfill
    expect(await deadlines()).toEqual([])
    await recordRun(background, await makePipeline(brief), 6, null)
    await recordRun(background, await makePipeline({ timeliness_number: 20, timeliness_datepart: 'minute' }), 12, null)
    expect(await deadlines()).toEqual(['20:32', '20:40'])
    await until('2025-01-09T20:32:00Z')
    expect(await openLate()).toHaveLength(2) // with the backfill: all late runs are looked at
    await until('2025-01-09T20:40:00Z')
    expect(await openLate()).toHaveLength(3)
    await fireCron(background, CRONS.quarterHourly, new Date('2025-01-09T20:45:00Z'))
    await until('2025-01-09T20:45:01Z')
    expect(await deadlines()).toEqual(['20:46']) // the tick looks ahead
    await until('2025-01-09T20:46:01Z')
    expect(await openLate()).toHaveLength(4)
  })

  it.each([
    ['POST /pipeline', async (name: string) => post('/pipeline', { name, pipeline_type_name: 'any', ...tenMinutes })],
    ['PATCH /pipeline', async (name: string) => patch('/pipeline', { name, ...tenMinutes })],
    ['POST /pipeline_type', async () => post('/pipeline_type', { name: 'any', ...tenMinutes })],
    ['PATCH /pipeline_type', async () => patch('/pipeline_type', { name: 'any', ...tenMinutes })],
  ])('that %s sets for a run that goes on is noticed', async (_, change) => {
    setClock('2025-01-09T20:31:10Z')
    const name = unique('pipeline')
    const { body } = await post('/pipeline', { name, pipeline_type_name: 'any' })
    await recordRun(background, body.id, 0, null)
    await recordRun(background, body.id, 20, null)
    expect(await jobsOf('check_deadlines')).toEqual([]) // it has no threshold yet
    expect((await change(name)).status).toBe(200)
    expect((await change(name)).status).toBe(200)
    expect(await deadlines()).toEqual(['20:32']) // the changes of a minute share a job
    setClock('2025-01-09T20:32:00Z')
    for (const { id } of await jobsOf('check_deadlines')) await deliverJob(background, id)
    await drain(background)
    expect(await openLate()).toEqual([body.id]) // the run that began 20 minutes ago
    expect(await deadlines()).toEqual(['20:42'])
  })
})
