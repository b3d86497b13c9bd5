import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { countOf, sql } from '../support/api.ts'
import { advanceClock, type Background, deliverJob, drain, fireCron, openBackground, setClock } from '../support/background.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate job restart identity cascade')
  setClock('2025-01-09T20:30:02Z')
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const at = new Date('2025-01-09T20:30:00Z')
const recorded = async () => (await sql('select kind, payload, state from job order by id')).map(({ kind, payload }) => [kind, payload])

describe('a cron trigger', () => {
  it('records its sweeps, with the settings of the deployment', async () => {
    background.settings.WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES = '90'
    background.settings.WATCHER_LOG_RETENTION_DAYS = 400
    for (const cron of Object.values(CRONS)) await fireCron(background, cron, at)
    expect(await recorded()).toEqual([
      ['check_timeliness', { lookback_minutes: 90 }],
      ['check_schedules', {}],
      ['count_days', {}],
      ['keep_activity', {}],
      ['check_deadlines', {}],
      ['check_reminders', {}],
      ['check_freshness', {}],
      ['clean_logs', { retention_days: 400 }],
      ['clean_openlineage', {}],
    ])
    await drain(background)
    expect(await countOf("job where state = 'succeeded'")).toBe(9)
  })

  it('that fires twice for one scheduled time, at once or later, records one job; the next time records another', async () => {
    await Promise.all([1, 2, 3].map(() => fireCron(background, CRONS.daily, at)))
    advanceClock(30)
    await fireCron(background, CRONS.daily, at)
    expect(await countOf('job')).toBe(2) // one of each sweep
    await drain(background)
    advanceClock(400)
    await drain(background) // messages that arrived while the job ran
    await fireCron(background, CRONS.daily, at) // the job is done and must not run again
    expect(background.queue.sent).toEqual([])
    await fireCron(background, CRONS.daily, new Date(at.getTime() + 3_600_000))
    expect(await countOf('job')).toBe(4)
  })

  it('that was stopped before it sent its jobs sends them when it fires again', async () => {
    background.queue.onSend = async () => {
      throw new Error('stopped')
    }
    await expect(fireCron(background, CRONS.daily, at)).rejects.toThrow('1 of 1 scheduled tasks failed')
    background.queue.onSend = async () => {}
    await fireCron(background, CRONS.daily, at)
    expect(background.queue.ids).toEqual([1, 2])
  })

  it('does its other tasks if one task fails', async () => {
    await sql(`insert into job (kind, payload, due_at) values ('check_freshness', '{}', '2025-01-09T20:00:00Z')`)
    await sql(`alter table job add constraint no_timeliness check (kind <> 'check_timeliness')`)
    await expect(fireCron(background, CRONS.quarterHourly, at)).rejects.toThrow('1 of 4 scheduled tasks failed')
    expect(background.queue.ids).toEqual([1])
    await sql('alter table job drop constraint no_timeliness')
  })

  it('leaves its last tick in the database, with the fault of its tasks until a tick succeeds', async () => {
    await sql(`update cron_tick set due_at = '2025-01-01', came_at = '2025-01-01'`)
    const ticks = async () =>
      (await sql(`select due_at::text, came_at::text, fault from cron_tick where cron = $1`, [CRONS.quarterHourly]))[0]
    await sql(`alter table job add constraint no_timeliness check (kind <> 'check_timeliness')`)
    await expect(fireCron(background, CRONS.quarterHourly, at)).rejects.toThrow('1 of 4')
    await sql('alter table job drop constraint no_timeliness')
    expect(await ticks()).toMatchObject({ due_at: '2025-01-01 00:00:00+00' }) // the tick is written with its jobs, or not at all
    await fireCron(background, CRONS.quarterHourly, at)
    expect(await ticks()).toEqual({ due_at: '2025-01-09 20:30:00+00', came_at: '2025-01-09 20:30:02+00', fault: null })
    background.queue.onSend = async () => {
      throw new Error('stopped')
    }
    await sql(`update job set state = 'waiting'`)
    await expect(fireCron(background, CRONS.quarterHourly, at)).rejects.toThrow('1 of 4')
    expect((await ticks())?.fault).toBe('1 of 4 scheduled tasks failed; the log says why')
    background.queue.onSend = async () => {}
    await fireCron(background, CRONS.quarterHourly, at)
    expect((await ticks())?.fault).toBeNull()
    await fireCron(background, CRONS.quarterHourly, new Date('2025-01-09T20:00:00Z')) // an older tick that comes late
    expect((await ticks())?.due_at).toBe('2025-01-09 20:30:00+00')
  })

  it('that is not in the schedule is an error', async () => {
    await expect(fireCron(background, '* * * * *')).rejects.toThrow('No schedule for the cron * * * * *')
  })
})

describe('the search for lost jobs', () => {
  const record = (state: string, due_at: string) =>
    sql(`insert into job (kind, payload, state, attempts, due_at) values ('check_freshness', '{}', $1, 1, $2)`, [state, due_at])

  it('sends jobs again that never arrived, and jobs that were claimed and never finished', async () => {
    await record('waiting', '2025-01-09T20:28:00Z')
    await record('running', '2025-01-09T20:28:00Z')
    await record('waiting', '2025-01-09T20:28:30Z') // its message may still arrive
    await record('running', '2025-01-09T20:33:00Z') // an attempt runs it
    await record('succeeded', '2025-01-09T20:00:00Z')
    await record('failed', '2025-01-09T20:00:00Z')
    await fireCron(background, CRONS.quarterHourly, at)
    expect(background.queue.ids.filter((id) => id <= 6).sort()).toEqual([1, 2])
  })

  it('sends, before it is due, a job that waits longer than the queue keeps a message', async () => {
    await sql(`insert into job (kind, payload, created_at, due_at) values
      ('check_freshness', '{}', '2025-01-01T00:00:00Z', '2025-01-09T20:40:00Z'), ('check_freshness', '{}', '2025-01-01T00:00:00Z', '2025-01-20T00:00:00Z')`)
    const early = await deliverJob(background, 2)
    expect(early).toEqual({ acked: [2], retried: [] })
    await fireCron(background, CRONS.quarterHourly, at)
    expect(background.queue.ids.filter((id) => id <= 2)).toEqual([1])
    expect(await deliverJob(background, 1)).toMatchObject({ acked: [], retried: [{ id: 1, delaySeconds: expect.any(Number) }] })
  })

  it('sends all of them in one tick, however many there are', async () => {
    await sql(
      `insert into job (kind, payload, due_at) select 'check_freshness', '{}', '2025-01-09T20:00:00Z' from generate_series(1, 6200)`,
    )
    await fireCron(background, CRONS.quarterHourly, at)
    expect(new Set(background.queue.ids).size).toBe(6206) // with the sweeps of this tick
  })

  it('does not send the same jobs again and again if the queue is only long', async () => {
    await record('waiting', '2025-01-09T20:20:00Z')
    await fireCron(background, CRONS.quarterHourly, at)
    expect(background.queue.ids).toContain(1)
    background.queue.sent = []
    advanceClock(1800)
    await fireCron(background, CRONS.quarterHourly, new Date())
    expect(background.queue.ids).not.toContain(1)
    advanceClock(1801)
    await fireCron(background, CRONS.quarterHourly, new Date())
    expect(background.queue.ids).toContain(1)
  })

  it('sends thousands of jobs, in batches of the size that the platform allows', async () => {
    await sql(
      `insert into job (kind, payload, due_at) select 'check_freshness', '{}', '2025-01-09T20:00:00Z' from generate_series(1, 1234)`,
    )
    const sizes: number[] = []
    const { sendBatch } = background.queue
    background.queue.sendBatch = async (messages) => {
      sizes.push([...messages].length)
      await sendBatch.call(background.queue, messages)
    }
    await fireCron(background, CRONS.quarterHourly, at)
    expect(new Set(background.queue.ids.filter((id) => id <= 1234)).size).toBe(1234)
    expect(Math.max(...sizes)).toBe(100)
  })

  it('sends some jobs twice, and loses none, if it is stopped between the send and the mark', async () => {
    await record('waiting', '2025-01-09T20:20:00Z')
    background.queue.onSend = async (stage) => {
      if (stage === 'after') throw new Error('stopped')
    }
    await expect(fireCron(background, CRONS.quarterHourly, at)).rejects.toThrow()
    background.queue.onSend = async () => {}
    advanceClock(900)
    await fireCron(background, CRONS.quarterHourly, new Date())
    expect(background.queue.ids.filter((id) => id === 1)).toHaveLength(2)
    await drain(background)
    expect((await sql('select state, attempts from job where id = 1'))[0]).toEqual({ state: 'succeeded', attempts: 2 })
  })
})
