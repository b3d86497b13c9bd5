import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, countOf, expectError, get, makePipeline, patch, post, race, sql, startRun } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, openBackground, recordRun, setClock } from '../support/background.ts'

const HOUR = 3_600

let background: Background
let pipeline_id: number

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job, incident restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  pipeline_id = await makePipeline()
})
afterEach(() => vi.useRealTimers())

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString()
const read = async (query = '') => (await get(`/incident${query}`)).body as Record<string, unknown>[]
const eventsOf = async (id: number) =>
  ((await get(`/incident/${id}`)).body.events as { kind: string; by: string | null; text: string | null }[])
    .filter(({ kind }) => kind !== 'notified')
    .map(({ kind, by, text }) => [kind, by, text].filter((part) => part !== null).join(' '))

/** Records a run that ended this many seconds ago. */
const run = async (endedAgo: number, succeeded: boolean, more: Record<string, unknown> = {}): Promise<number> => {
  const id = await startRun({ pipeline_id, start_date: ago(endedAgo + 60) })
  const { status } = await post('/end_pipeline_execution', { id, end_date: ago(endedAgo), completed_successfully: succeeded, ...more })
  expect(status).toBe(204)
  return id
}

describe('a failed run', () => {
  it('opens an incident, further failures extend it, the next success resolves it', async () => {
    const good = await run(600, true)
    const first = await run(500, false, { execution_metadata: { error: 'disk full' } })
    expect(good).toBeLessThan(first)
    expect(await read()).toMatchObject([
      {
        id: 1,
        kind: 'failed',
        subject: '',
        severity: 'warning',
        state: 'open',
        pipeline_id,
        pipeline_name: expect.stringContaining('pipeline-'),
        opened_at: '2026-03-10T11:51:40.000000Z',
        detected_at: '2026-03-10T12:00:00.000000Z',
        resolved_at: null,
        occurrences: 1,
        first_execution_id: first,
        last_execution_id: first,
        last_success_at: '2026-03-10T11:50:00.000000Z',
        summary: `Run ${first} failed: disk full`,
        caused_by: null,
      },
    ])
    advanceClock(60)
    const second = await run(10, false)
    expect(await read()).toMatchObject([
      {
        state: 'open',
        occurrences: 2,
        first_execution_id: first,
        last_execution_id: second,
        summary: `Run ${second} failed and gave no reason: send execution_metadata with its end`,
      },
    ])
    advanceClock(60)
    const next = await run(0, true)
    expect(await read()).toMatchObject([{ id: 1, state: 'resolved', resolved_by: 'auto', resolved_at: '2026-03-10T12:02:00.000000Z' }])
    expect(await eventsOf(1)).toEqual(['opened', 'occurred', `resolved Run ${next} has succeeded`])
  })

  it('that ended before the last success is no news, whenever it is reported', async () => {
    await run(100, true)
    await run(200, false)
    await run(30 * 24 * HOUR, false)
    expect(await read()).toEqual([])
    const failed = await run(50, false)
    await run(80, true) // reported late: it ended before the failure
    expect(await read()).toMatchObject([{ state: 'open', last_execution_id: failed }])
  })

  it('of an inactive pipeline opens nothing', async () => {
    await patch('/pipeline', { id: pipeline_id, active: false })
    await run(10, false)
    expect(await read()).toEqual([])
  })

  it('opens one incident if many fail at the same moment', async () => {
    const ids: number[] = []
    for (let index = 0; index < 6; index += 1) ids.push(await startRun({ pipeline_id, start_date: ago(100 + index) }))
    await race('update', 'pipeline_execution', 6, async () => {
      await Promise.all(ids.map((id) => post('/end_pipeline_execution', { id, completed_successfully: false })))
    })
    expect(await read()).toMatchObject([{ occurrences: 6 }])
    expect(await countOf('incident_event')).toBe(6)
  })

  it('does not stay open if a later run succeeds at the same moment', async () => {
    for (let round = 1; round <= 8; round += 1) {
      const ends = [false, true].map(async (completed_successfully) => ({
        id: await startRun({ pipeline_id, start_date: ago(90) }),
        end_date: ago(completed_successfully ? 10 : 20),
        completed_successfully,
      }))
      const bodies = await Promise.all(ends)
      await race('update', 'pipeline_execution', 2, async () => {
        await Promise.all(bodies.map((body) => post('/end_pipeline_execution', body)))
      })
      expect(await read('?state=open')).toEqual([])
      advanceClock(HOUR)
    }
  })

  it('writes an event for ten occurrences, and counts the others', async () => {
    for (let index = 0; index < 15; index += 1) await run(100 - index, false)
    expect(await read()).toMatchObject([{ occurrences: 15 }])
    expect(await countOf('incident_event')).toBe(10)
  })

  it('within 15 minutes of the resolution reopens the incident; later, or after a person has resolved it, it is another one', async () => {
    await run(0, false)
    advanceClock(60)
    await run(0, true)
    advanceClock(14 * 60)
    await run(0, false)
    expect(await read()).toMatchObject([{ id: 1, state: 'open', occurrences: 2, resolved_at: null, resolved_by: null }])
    expect(await eventsOf(1)).toEqual(['opened', expect.stringContaining('resolved'), 'reopened'])
    await run(0, true)
    advanceClock(15 * 60)
    await run(0, false)
    expect(await read()).toMatchObject([
      { id: 2, state: 'open' },
      { id: 1, state: 'resolved' },
    ])
    await post('/incident/2/resolve')
    advanceClock(10)
    await run(0, false)
    expect(await read('?state=open')).toMatchObject([{ id: 3 }])
  })
})

describe('a late run', () => {
  beforeEach(async () => {
    await patch('/pipeline', { id: pipeline_id, timeliness_number: 10, timeliness_datepart: 'minute' })
  })
  const check = async () => {
    await background.post('/timeliness')
    await drain(background)
  }

  it('opens an incident, and its own end resolves it', async () => {
    const id = await recordRun(background, pipeline_id, 30, null)
    await check()
    expect(await read()).toMatchObject([
      {
        kind: 'late',
        opened_at: '2026-03-10T11:40:00.000000Z',
        first_execution_id: id,
        summary: 'Has been running for 30 min; 10 min are expected',
      },
    ])
    advanceClock(60)
    await check()
    expect(await read()).toMatchObject([{ occurrences: 1, state: 'open' }])
    const runningSince = async () => ((await get('/incident/1')).body as { running_since: string | null }).running_since
    expect(await runningSince()).toBe('2026-03-10T11:30:00.000000Z')
    await post('/end_pipeline_execution', { id })
    expect(await runningSince()).toBeNull()
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    expect(await eventsOf(1)).toEqual(['opened', `resolved Run ${id} has succeeded, late`])
  })

  it('is over when a later run is in time, but not when a later run is late too', async () => {
    await recordRun(background, pipeline_id, 60, null)
    await check()
    await recordRun(background, pipeline_id, 40, 20)
    expect(await read()).toMatchObject([{ state: 'open' }])
    await recordRun(background, pipeline_id, 70, 65) // began before it
    expect(await read()).toMatchObject([{ state: 'open' }])
    const inTime = await recordRun(background, pipeline_id, 9, 1)
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    expect((await eventsOf(1)).at(-1)).toBe(`resolved Run ${inTime} has succeeded in time`)
  })

  it('that fails is a failed run', async () => {
    const id = await recordRun(background, pipeline_id, 30, null)
    await check()
    await post('/end_pipeline_execution', { id, completed_successfully: false })
    expect(await read()).toMatchObject([
      { kind: 'failed', state: 'open' },
      { kind: 'late', state: 'resolved' },
    ])
  })

  it('of a backfill is logged, and opens nothing', async () => {
    const id = await startRun({ pipeline_id, start_date: ago(40 * 24 * HOUR) })
    await post('/end_pipeline_execution', { id, end_date: ago(30 * 24 * HOUR) })
    await background.post('/timeliness', { lookback_minutes: 60 * 24 * 60 })
    await drain(background)
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(1)
    expect(await read()).toEqual([])
  })
})

describe('a stale pipeline', () => {
  const check = async () => {
    await fireCron(background, CRONS.hourly, new Date())
    await drain(background)
  }

  it('opens an incident; a change resolves it, and so does a longer threshold', async () => {
    await patch('/pipeline', { id: pipeline_id, freshness_number: 1, freshness_datepart: 'hour' })
    await recordRun(background, pipeline_id, 130, 120, { inserts: 5 })
    await check()
    expect(await read()).toMatchObject([{ kind: 'stale', state: 'open', opened_at: '2026-03-10T11:00:00.000000Z' }])
    await recordRun(background, pipeline_id, 100, 90, { inserts: 5 }) // newer, but still too old
    expect(await read()).toMatchObject([{ state: 'open' }])
    const id = await recordRun(background, pipeline_id, 5, 1, { updates: 1 })
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
    expect((await eventsOf(1)).at(-1)).toBe(`resolved Run ${id} has changed data`)
    advanceClock(3 * HOUR)
    await check()
    expect(await read()).toMatchObject([{ id: 2, state: 'open' }, { id: 1 }])
    await patch('/pipeline', { id: pipeline_id, freshness_number: 1, freshness_datepart: 'day' })
    advanceClock(HOUR)
    await check()
    expect(await read()).toMatchObject([{ id: 2, state: 'resolved' }, { id: 1 }])
  })
})

describe('a mute', () => {
  const muted = async (kind: string, change: Record<string, unknown>) => {
    expect((await patch('/pipeline', { id: pipeline_id, ...change })).status).toBe(200)
    return (await read(`?kind=${kind}`)).map(({ state, resolved_by }) => [state, resolved_by])
  }

  it('resolves what it mutes, deactivation resolves everything, and what is still stale afterwards opens anew', async () => {
    await patch('/pipeline', {
      id: pipeline_id,
      freshness_number: 1,
      freshness_datepart: 'hour',
      timeliness_number: 1,
      timeliness_datepart: 'hour',
    })
    await recordRun(background, pipeline_id, 130, 120, { inserts: 5 })
    await recordRun(background, pipeline_id, 100, null)
    await run(10, false)
    await background.post('/timeliness')
    await background.post('/freshness')
    await drain(background)
    expect((await read('?state=open')).map(({ kind }) => kind).sort()).toEqual(['failed', 'late', 'stale'])
    expect(await muted('late', { mute_freshness_check: true })).toEqual([['open', null]])
    expect(await muted('stale', {})).toEqual([['resolved', 'muted']])
    expect(await muted('late', { mute_timeliness_check: true })).toEqual([['resolved', 'muted']])
    expect(await muted('failed', { active: false })).toEqual([['resolved', 'muted']])
    await patch('/pipeline', { id: pipeline_id, active: true, mute_freshness_check: false })
    advanceClock(1)
    await background.post('/freshness')
    await drain(background)
    expect(await read('?kind=stale')).toMatchObject([{ state: 'open' }, { state: 'resolved' }])
    // Nothing is logged anew: the message is made of the incident.
    expect((await background.slack.messages()).at(-1)).toContain('Pipeline Freshness Check Failed - 1 pipeline(s) overdue')
    expect(await countOf('freshness_pipeline_log')).toBe(1)
  })

  it('in the code of the pipeline resolves too', async () => {
    const name = (await get(`/pipeline/${pipeline_id}`)).body.name
    await patch('/pipeline', { id: pipeline_id, timeliness_number: 1, timeliness_datepart: 'hour' })
    await recordRun(background, pipeline_id, 100, null)
    await background.post('/timeliness')
    await drain(background)
    await post('/pipeline', { name, pipeline_type_name: 'extraction', mute_timeliness_check: true })
    expect(await read()).toMatchObject([{ kind: 'late', state: 'resolved', resolved_by: 'muted' }])
  })

  it('does not open again what a person has resolved, until it changes', async () => {
    await patch('/pipeline', { id: pipeline_id, freshness_number: 1, freshness_datepart: 'hour' })
    await recordRun(background, pipeline_id, 130, 120, { inserts: 5 })
    const check = async () => {
      advanceClock(60)
      await background.post('/freshness')
      await drain(background)
    }
    await check()
    await post('/incident/1/resolve')
    await check()
    expect(await read('?state=open')).toEqual([])
    await recordRun(background, pipeline_id, 100, 90, { inserts: 5 })
    await check()
    expect(await read('?state=open')).toMatchObject([{ id: 2, kind: 'stale' }])
  })
})

describe('an anomaly', () => {
  it('opens one incident for all metrics of a run; a later normal run resolves it', async () => {
    for (const metric_field of ['inserts', 'updates'])
      await post('/anomaly_detection_rule', { pipeline_id, metric_field, minimum_executions: 5 })
    for (let days = 7; days >= 1; days -= 1)
      await recordRun(background, pipeline_id, days * 1440 + 10, days * 1440 + 5, { inserts: 100, updates: 100 })
    const odd = await recordRun(background, pipeline_id, 9, 8, { inserts: 900, updates: 900 })
    await drain(background)
    expect(await read()).toMatchObject([{ kind: 'anomaly', state: 'open', last_execution_id: odd, occurrences: 2 }])
    await recordRun(background, pipeline_id, 12, 10, { inserts: 100, updates: 100 }) // ended before it
    await drain(background)
    expect(await read()).toMatchObject([{ state: 'open' }])
    const normal = await recordRun(background, pipeline_id, 4, 2, { inserts: 100, updates: 100 })
    await drain(background)
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    expect((await eventsOf(1)).at(-1)).toBe(`resolved Run ${normal} is normal`)
  })
})

describe('an anomaly of several rules', () => {
  const rule = async (metric_field: string): Promise<number> =>
    (await post('/anomaly_detection_rule', { pipeline_id, metric_field, minimum_executions: 5 })).body.id
  const load = async (minutes: number, metrics: Record<string, number>) => {
    const id = await recordRun(background, pipeline_id, minutes + 1, minutes, metrics)
    await drain(background)
    return id
  }
  let inserts: number

  beforeEach(async () => {
    inserts = await rule('inserts')
    await rule('updates')
    for (let days = 7; days >= 1; days -= 1) await load(days * 1440 + 5, { inserts: 100, updates: 100 })
    await load(50, { inserts: 900, updates: 100 })
    await load(40, { inserts: 100, updates: 900 }) // the first rule finds it normal, the second one does not
    expect(await read()).toMatchObject([{ state: 'open', occurrences: 2 }])
  })

  it('is over when each rule that flagged has found a later run normal', async () => {
    await load(30, { inserts: 900, updates: 100 })
    await load(20, { inserts: 100 }) // the second rule has nothing to judge
    expect(await read()).toMatchObject([{ state: 'resolved' }])
  })

  it('goes on while a run says nothing about the metric that was flagged', async () => {
    await load(30, { inserts: 100 })
    expect(await read()).toMatchObject([{ state: 'open' }])
    await load(20, { updates: 100 })
    expect(await read()).toMatchObject([{ state: 'resolved' }])
  })

  it('does not open for a run that ended before one that the rule found normal', async () => {
    await load(20, { inserts: 100, updates: 100 })
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    advanceClock(16 * 60)
    await load(40, { inserts: 900, updates: 100 }) // reported late: it ended before
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    expect(await countOf(`anomaly_detection_result where rule_id = ${inserts}`)).toBe(2)
  })

  it('is over when the rules that flagged are deactivated', async () => {
    await patch('/anomaly_detection_rule', { id: inserts, active: false })
    expect(await read()).toMatchObject([{ state: 'open' }])
    await patch('/anomaly_detection_rule', { id: inserts + 1, active: false })
    expect(await read()).toMatchObject([{ state: 'resolved' }])
    expect((await eventsOf(1)).at(-1)).toBe('resolved The rule was deactivated')
  })
})

describe('a pipeline that has never loaded', () => {
  const stale = { freshness_number: 2, freshness_datepart: 'hour' }
  const check = async () => {
    await background.post('/freshness')
    await drain(background)
    return (await read('?state=open')).map((row) => [row.kind, row.pipeline_id, row.opened_at, row.summary])
  }

  it('is stale when it is older than its own threshold, unless a run went well or it has only its type’s', async () => {
    const own = await makePipeline(stale)
    const quiet = await makePipeline(stale)
    await post('/pipeline_type', { name: 'hourly', ...stale })
    await makePipeline({ pipeline_type_name: 'hourly' })
    advanceClock(1.5 * HOUR)
    await recordRun(background, quiet, 2, 1) // it ran, and found nothing to load
    expect(await check()).toEqual([])
    advanceClock(0.6 * HOUR)
    const sentence = 'It has never loaded; one is expected every 2 hours'
    expect(await check()).toEqual([['stale', own, '2026-03-10T14:00:00.000000Z', sentence]])
    expect(await countOf('freshness_pipeline_log')).toBe(0)
    expect((await background.slack.messages())[0]).toContain(`(ID: ${own}): ${sentence}`)
    await recordRun(background, own, 2, 1, { inserts: 5 })
    expect(await check()).toEqual([])
  })

  it('is judged from when the threshold was set, or the pipeline activated', async () => {
    advanceClock(5 * HOUR)
    await patch('/pipeline', { id: pipeline_id, ...stale })
    expect(await check()).toEqual([])
    await patch('/pipeline', { id: pipeline_id, active: false })
    advanceClock(3 * HOUR)
    await patch('/pipeline', { id: pipeline_id, active: true })
    expect(await check()).toEqual([])
    advanceClock(2.1 * HOUR)
    expect(await check()).toHaveLength(1)
  })
})

describe('a person', () => {
  const tokens = { WATCHER_API_TOKENS: 'ada:secret-1,eve:secret-2:read' }
  const as = (token: string, path: string, body?: unknown) => call('POST', path, body, { Authorization: `Bearer ${token}` }, tokens)

  it('acknowledges, comments and resolves; repeating changes nothing, but another note is kept', async () => {
    await run(10, false)
    expect((await as('secret-1', '/incident/1/acknowledge', { note: 'on it' })).status).toBe(204)
    expect((await as('secret-1', '/incident/1/acknowledge')).status).toBe(204)
    expect((await as('secret-1', '/incident/1/acknowledge', { note: 'on it' })).status).toBe(204)
    expect(await read()).toMatchObject([{ state: 'acknowledged', acknowledged_by: 'ada', acknowledged_at: '2026-03-10T12:00:00.000000Z' }])
    expect((await as('secret-1', '/incident/1/comment', { note: 'the disk is being enlarged' })).status).toBe(204)
    expect((await as('secret-1', '/incident/1/resolve')).status).toBe(204)
    expect((await as('secret-1', '/incident/1/resolve', { note: 'again' })).status).toBe(204)
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'ada' }])
    expect(await eventsOf(1)).toEqual([
      'opened',
      'acknowledged ada on it',
      'commented ada the disk is being enlarged',
      'resolved ada',
      'commented ada again',
    ])
    expectError(await as('secret-1', '/incident/1/acknowledge'), 409, 'incident_resolved')
    expect((await as('secret-1', '/incident/1/comment', { note: 'afterwards' })).status).toBe(204)
  })

  it('needs a token that may write, a known incident and a comment with words', async () => {
    await run(10, false)
    expectError(await as('secret-2', '/incident/1/resolve'), 403, 'read_only_token')
    for (const action of ['acknowledge', 'resolve', 'comment']) {
      expectError(await post(`/incident/9/${action}`, { note: 'x' }), 404, 'incident_not_found')
      expectError(await post(`/incident/x/${action}`, { note: 'x' }), 422, 'validation_failed', ['path', 'id'])
      expectError(await post(`/incident/1/${action}`, { note: 'x'.repeat(2001) }), 422, 'validation_failed', ['body', 'note'])
    }
    expectError(await post('/incident/1/comment', {}), 422, 'validation_failed', ['body', 'note'])
    expectError(await get('/incident/9'), 404, 'incident_not_found')
  })
})

describe('GET /incident', () => {
  it('filters, and pages from the newest', async () => {
    const others = [await makePipeline(), await makePipeline()]
    await run(10, false)
    for (const other of others) {
      const id = await startRun({ pipeline_id: other })
      advanceClock(60)
      await post('/end_pipeline_execution', { id, completed_successfully: false })
    }
    await post('/incident/1/acknowledge')
    await post('/incident/2/resolve')
    const ids = async (query: string) => (await read(query)).map(({ id }) => id)
    expect(await ids('')).toEqual([3, 2, 1])
    expect(await ids('?state=open')).toEqual([3])
    expect(await ids('?state=open,Acknowledged')).toEqual([3, 1])
    expect(await ids('?state=resolved')).toEqual([2])
    expect(await ids(`?pipeline_id=${others[1]}`)).toEqual([3])
    expect(await ids('?kind=failed&severity=warning')).toEqual([3, 2, 1])
    expect(await ids('?kind=late')).toEqual([])
    expect(await ids('?opened_after=2026-03-10T12:00:30Z')).toEqual([3, 2])
    const first = await get('/incident?limit=2')
    expect(first.body.map(({ id }: { id: number }) => id)).toEqual([3, 2])
    expect(first.headers.get('link')).toBe('<https://watcher.test/incident?limit=2&before_id=2>; rel="next"')
    expect((await get('/incident?limit=2&before_id=2')).headers.get('link')).toBeNull()
    for (const query of ['state=done', 'kind=odd', 'severity=loud', 'pipeline_id=x', 'opened_after=now', 'after_id=1']) {
      expectError(await get(`/incident?${query}`), 422, 'validation_failed', ['query', query.split('=')[0] ?? ''])
    }
  })
})
