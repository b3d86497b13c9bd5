import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cronFault, isNearClockChange, nextTimes, timezoneFault } from '../../src/core/cron.ts'
import { planCron } from '../../src/features/schedules/slots.ts'
import { suggestSchedule } from '../../src/features/schedules/suggest.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, countOf, expectError, makePipeline, slowInserts, sql } from '../support/api.ts'
import { type Background, deliver, drain, fireCron, openBackground, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job, incident, cron_tick restart identity cascade')
  setClock('2026-03-10T05:00:00Z')
})
afterEach(() => vi.useRealTimers())

const api = (method: string, path: string, body?: unknown) => call(method, path, body, {}, background.settings)
const read = async (query = '') => (await api('GET', `/incident${query}`)).body as Record<string, unknown>[]

/** Runs what is due, minute by minute, with the tick of each quarter of an hour, until the moment. */
const liveUntil = async (moment: string): Promise<void> => {
  const end = Date.parse(moment)
  while (Date.now() < end) {
    const next = Math.min(end, (Math.floor(Date.now() / 60_000) + 1) * 60_000)
    setClock(new Date(next))
    if (next % 900_000 === 0) await fireCron(background, CRONS.quarterHourly, new Date(next))
    await drain(background)
  }
}
/** A pipeline whose schedule the check has read. */
const schedule = async (fields: Record<string, unknown>): Promise<number> => {
  const { body } = await api('POST', '/pipeline', { name: `scheduled ${await countOf('pipeline')}`, pipeline_type_name: 'etl', ...fields })
  await drain(background)
  return body.id
}
const start = async (pipeline_id: number, start_date = new Date().toISOString()): Promise<number> =>
  (await api('POST', '/start_pipeline_execution', { pipeline_id, start_date })).body.id

describe('a scheduled run', () => {
  it('that does not start is missed when its grace is over, within a minute; the start of the next one ends it', async () => {
    const id = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10, owner: 'team-finance' })
    await liveUntil('2026-03-10T06:09:00Z')
    expect(await read()).toEqual([])
    await liveUntil('2026-03-10T06:11:00Z')
    expect(await read()).toMatchObject([
      {
        kind: 'missed',
        pipeline_id: id,
        state: 'open',
        opened_at: '2026-03-10T06:00:00.000000Z',
        detected_at: '2026-03-10T06:11:00.000000Z',
        summary: 'No run started for 2026-03-10 06:00 UTC (0 6 * * *, UTC): look at its scheduler',
      },
    ])
    expect((await background.slack.messages())[0]).toContain('Message: Pipeline Run Missed - 1 pipeline(s)')
    await liveUntil('2026-03-10T06:40:00Z')
    expect(await countOf('incident_event where kind = $1', ['occurred'])).toBe(0)
    const run = await start(id)
    await drain(background)
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto', resolved_at: '2026-03-10T06:40:00.000000Z' }])
    expect((await background.slack.messages())[1]).toContain(`Run ${run} has started`)
  })

  it.each([
    ['on time', '2026-03-10T06:00:00Z'],
    ['early', '2026-03-10T05:50:00Z'],
    ['within the grace', '2026-03-10T06:10:00Z'],
  ])('that starts %s is not missed', async (_when, at) => {
    const id = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await liveUntil(at)
    await start(id)
    await liveUntil('2026-03-10T06:30:00Z')
    expect(await read()).toEqual([])
  })

  it('is not covered by one that starts too early, or by a backfill; one that is reported late covers the time of its start', async () => {
    const id = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await start(id, '2026-03-10T05:49:00Z')
    await liveUntil('2026-03-10T06:11:00Z')
    await start(id, '2026-03-01T06:00:00Z')
    expect(await read()).toMatchObject([{ kind: 'missed', state: 'open' }])
    await start(id, '2026-03-10T06:02:00Z')
    expect(await read()).toMatchObject([{ state: 'resolved' }])
  })

  it('is one occurrence for each missed time', async () => {
    await schedule({ schedule_cron: '*/30 * * * *', schedule_grace_minutes: 5 })
    await liveUntil('2026-03-10T07:10:00Z')
    expect(await read()).toMatchObject([
      { occurrences: 4, opened_at: '2026-03-10T05:30:00.000000Z', summary: expect.stringContaining('07:00 UTC') },
    ])
    expect(await background.slack.posts()).toBe(1)
  })

  it('is expected from the moment that its schedule is set, changed or activated, never before', async () => {
    const id = await schedule({ schedule_cron: '0 4 * * *' })
    await liveUntil('2026-03-10T05:20:00Z')
    await api('PATCH', '/pipeline', { id, schedule_cron: '*/10 5 * * *', schedule_grace_minutes: 1 })
    await drain(background)
    await liveUntil('2026-03-10T05:25:00Z')
    expect(await read()).toEqual([]) // 05:20 was over
    await liveUntil('2026-03-10T05:33:00Z')
    expect(await read()).toMatchObject([{ opened_at: '2026-03-10T05:30:00.000000Z' }])
    await api('PATCH', '/pipeline', { id, schedule_grace_minutes: 2 })
    expect(await read()).toMatchObject([{ state: 'open' }])
    await api('PATCH', '/pipeline', { id, active: false })
    await liveUntil('2026-03-10T05:55:00Z')
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'muted', occurrences: 1 }])
    await api('PATCH', '/pipeline', { id, active: true, schedule_cron: '57 * * * *' })
    await liveUntil('2026-03-10T06:00:00Z')
    expect(await read('?state=open')).toMatchObject([{ id: 2, opened_at: '2026-03-10T05:57:00.000000Z' }])
    await api('PATCH', '/pipeline', { id, schedule_cron: null })
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }, {}])
    await liveUntil('2026-03-10T07:15:00Z')
    expect(await read('?state=open')).toEqual([])
  })

  it('in the code of the pipeline is the same: an unchanged post begins nothing anew', async () => {
    const body = { name: 'coded', pipeline_type_name: 'etl', schedule_cron: '0 6 * * *', schedule_grace_minutes: 5 }
    await api('POST', '/pipeline', body)
    await drain(background)
    await liveUntil('2026-03-10T06:07:00Z')
    expect(await read()).toMatchObject([{ state: 'open' }])
    await api('POST', '/pipeline', body)
    await api('POST', '/pipeline', { ...body, schedule_grace_minutes: 6 })
    expect(await read()).toMatchObject([{ state: 'open' }])
    await api('POST', '/pipeline', { ...body, schedule_timezone: 'Europe/Berlin' })
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
    await drain(background)
    expect((await api('GET', '/pipeline/1')).body.next_expected_at).toBe('2026-03-11T05:00:00.000000Z')
  })

  it('by an interval is counted from the last start; without one from when it was set', async () => {
    const id = await schedule({ schedule_number: 1, schedule_datepart: 'hour', schedule_grace_minutes: 5 })
    expect((await api('GET', `/pipeline/${id}`)).body.next_expected_at).toBe('2026-03-10T06:00:00.000000Z')
    await liveUntil('2026-03-10T05:30:00Z')
    await start(id)
    expect((await api('GET', `/pipeline/${id}`)).body.next_expected_at).toBe('2026-03-10T06:30:00.000000Z')
    await liveUntil('2026-03-10T06:34:00Z')
    expect(await read()).toEqual([])
    await liveUntil('2026-03-10T06:36:00Z')
    expect(await read()).toMatchObject([
      { opened_at: '2026-03-10T06:30:00.000000Z', summary: expect.stringContaining('at least every 1 hours') },
    ])
    await liveUntil('2026-03-10T07:36:00Z')
    expect(await read()).toMatchObject([{ occurrences: 2 }])
    await start(id)
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    await liveUntil('2026-03-10T08:45:00Z')
    expect(await read('?state=open')).toMatchObject([{ id: 2, opened_at: '2026-03-10T08:36:00.000000Z' }])
  })

  it('with another grace has another deadline at once, and is the same schedule', async () => {
    const body = { name: 'coded', pipeline_type_name: 'etl', schedule_cron: '0 6 * * *', schedule_grace_minutes: 240 }
    const { body: coded } = await api('POST', '/pipeline', body)
    const patched = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10_080 })
    await liveUntil('2026-03-10T05:30:00Z')
    await api('POST', '/pipeline', { ...body, schedule_grace_minutes: 5 })
    await api('PATCH', '/pipeline', { id: patched, schedule_grace_minutes: 5 })
    await liveUntil('2026-03-10T06:04:00Z')
    expect(await read()).toEqual([])
    await liveUntil('2026-03-10T06:06:00Z')
    expect((await read()).map(({ pipeline_id }) => pipeline_id).sort()).toEqual([coded.id, patched])
  })

  it('by an interval that is set later is counted from the last start too, and what was due before is not blamed', async () => {
    const id = await schedule({})
    await start(id, '2026-03-10T02:00:00Z')
    await liveUntil('2026-03-10T05:40:00Z')
    await api('PATCH', '/pipeline', { id, schedule_number: 1, schedule_datepart: 'hour', schedule_grace_minutes: 5 })
    expect((await api('GET', `/pipeline/${id}`)).body.next_expected_at).toBe('2026-03-10T06:00:00.000000Z')
    await liveUntil('2026-03-10T06:04:00Z')
    expect(await read()).toEqual([])
    await liveUntil('2026-03-10T06:06:00Z')
    expect(await read()).toMatchObject([{ opened_at: '2026-03-10T06:00:00.000000Z', occurrences: 1 }])
  })

  it('by an interval of months is counted in the calendar', async () => {
    const id = await schedule({ schedule_number: 1, schedule_datepart: 'month' })
    await start(id, '2016-01-31T06:00:00Z')
    expect((await api('GET', `/pipeline/${id}`)).body.next_expected_at).toBe('2026-03-31T06:00:00.000000Z')
    // 31 March was judged. A month before 30 April is 30 March: it must not be judged again.
    await sql(`update pipeline set schedule_slot_at = '2026-04-30T06:00:00Z', check_at = '2026-04-30T06:15:00Z' where id = $1`, [id])
    setClock('2026-04-02T00:00:00Z')
    await api('PATCH', '/pipeline', { id, schedule_grace_minutes: 30 })
    setClock('2026-04-02T00:01:00Z')
    await drain(background)
    expect((await read()).filter(({ kind }) => kind === 'missed')).toEqual([])
    const [row] = await sql('select check_at from pipeline where id = $1', [id])
    expect(new Date(String(row?.check_at)).toISOString()).toBe('2026-04-30T06:30:00.000Z')
  })

  it('by an interval is missed as often as it does not come, and a person ends only what was missed until then', async () => {
    await schedule({ schedule_number: 1, schedule_datepart: 'minute', schedule_grace_minutes: 1 })
    await liveUntil('2026-03-10T07:00:30Z')
    expect(await read()).toMatchObject([{ occurrences: 119 }])
    await api('POST', '/incident/1/resolve')
    await liveUntil('2026-03-10T07:05:00Z')
    expect(await read('?state=open')).toMatchObject([{ id: 2, opened_at: '2026-03-10T07:00:00.000000Z' }])
  })

  it('by an interval is any start, whatever time it says that it is for; one that a wrong clock dates far ahead is none yet', async () => {
    const id = await schedule({ schedule_number: 1, schedule_datepart: 'hour', schedule_grace_minutes: 5 })
    const cron = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 5 })
    await liveUntil('2026-03-10T05:30:00Z')
    await start(cron, '2026-03-12T05:30:00Z')
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, scheduled_for) values ($1, '2026-03-10T05:30:00Z', '2026-03-10T04:00:00Z')`,
      [id],
    )
    await liveUntil('2026-03-10T06:06:00Z')
    expect(await read()).toMatchObject([{ pipeline_id: cron, kind: 'missed' }])
    await liveUntil('2026-03-10T06:36:00Z')
    expect(await read()).toMatchObject([
      { pipeline_id: id, opened_at: '2026-03-10T06:30:00.000000Z' },
      { pipeline_id: cron, state: 'open' },
    ])
  })

  it('that waits for the run before says so', async () => {
    const id = await schedule({ schedule_cron: '0 * * * *', schedule_grace_minutes: 5 })
    await liveUntil('2026-03-10T06:00:00Z')
    await start(id)
    await liveUntil('2026-03-10T07:06:00Z')
    expect(await read()).toMatchObject([
      { summary: 'No run started for 2026-03-10 07:00 UTC (0 * * * *, UTC): the run of 2026-03-10 06:00 UTC still goes on' },
    ])
  })

  it('is another schedule only if another one applies', async () => {
    const body = { name: 'coded', pipeline_type_name: 'etl', schedule_cron: '0 6 * * *', schedule_grace_minutes: 5 }
    await api('POST', '/pipeline', body)
    await drain(background)
    await liveUntil('2026-03-10T06:07:00Z')
    await api('PATCH', '/pipeline', { id: 1, schedule_timezone: 'UTC' })
    await api('POST', '/pipeline', { ...body, schedule_timezone: 'UTC' })
    expect(await read()).toMatchObject([{ state: 'open' }])
    const id = await schedule({ schedule_number: 1, schedule_datepart: 'hour' })
    await liveUntil('2026-03-10T06:30:00Z')
    await api('PATCH', '/pipeline', { id, schedule_timezone: 'Asia/Tokyo' })
    expect((await api('GET', `/pipeline/${id}`)).body.next_expected_at).toBe('2026-03-10T07:07:00.000000Z')
  })

  it('in code may become an interval, and a cron again', async () => {
    const body = { name: 'coded', pipeline_type_name: 'etl' }
    await api('POST', '/pipeline', { ...body, schedule_cron: '0 6 * * *', schedule_timezone: 'Europe/Berlin' })
    expect((await api('POST', '/pipeline', { ...body, schedule_number: 2, schedule_datepart: 'hour' })).status).toBe(200)
    expect((await api('GET', '/pipeline/1')).body).toMatchObject({
      schedule_cron: null,
      schedule_number: 2,
      next_expected_at: '2026-03-10T07:00:00.000000Z',
    })
    expect((await api('POST', '/pipeline', { ...body, schedule_cron: '0 8 * * *', schedule_timezone: 'UTC' })).status).toBe(200)
    expect((await api('GET', '/pipeline/1')).body).toMatchObject({
      schedule_cron: '0 8 * * *',
      schedule_number: null,
      schedule_datepart: null,
      next_expected_at: '2026-03-10T08:00:00.000000Z',
    })
  })

  it.each([
    ['is deactivated', { active: false }, 'muted'],
    ['gets another schedule', { schedule_cron: '0 7 * * *' }, 'auto'],
  ])('of a pipeline that %s while the check opens its incident is over', async (_what, change, by) => {
    const id = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await liveUntil('2026-03-10T06:10:30Z')
    setClock('2026-03-10T06:11:00Z')
    await slowInserts(
      'incident',
      () => drain(background),
      () => api('PATCH', '/pipeline', { id, ...change }),
    )
    expect(await read()).toMatchObject([{ kind: 'missed', state: 'resolved', resolved_by: by }])
  })

  it('of very many pipelines is judged as one: after an absence of Watcher with one grace more, and told as one message', async () => {
    await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await liveUntil('2026-03-10T05:15:00Z')
    await sql(`
      insert into pipeline (name, pipeline_type_id, load_lineage, schedule_cron, schedule_grace_minutes, schedule_from, schedule_slot_at, check_at)
      select 'many ' || i, 1, false, '0 6 * * *', 10, '2026-03-10T05:00:00Z', '2026-03-10T06:00:00Z', '2026-03-10T06:10:00Z' from generate_series(1, 2100) i`)
    setClock('2026-03-10T09:00:00Z')
    await fireCron(background, CRONS.quarterHourly, new Date())
    await drain(background)
    expect(await read()).toMatchObject([{ kind: 'queue', subject: 'tick', occurrences: 1 }])
    await liveUntil('2026-03-10T09:11:00Z')
    expect(await countOf(`incident where kind = 'missed' and detected_at >= '2026-03-10T09:10:00Z'`)).toBe(2101)
    expect((await background.slack.messages()).filter((text) => text.includes('Run Missed'))).toEqual([
      expect.stringContaining('Message: Pipeline Run Missed - 2101 pipeline(s)'),
    ])
  }, 60_000)

  it('is not blamed while Watcher itself was away: it gets one grace more, and an incident says so', async () => {
    const [quiet, busy] = [
      await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 }),
      await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 }),
    ]
    await liveUntil('2026-03-10T05:15:00Z')
    setClock('2026-03-10T09:00:00Z')
    await fireCron(background, CRONS.quarterHourly, new Date())
    await drain(background)
    expect(await read()).toMatchObject([
      {
        kind: 'queue',
        subject: 'tick',
        pipeline_id: null,
        summary: 'Nothing was checked from 2026-03-10 05:15 UTC to 2026-03-10 09:00 UTC: Watcher was away',
      },
    ])
    await start(busy, '2026-03-10T06:01:00Z') // what could not be reported comes now
    await liveUntil('2026-03-10T09:12:00Z')
    expect(await read()).toMatchObject([
      { kind: 'missed', pipeline_id: quiet, opened_at: '2026-03-10T06:00:00.000000Z' },
      { kind: 'queue', state: 'resolved' },
    ])
  })

  it('that starts while the check judges it is found by the next check', async () => {
    const id = await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await liveUntil('2026-03-10T06:10:30Z')
    // A start that the check's statement cannot see, and that does not see the incident.
    setClock('2026-03-10T06:11:00Z')
    await drain(background)
    await sql(`insert into pipeline_execution (pipeline_id, start_date) values ($1, '2026-03-10T06:10:00Z')`, [id])
    expect(await read()).toMatchObject([{ state: 'open' }])
    await liveUntil('2026-03-10T06:15:00Z')
    expect(await read()).toMatchObject([{ state: 'resolved' }])
  })

  it('is judged once, however often the check is delivered', async () => {
    await schedule({ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10 })
    await liveUntil('2026-03-10T06:05:00Z')
    setClock('2026-03-10T06:12:00Z')
    const due = background.queue.take()
    const tick = fireCron(background, CRONS.quarterHourly, new Date('2026-03-10T06:15:00Z'))
    await Promise.all([tick, deliver(background, due), deliver(background, due)])
    await drain(background)
    expect(await read()).toMatchObject([{ kind: 'missed', occurrences: 1 }])
    expect(await background.slack.posts()).toBe(1)
  })

  it('costs no job while nothing is due, and at most one a minute', async () => {
    for (const minute of [1, 1, 2, 7, 40]) await schedule({ schedule_cron: `${minute} * * * *`, schedule_grace_minutes: 1 })
    await sql(`delete from job`)
    background.queue.take()
    await fireCron(background, CRONS.quarterHourly, new Date())
    await drain(background)
    const waiting = await sql(
      `select to_char(due_at at time zone 'UTC', 'HH24:MI') as at from job where kind = 'check_deadlines' and state = 'waiting' order by 1`,
    )
    expect(waiting.map(({ at }) => at)).toEqual(['05:03', '05:04', '05:09'])
    expect((await api('POST', '/celery/monitor-queue')).body.total_pending).toBe(0)
    expect((await api('GET', '/monitoring')).body.oldest_waiting).toBeNull()
  })
})

describe('the settings of a schedule', () => {
  it('are answered, and refused if they can never be met', async () => {
    const id = await schedule({ schedule_cron: '30 6 * * MON-FRI', schedule_timezone: 'America/New_York' })
    expect((await api('GET', `/pipeline/${id}`)).body).toMatchObject({
      schedule_cron: '30 6 * * MON-FRI',
      schedule_timezone: 'America/New_York',
      schedule_number: null,
      schedule_grace_minutes: null,
      next_expected_at: '2026-03-10T10:30:00.000000Z',
    })
    const faults: [Record<string, unknown>, string][] = [
      [{ schedule_cron: '0 0 31 2 *' }, 'schedule_cron'],
      [{ schedule_cron: '61 * * * *' }, 'schedule_cron'],
      [{ schedule_cron: '* * * * * *' }, 'schedule_cron'],
      [{ schedule_cron: '2026-03-10T00:00:00' }, 'schedule_cron'],
      [{ schedule_cron: '@reboot' }, 'schedule_cron'],
      [{ schedule_cron: '0 6 * * *', schedule_timezone: 'Mars/Olympus' }, 'schedule_timezone'],
      [{ schedule_cron: '0 6 * * *', schedule_timezone: '+02:00' }, 'schedule_timezone'],
      [{ schedule_cron: '0 6 * * *', schedule_timezone: '-0500' }, 'schedule_timezone'],
      [{ schedule_cron: '0 6 * * *', schedule_number: 1, schedule_datepart: 'hour' }, 'schedule_cron'],
      [{ schedule_number: 1 }, 'schedule_datepart'],
      [{ schedule_datepart: 'hour' }, 'schedule_number'],
      [{ schedule_number: 1_001, schedule_datepart: 'year' }, 'schedule_number'],
      [{ schedule_cron: '0 6 * * *', schedule_grace_minutes: 0 }, 'schedule_grace_minutes'],
      [{ schedule_cron: '0 6 * * *', schedule_grace_minutes: 10_081 }, 'schedule_grace_minutes'],
    ]
    for (const [fields, field] of faults) {
      expectError(await api('POST', '/pipeline', { name: 'x', pipeline_type_name: 'etl', ...fields }), 422, 'validation_failed', [
        'body',
        field,
      ])
    }
    expectError(await api('PATCH', '/pipeline', { id, schedule_number: 1, schedule_datepart: 'hour' }), 422, 'validation_failed', [
      'body',
      'schedule_cron',
    ])
    const swapped = await api('PATCH', '/pipeline', { id, schedule_cron: null, schedule_number: 1, schedule_datepart: 'hour' })
    expect(swapped.body).toMatchObject({ schedule_cron: null, schedule_number: 1 })
  })

  it('can be previewed', async () => {
    const { body } = await api('POST', '/schedule/preview', { schedule_cron: '0 2 * * *', schedule_timezone: 'Europe/Berlin', count: 2 })
    expect(body).toEqual({ times: ['2026-03-11T01:00:00.000000Z', '2026-03-12T01:00:00.000000Z'] })
    expect((await api('POST', '/schedule/preview', { schedule_cron: '@hourly' })).body.times).toHaveLength(5)
    expectError(await api('POST', '/schedule/preview', { schedule_cron: '@never' }), 422, 'validation_failed', ['body', 'schedule_cron'])
    expectError(await api('POST', '/schedule/preview', { schedule_cron: '@hourly', count: 51 }), 422, 'validation_failed', [
      'body',
      'count',
    ])
  })

  it('are suggested from past starts', async () => {
    const id = await makePipeline()
    for (let day = 1; day <= 9; day += 1) await start(id, `2026-03-0${day}T04:3${day % 3}:07Z`)
    expect((await api('GET', `/pipeline/${id}/schedule/suggest`)).body).toEqual({
      suggestion: { schedule_cron: '30 4 * * *', schedule_timezone: 'UTC', schedule_grace_minutes: 5, covered: 9, starts: 9 },
    })
    expect((await api('GET', `/pipeline/${await makePipeline()}/schedule/suggest`)).body).toEqual({ suggestion: null })
    expectError(await api('GET', '/pipeline/99/schedule/suggest'), 404, 'pipeline_not_found')
  })
})

describe('suggestSchedule', () => {
  const every = (minutes: number, count: number, jitter = 0) =>
    Array.from(
      { length: count },
      (_, index) => new Date(Date.UTC(2026, 2, 2, 6, 0) + (index * minutes + ((index * 7) % (jitter + 1))) * 60_000),
    )

  it.each([
    ['every quarter of an hour', every(15, 60), '*/15 * * * *'],
    ['every hour, up to four minutes late', every(60, 60, 4), '0 * * * *'],
    ['every day', every(1_440, 30), '0 6 * * *'],
    ['on working days', every(1_440, 21).filter((at) => at.getUTCDay() % 6 !== 0), '0 6 * * 1,2,3,4,5'],
    ['every six hours', every(360, 40), '0 0-23/6 * * *'],
  ])('finds what runs %s', (_what, starts, cron) => {
    expect(suggestSchedule(starts)).toMatchObject({ schedule_cron: cron, starts: starts.length, covered: starts.length })
  })

  /** Daily starts, so many seconds from 06:00. */
  const daily = (offsets: number[]) => offsets.map((seconds, day) => new Date(Date.UTC(2026, 0, 1 + day, 6, 0, seconds)))
  const cycle = (values: number[], count = 60) => Array.from({ length: count }, (_, index) => values[(index * 7) % values.length] as number)

  it.each([
    ['between two minutes before and two after', cycle([-120, -75, -60, 0, 30, 60, 90, 120, -20]), '0 6 * * *', 5],
    ['a few seconds before', cycle([-10, -5, -2]), '0 6 * * *', 5],
    ['six to nine minutes after', cycle([360, 420, 480, 540]), '5 6 * * *', 10],
    ['up to half an hour after, on one day', [...cycle([0, 20, 40], 40), 1_800], '0 6 * * *', 45],
  ])('covers all of the daily starts that come %s six', (_what, offsets, cron, grace) => {
    const starts = daily(offsets)
    expect(suggestSchedule(starts)).toEqual({
      schedule_cron: cron,
      schedule_timezone: 'UTC',
      schedule_grace_minutes: grace,
      covered: starts.length,
      starts: starts.length,
    })
  })

  it('is a schedule by which none of the starts would have been missed', () => {
    let seed = 7
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    for (let round = 0; round < 40; round += 1) {
      const period = [15, 30, 60, 180, 360, 1_440][round % 6] as number
      const [phase, jitter] = [Math.floor(random() * period), Math.min(20, period / 4)]
      const starts = Array.from(
        { length: 40 },
        (_, index) => new Date(Date.UTC(2026, 0, 1) + (phase + index * period + (random() - 0.4) * jitter) * 60_000),
      )
      const { schedule_cron: cron, schedule_grace_minutes: graceMinutes, covered } = suggestSchedule(starts) ?? {}
      if (cron === undefined || graceMinutes === undefined) throw new Error(`nothing is suggested in round ${round}`)
      const from = new Date((starts[0] as Date).getTime() + 3 * period * 60_000)
      const { slots } = planCron(
        { cron, timezone: 'UTC', graceMinutes },
        { slotAt: null, from: from.toISOString(), now: (starts[30] as Date).toISOString() },
      )
      expect(slots.length).toBeGreaterThan(20)
      const missed = slots.filter(({ at, from }) => {
        const [begin, end] = [Date.parse(from), Date.parse(at) + graceMinutes * 60_000]
        return !starts.some((start) => start.getTime() >= begin && start.getTime() <= end)
      })
      expect([round, cron, covered, missed]).toEqual([round, cron, 40, []])
    }
  })

  it('finds nothing where there is no pattern, or too little', () => {
    let seed = 1
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const wild = Array.from({ length: 40 }, () => new Date(Date.UTC(2026, 0, 1) + random() * 60 * 86_400_000))
    expect(suggestSchedule(wild)).toBeUndefined()
    expect(suggestSchedule(every(60, 4))).toBeUndefined()
  })
})

describe('planCron', () => {
  const berlin = { cron: '30 2 * * *', timezone: 'Europe/Berlin', graceMinutes: 15 }

  it('gives a time near a change of the clock an hour more', () => {
    // On 29 March 2026 the clock goes from 02:00 to 03:00: 02:30 does not exist, and croner fires at 03:00.
    const plan = planCron(berlin, { slotAt: null, from: '2026-03-28T12:00:00.000000Z', now: '2026-03-28T12:00:00.000000Z' })
    expect(plan).toEqual({ slots: [], next_slot: '2026-03-29T01:00:00.000000Z', next_check: '2026-03-29T02:15:00.000000Z' })
    const later = planCron(berlin, { slotAt: null, from: '2026-03-29T12:00:00.000000Z', now: '2026-03-29T12:00:00.000000Z' })
    expect(later).toMatchObject({ next_slot: '2026-03-30T00:30:00.000000Z', next_check: '2026-03-30T00:45:00.000000Z' })
  })

  it('takes a run before its time only within half of the distance to the time before', () => {
    const often = { cron: '*/10 * * * *', timezone: 'UTC', graceMinutes: 15 }
    const plan = planCron(often, {
      slotAt: '2026-03-10T06:00:00.000000Z',
      from: '2026-03-01T00:00:00.000000Z',
      now: '2026-03-10T06:26:00.000000Z',
    })
    expect(plan.slots).toEqual([
      { at: '2026-03-10T06:00:00.000000Z', from: '2026-03-10T05:55:00.000000Z' },
      { at: '2026-03-10T06:10:00.000000Z', from: '2026-03-10T06:05:00.000000Z' },
    ])
  })

  it('knows the hours of change, and nothing else', () => {
    const near = (zone: string, at: string) => isNearClockChange(zone, new Date(at))
    expect([near('Europe/Berlin', '2026-10-25T00:30:00Z'), near('Europe/Berlin', '2026-10-25T02:30:00Z')]).toEqual([true, false])
    expect([near('America/New_York', '2026-03-08T07:10:00Z'), near('America/New_York', '2026-03-08T05:30:00Z')]).toEqual([true, false])
    expect(near('Australia/Lord_Howe', '2026-04-04T15:10:00Z')).toBe(true)
    expect(near('UTC', '2026-03-29T01:00:00Z')).toBe(false)
  })

  it('takes expressions and zones as croner and the platform do', () => {
    expect([cronFault('0 0 L * *'), cronFault('0 9 * * 1#2'), cronFault('@yearly'), timezoneFault('Europe/Berlin')]).toEqual(
      Array(4).fill(undefined),
    )
    expect(nextTimes('0 0 L * *', 'UTC', new Date('2026-02-10T00:00:00Z'), 2).map((at) => at.toISOString().slice(0, 10))).toEqual([
      '2026-02-28',
      '2026-03-31',
    ])
  })
})
