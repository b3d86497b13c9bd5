import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, get, makePipeline, patch, post, slowInserts, sql } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, openBackground, recordRun, setClock } from '../support/background.ts'

/** What another setting, a mute, a deactivation or time alone does to open incidents. */

const HOUR = 3_600

let background: Background
let pipeline_id: number
let type: string

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job, incident restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  type = 'etl'
  pipeline_id = await makePipeline({ pipeline_type_name: type })
})
afterEach(() => vi.useRealTimers())

const read = async (query = '') => (await get(`/incident${query}`)).body as Record<string, unknown>[]
const endOf = async (id: number) =>
  ((await get(`/incident/${id}`)).body.events as { kind: string; text: string | null }[])
    .filter(({ kind }) => kind === 'resolved')
    .map(({ text }) => text)
const check = async (what: 'timeliness' | 'freshness') => {
  advanceClock(1)
  await background.post(`/${what}`)
  await drain(background)
}

describe('a late run', () => {
  beforeEach(async () => {
    await patch('/pipeline_type', { name: type, timeliness_number: 10, timeliness_datepart: 'minute' })
    await recordRun(background, pipeline_id, 30, null)
    await check('timeliness')
    expect(await read()).toMatchObject([{ kind: 'late', state: 'open' }])
  })

  it('is over with the next check when its type is muted, and people hear nothing of it; unmuted, and late still, it opens anew', async () => {
    const posts = await background.slack.posts()
    await patch('/pipeline_type', { name: type, mute_timeliness_check: true })
    await check('timeliness')
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'muted' }])
    expect(await background.slack.posts()).toBe(posts)
    await patch('/pipeline_type', { name: type, mute_timeliness_check: false })
    await check('timeliness')
    expect(await read()).toMatchObject([{ id: 2, state: 'open', occurrences: 1 }, { id: 1 }])
    await check('timeliness')
    expect(await read()).toMatchObject([{ id: 2, state: 'open', occurrences: 1 }, { id: 1 }])
    expect((await background.slack.messages()).at(-1)).toContain(
      'Message: Pipeline Execution Timeliness Check Failed - 1 execution(s) overdue',
    )
  })

  it.each([
    ['removed', null, null],
    ['longer', 1, 'hour'],
  ])(
    'is over when the threshold is %s: at once if it is its own, with the next check if it is its type’s',
    async (_what, number, datepart) => {
      await patch('/pipeline_type', { name: type, timeliness_number: number, timeliness_datepart: datepart })
      expect(await read()).toMatchObject([{ state: 'open' }])
      await check('timeliness')
      expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
      const other = await makePipeline({ timeliness_number: 5, timeliness_datepart: 'minute' })
      await recordRun(background, other, 30, null)
      await check('timeliness')
      expect(await read('?state=open')).toMatchObject([{ pipeline_id: other }])
      await patch('/pipeline', { id: other, timeliness_number: number, timeliness_datepart: datepart })
      expect(await read('?state=open')).toEqual([])
      expect(await endOf(2)).toEqual(['The threshold has changed'])
    },
  )

  it('that a person has resolved stays so when a mute is taken back', async () => {
    await post('/incident/1/resolve')
    await patch('/pipeline', { id: pipeline_id, mute_timeliness_check: true })
    await patch('/pipeline', { id: pipeline_id, mute_timeliness_check: false })
    await check('timeliness')
    expect(await read('?state=open')).toEqual([])
  })

  it('that was found only after its end is over a day later, if nothing came', async () => {
    const other = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
    await recordRun(background, other, 40, 5)
    await check('timeliness')
    advanceClock(23.9 * HOUR)
    await check('timeliness')
    expect(await read('?state=open')).toHaveLength(2)
    advanceClock(0.2 * HOUR)
    await check('timeliness')
    expect(await read('?state=open')).toMatchObject([{ pipeline_id }]) // this one still runs
  })

  it('that is late again a day later is counted, and stays; soon after its end it is told again', async () => {
    const other = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
    const ofOther = () => read(`?pipeline_id=${other}`)
    for (const occurrences of [1, 2]) {
      await recordRun(background, other, 40, 5)
      await check('timeliness')
      expect(await ofOther()).toMatchObject([{ state: 'open', occurrences }])
      advanceClock(24 * HOUR)
    }
    await check('timeliness')
    expect(await ofOther()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
    advanceClock(600)
    await recordRun(background, other, 40, 5)
    await check('timeliness')
    expect(await ofOther()).toMatchObject([{ state: 'open', occurrences: 3 }])
  })

  it('that exceeds a longer threshold too is late again', async () => {
    const other = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
    await recordRun(background, other, 30, null)
    await check('timeliness')
    await patch('/pipeline', { id: other, timeliness_number: 1, timeliness_datepart: 'hour' })
    expect(await read(`?state=open&pipeline_id=${other}`)).toEqual([])
    await check('timeliness')
    expect(await read(`?state=open&pipeline_id=${other}`)).toEqual([])
    advanceClock(HOUR)
    await check('timeliness')
    await check('timeliness')
    expect(await read(`?state=open&pipeline_id=${other}`)).toMatchObject([{ occurrences: 1 }])
  })

  it.each([
    ['succeeds', true, []],
    ['fails', false, ['failed']],
  ])('that %s while the check opens its incident is not late any more', async (_what, completed_successfully, open) => {
    const other = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
    const id = await recordRun(background, other, 20, null)
    await slowInserts(
      'incident',
      () => check('timeliness'),
      () => post('/end_pipeline_execution', { id, completed_successfully }),
    )
    await check('timeliness')
    expect((await read(`?state=open&pipeline_id=${other}`)).map(({ kind }) => kind)).toEqual(open)
  })

  it('of a pipeline that is muted while the check opens its incident is over with the next check', async () => {
    const other = await makePipeline({ timeliness_number: 10, timeliness_datepart: 'minute' })
    await recordRun(background, other, 20, null)
    await slowInserts(
      'incident',
      () => check('timeliness'),
      () => patch('/pipeline', { id: other, mute_timeliness_check: true }),
    )
    await check('timeliness')
    expect(await read(`?pipeline_id=${other}`)).toMatchObject([{ kind: 'late', state: 'resolved', resolved_by: 'muted' }])
  })
})

describe('a failed run', () => {
  it('of a pipeline that is deactivated at that moment is over with the next check', async () => {
    const id = await recordRun(background, pipeline_id, 20, null)
    await slowInserts(
      'incident',
      () => post('/end_pipeline_execution', { id, completed_successfully: false }),
      () => patch('/pipeline', { id: pipeline_id, active: false }),
    )
    await check('timeliness')
    expect(await read()).toMatchObject([{ kind: 'failed', state: 'resolved', resolved_by: 'muted' }])
  })
})

describe('a stale pipeline', () => {
  beforeEach(async () => {
    await patch('/pipeline', { id: pipeline_id, freshness_number: 1, freshness_datepart: 'hour' })
    await recordRun(background, pipeline_id, 130, 120, { inserts: 5 })
    await check('freshness')
    expect(await read()).toMatchObject([{ kind: 'stale', state: 'open' }])
  })

  it('is over when its type is muted, and people hear nothing of it', async () => {
    const posts = await background.slack.posts()
    await patch('/pipeline_type', { name: type, mute_freshness_check: true })
    await check('freshness')
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'muted' }])
    expect(await background.slack.posts()).toBe(posts)
  })

  it.each([
    ['removed', { freshness_number: null, freshness_datepart: null }],
    ['longer', { freshness_number: 5, freshness_datepart: 'hour' }],
  ])('is over at once when its threshold is %s', async (_what, change) => {
    await patch('/pipeline', { id: pipeline_id, ...change })
    expect(await read()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
  })

  it('that a person has resolved stays so while its last change is the same: renamed, by another spelling of the threshold, after the cleanup', async () => {
    await post('/incident/1/resolve')
    await patch('/pipeline', { id: pipeline_id, name: 'renamed' })
    await patch('/pipeline', { id: pipeline_id, freshness_number: 60, freshness_datepart: 'minute' })
    await check('freshness')
    expect(await read('?state=open')).toEqual([])
    advanceClock(400 * 24 * HOUR)
    await fireCron(background, CRONS.daily, new Date())
    await drain(background)
    await check('freshness')
    expect(await read('?kind=stale')).toMatchObject([{ id: 1, state: 'resolved' }])
    await recordRun(background, pipeline_id, 100, 90, { inserts: 5 })
    await check('freshness')
    expect(await read('?state=open&kind=stale')).toMatchObject([{ id: 2 }])
  })
})

describe('a token', () => {
  it.each(['auto', 'muted'])('must not be called %s: incidents say so that nobody has resolved them', async (name) => {
    const { status, body } = await call('GET', '/pipeline', undefined, {}, { WATCHER_API_TOKENS: `${name}:secret-1` })
    expect(status).toBe(503)
    expect(JSON.stringify(body)).toContain(`must have no token with the name ${name}`)
  })
})
