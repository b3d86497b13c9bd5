import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { expectError, get, makePipeline, patch, post, race, sql, startRun } from '../support/api.ts'
import { advanceClock, setClock } from '../support/background.ts'

let pipeline_id: number

beforeEach(async () => {
  await sql('truncate pipeline, pipeline_type, job, incident restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  pipeline_id = await makePipeline({ watermark_check: {} })
})
afterEach(() => vi.useRealTimers())

/** A good run from one watermark to another; without them: from the pipeline's, and nowhere. */
const load = async (next_watermark?: unknown, more: Record<string, unknown> = {}): Promise<number> => {
  advanceClock(60)
  const id = await startRun({ pipeline_id, next_watermark, ...more })
  expect((await post('/end_pipeline_execution', { id, completed_successfully: true })).status).toBe(204)
  return id
}
const check = (watermark_check: unknown) => patch('/pipeline', { id: pipeline_id, watermark_check })
const incidents = async (query = '') => (await get(`/incident?kind=watermark${query}`)).body as Record<string, unknown>[]
const summaries = async (query = '') => (await incidents(query)).map(({ state, summary }) => `${state}: ${summary}`)

describe('a watermark that went back', () => {
  it('opens an incident, which the next run in order resolves', async () => {
    await load(100)
    await load(200)
    expect(await incidents()).toEqual([])
    const back = await load(150)
    expect(await incidents()).toMatchObject([
      {
        state: 'open',
        subject: '',
        opened_at: '2026-03-10T12:03:00.000000Z',
        first_execution_id: back,
        summary: `Run ${back} set the watermark back from 200 to 150: the next run loads rows again`,
      },
    ])
    const next = await load(160)
    const [resolved] = await incidents()
    expect(resolved).toMatchObject({ state: 'resolved', resolved_by: 'auto' })
    const { events } = (await get(`/incident/${resolved?.id}`)).body as { events: { kind: string; text: string | null }[] }
    expect(events.at(-1)).toMatchObject({ kind: 'resolved', text: `The watermark of run ${next} is in order` })
  })

  it('is right where that is allowed', async () => {
    await check({ allow_regress: true })
    await load(200)
    await load(150)
    expect(await incidents()).toEqual([])
  })

  it.each([
    ['integers by value, not as text', '9', '10', false],
    ['integers beyond 2^53', '1736454645123456789', '1736454645123456788', true],
    ['negative integers', '-5', '-6', true],
    ['instants by their offsets', '2026-03-10T12:00:00+02:00', '2026-03-10T10:30:00Z', false],
    ['instants without an offset as UTC', '2026-03-10T12:00:00Z', '2026-03-10 12:00:01', false],
    ['an earlier one without an offset', '2026-03-10T12:00:00Z', '2026-03-10 11:59:59', true],
    ['a date as its midnight', '2026-03-10', '2026-03-09T23:59:59Z', true],
    ['nanoseconds', '2026-03-10T12:00:00.123456789Z', '2026-03-10T12:00:00.123456788Z', true],
    ['what only looks like an instant: not at all', '2026-02-31', '2026-02-30', false],
    ['other text: not at all', 'part-b', 'part-a', false],
    ['an integer and an instant: not at all', '2026-03-10', '5', false],
  ])('compares %s', async (_what, from, to, isBack) => {
    await load(from)
    await load(to)
    expect((await incidents('&state=open')).length).toBe(isBack ? 1 : 0)
    const [row] = await sql(`select watermark from pipeline where id = ${pipeline_id}`)
    expect(row).toEqual({ watermark: to })
  })
})

describe('a run that began beyond where the last good one stopped', () => {
  it('opens an incident; a failed run is no good one', async () => {
    await load(100)
    const failed = await startRun({ pipeline_id, watermark: 100, next_watermark: 200 })
    await post('/end_pipeline_execution', { id: failed, completed_successfully: false })
    const beyond = await load(300, { watermark: 200 })
    expect(await summaries()).toEqual([
      `open: Run ${beyond} began at 200, but the last good run stopped at 100: rows between them may be missing`,
    ])
    await load(400)
    expect(await incidents('&state=open')).toEqual([])
  })

  it('may do so by max_gap, in units or seconds; anywhere with null', async () => {
    await check({ max_gap: 1 })
    await load(100)
    await load(200, { watermark: 101 })
    expect(await incidents()).toEqual([])
    await load(300, { watermark: 202 })
    expect(await incidents('&state=open')).toHaveLength(1)
    await check({ max_gap: 90.5 })
    await load('2026-03-10T10:00:00Z')
    await load('2026-03-10T11:00:00Z', { watermark: '2026-03-10T10:01:30.5Z' })
    expect(await incidents('&state=open')).toEqual([])
    await load('2026-03-10T12:00:00Z', { watermark: '2026-03-10T11:01:31Z' })
    expect(await incidents('&state=open')).toHaveLength(1)
    await check({ max_gap: null })
    await load('2026-03-10T13:00:00Z', { watermark: '2026-03-10T12:30:00Z' })
    expect(await incidents('&state=open')).toEqual([])
  })

  it('and set it back is told as the worse of both', async () => {
    await load(100)
    const both = await load(50, { watermark: 120 })
    expect(await summaries()).toEqual([`open: Run ${both} set the watermark back from 100 to 50: the next run loads rows again`])
  })
})

describe('a watermark that does not move', () => {
  it('is wrong after so many good runs, and right with the first that moves it', async () => {
    await check({ stall_runs: 3 })
    await load(100)
    await load(100)
    await load()
    expect(await incidents()).toEqual([])
    await load(100)
    expect(await summaries()).toEqual(['open: 3 good runs in a row have not moved the watermark on: it is 100'])
    await load(100)
    expect(await incidents()).toMatchObject([{ state: 'open', occurrences: 2 }])
    await load(101)
    expect(await incidents('&state=open')).toEqual([])
    await load(101)
    await load(101)
    expect(await incidents('&state=open')).toEqual([])
  })

  it('is seen of any text, and of a pipeline that never had one', async () => {
    await check({ stall_runs: 2 })
    await load()
    await load()
    expect(await summaries()).toEqual(['open: 2 good runs in a row have not moved the watermark on: it is empty'])
    await load('part-b')
    await load('part-b')
    expect(await incidents('&state=open')).toEqual([])
    await load('part-b')
    expect(await incidents('&state=open')).toHaveLength(1)
  })

  it('is counted anew after a change by hand, of the watermark or of its check', async () => {
    await check({ stall_runs: 2 })
    await load(100)
    await load(100)
    await patch('/pipeline', { id: pipeline_id, watermark: 90 })
    await patch('/pipeline', { id: pipeline_id, next_watermark: 90 })
    await load()
    expect(await incidents()).toEqual([])
    await check({ stall_runs: 2, max_gap: 5 })
    await load()
    expect(await incidents()).toEqual([])
    await load()
    expect(await incidents()).toHaveLength(1)
  })

  it('counts each of many ends at once', async () => {
    await check({ stall_runs: 8 })
    await load(100)
    const ids: number[] = []
    for (let run = 0; run < 8; run += 1) ids.push(await startRun({ pipeline_id, start_date: `2026-03-10T11:0${run}:00Z` }))
    const writes = await race('update', 'pipeline_execution', ids.length, () =>
      Promise.all(ids.map((id) => post('/end_pipeline_execution', { id, completed_successfully: true }))),
    )
    expect(writes).toBe(ids.length)
    expect(await summaries()).toEqual(['open: 8 good runs in a row have not moved the watermark on: it is 100'])
  })
})

describe('the check', () => {
  it('is a setting of the pipeline, by POST and PATCH, with its defaults in the answer', async () => {
    const name = 'orders'
    await post('/pipeline', { name, pipeline_type_name: 'x', watermark_check: { stall_runs: 4 } })
    const read = async () => (await get(`/pipeline?name=${name}`)).body as { watermark_check: unknown }[]
    expect(await read()).toMatchObject([{ watermark_check: { stall_runs: 4, allow_regress: false, max_gap: 0 } }])
    await post('/pipeline', { name, pipeline_type_name: 'x', watermark_check: { allow_regress: true, max_gap: null } })
    expect(await read()).toMatchObject([{ watermark_check: { stall_runs: null, allow_regress: true, max_gap: null } }])
    await patch('/pipeline', { name, watermark_check: null })
    expect(await read()).toMatchObject([{ watermark_check: null }])
  })

  it.each([
    ['stall_runs', { stall_runs: 1 }, 'Must be between 2 and 10000'],
    ['stall_runs', { stall_runs: 2.5 }, 'Must be a whole number'],
    ['max_gap', { max_gap: -1 }, 'Must be between 0 and 9007199254740991'],
    ['max_gap', { max_gap: '1 hour' }, 'Must be a number'],
    ['allow_regress', { allow_regress: 'yes' }, 'Must be true or false'],
  ])('refuses a wrong %s', async (field, watermark_check, message) => {
    const answer = await check(watermark_check)
    expectError(answer, 422, 'validation_failed', ['body', 'watermark_check', field])
    expect(answer.body.detail[0].msg).toBe(message)
  })

  it('refuses a field that it does not know: a mistyped one would judge nothing', async () => {
    expect((await check({ stall_run: 3 })).status).toBe(422)
  })

  it('that is removed resolves its incident; so does deactivation', async () => {
    await load(100)
    await load(50)
    await check(null)
    expect(await incidents()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
    await load(10)
    expect(await incidents('&state=open')).toEqual([])
    await check({})
    await load(5)
    await patch('/pipeline', { id: pipeline_id, active: false })
    expect(await incidents('&state=open')).toEqual([])
    await load(4)
    expect(await incidents('&state=open')).toEqual([])
  })

  it('whose incident was opened while it was removed is over with the next good run', async () => {
    await load(100)
    await load(50)
    // The end had not committed when the check was removed: it saw no incident.
    await sql('update pipeline set watermark_check = null where id = $1', [pipeline_id])
    await load(40)
    expect(await incidents()).toMatchObject([{ state: 'resolved', resolved_by: 'auto' }])
  })

  it('that lets it go back sees that it does not get on', async () => {
    await check({ stall_runs: 3, allow_regress: true })
    for (const at of [100, 90, 90, 80]) await load(at)
    expect(await summaries()).toEqual(['open: 3 good runs in a row have not moved the watermark on: it is 80'])
  })

  it('says nothing of an end of more than a day ago: a backfill wakes nobody', async () => {
    await load(100)
    await load(50, { start_date: '2026-03-08T12:00:00Z' })
    const id = await startRun({ pipeline_id, next_watermark: 20, start_date: '2026-03-08T13:00:00Z' })
    await post('/end_pipeline_execution', { id, completed_successfully: true, end_date: '2026-03-08T13:30:00Z' })
    // The first of both ended now.
    expect(await incidents()).toMatchObject([{ occurrences: 1, details: { next: '50' } }])
  })

  it('tells of the incident as of any other, in the transaction of the end', async () => {
    await load(100)
    await load(50)
    expect(await sql("select kind, count(*) from job where kind = 'notify' group by kind")).toEqual([{ kind: 'notify', count: '1' }])
  })
})
