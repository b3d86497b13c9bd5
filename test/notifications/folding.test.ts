import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { countOf, expectError, makePipeline, slowInserts, sql } from '../support/api.ts'
import {
  advanceClock,
  type Background,
  deliverJob,
  drain,
  fireCron,
  jobsOf,
  openBackground,
  openChannel,
  recordRun,
  setClock,
} from '../support/background.ts'
import { onCall } from '../support/on-call.ts'

let background: Background

beforeEach(async () => {
  background = openBackground()
  Object.assign(background.settings, {
    WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)),
    WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true',
    WATCHER_ALERT_FORMAT: 'full',
  })
  await sql('truncate pipeline, pipeline_type, address, job, incident, channel, silence restart identity cascade')
  setClock('2026-03-10T12:00:00Z') // a Tuesday
})
afterEach(() => vi.useRealTimers())

const { api, post, open, pipe, fail, succeed, pass, makeChannel } = onCall(() => background)
const told = async (): Promise<string[]> =>
  (await background.slack.messages()).map((text) => {
    const [, what = ''] = /Message: (.*)/.exec(text) ?? []
    const names = [...text.matchAll(/• ([\w-]+) \(ID/g)].map((match) => match[1])
    return `${what}: ${names.join(', ')}`
  })
const eventsOf = async (id: number) =>
  (await api('GET', `/incident/${id}`)).body.events.map(({ kind, text }: { kind: string; text: string }) => [kind, text])

describe('cause and effect', () => {
  it('what an open incident upstream causes is folded under it, at any distance; what is open half an hour after its end is told', async () => {
    const [load, , report, other] = [
      await pipe('load', ['shop'], ['orders']),
      await pipe('clean', ['orders'], ['clean-orders']),
      await pipe('report', ['clean-orders'], ['report']),
      await pipe('other', ['weather'], ['forecast']),
    ]
    await fail(load)
    await fail(report)
    await fail(other)
    expect(await open()).toMatchObject([
      { id: 3, caused_by: null },
      { id: 2, caused_by: 1 },
      { id: 1, caused_by: null },
    ])
    expect(await told()).toEqual(['Pipeline Execution Failed - 1 pipeline(s): load', 'Pipeline Execution Failed - 1 pipeline(s): other'])
    expect(await eventsOf(2)).toEqual([
      ['opened', null],
      ['folded', 'under incident 1'],
    ])
    expect((await background.slack.messages())[0]).toContain('\nDownstream: 2 pipelines')
    await pass(60)
    await succeed(load)
    expect((await told()).at(-1)).toBe('1 incident(s) resolved: load')
    await pass(1_799)
    expect(await told()).toHaveLength(3)
    await pass(2)
    expect((await told()).at(-1)).toBe('Pipeline Execution Failed - 1 pipeline(s): report')
    expect((await background.slack.messages()).at(-1)).toContain('\nCaused by: load (failed)\n')
    await pass(60)
    await succeed(report)
    expect((await told()).at(-1)).toBe('1 incident(s) resolved: report')
  })

  it('what came right by itself meanwhile is never told', async () => {
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    await fail(load)
    await fail(report)
    await pass(60)
    await succeed(load)
    await succeed(report)
    await pass(3_600)
    expect(await told()).toEqual(['Pipeline Execution Failed - 1 pipeline(s): load', '1 incident(s) resolved: load'])
  })

  it('a channel that does not hear of the cause is told of the effect, with the cause named', async () => {
    const [load, report] = [
      await pipe('load', ['shop'], ['orders'], { owner: 'a' }),
      await pipe('report', ['orders'], ['report'], { owner: 'b' }),
    ]
    const own = await makeChannel({ owners: ['b'] })
    await fail(load)
    await fail(report)
    expect(await background.slack.posts()).toBe(1)
    expect((await own.messages())[0]).toContain('\nCaused by: load (failed)\n')
  })

  it('who was told of the effect at once is not told again when the cause is over', async () => {
    const [load, report] = [
      await pipe('load', ['shop'], ['orders'], { owner: 'a' }),
      await pipe('report', ['orders'], ['report'], { owner: 'b' }),
    ]
    const [own, broken] = [await makeChannel({ owners: ['b'], send_resolved: false }), await makeChannel({ owners: ['b'] })]
    await broken.answers({ status: 404 })
    await fail(load)
    await fail(report)
    await pass(60)
    await succeed(load)
    await pass(1_900)
    expect([await own.posts(), await broken.posts(), await background.slack.posts()]).toEqual([1, 1, 3])
    expect(await countOf(`job where state not in ('succeeded', 'failed')`)).toBe(0)
  })

  it('a cause that opens after its effects becomes their cause; the next message says how many there are', async () => {
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    await fail(report)
    await pass(60)
    await fail(load)
    expect(await open()).toMatchObject([
      { id: 2, caused_by: null },
      { id: 1, caused_by: 2 },
    ])
    expect((await background.slack.messages())[1]).toContain('\nCauses: 1 more incident downstream\n')
  })

  it.each([
    ['delayed', async (id: number) => api('PATCH', '/pipeline', { id, alert_delay_minutes: 10 }), 600],
    ['silenced', async (id: number) => post('/silence', { ends_at: '2026-03-10T12:10:00Z', pipeline_id: id, reason: 'x' }), 600],
  ])('what a %s cause holds is told after that time, also if somebody has acknowledged the cause', async (_how, hold, seconds) => {
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    expect((await hold(load)).status).toBeLessThan(300)
    await fail(load)
    await fail(report)
    await post('/incident/1/acknowledge')
    await pass(seconds - 1)
    expect(await told()).toEqual([])
    await pass(2)
    expect(await told()).toEqual(['Pipeline Execution Failed - 1 pipeline(s): report'])
  })

  it('what is folded while its cause comes right is told half an hour later', async () => {
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    await fail(load)
    await pass(60)
    await recordRun(background, report, 1, 0, { completed_successfully: false })
    await slowInserts(
      'incident_event',
      () => drain(background),
      () => recordRun(background, load, 1, 0),
    )
    await drain(background)
    expect((await told()).at(-1)).toBe('1 incident(s) resolved: load')
    await pass(1_801)
    expect((await told()).at(-1)).toBe('Pipeline Execution Failed - 1 pipeline(s): report')
  })

  it('a channel that heard of the cause, and not of what causes that one, is told of the effect', async () => {
    const channel = await makeChannel({ owners: ['b'] })
    const [source, load, report] = [
      await pipe('source', ['shop'], ['raw'], { owner: 'a' }),
      await pipe('load', ['raw'], ['orders'], { owner: 'b' }),
      await pipe('report', ['orders'], ['report'], { owner: 'b' }),
    ]
    await fail(load)
    await fail(report)
    expect(await channel.posts()).toBe(1)
    await fail(source)
    expect(await open()).toMatchObject([
      { id: 3, caused_by: null },
      { id: 2, caused_by: 3 },
      { id: 1, caused_by: 3 },
    ])
    expect((await channel.messages()).slice(1)).toEqual([expect.stringContaining('report (ID')])
    await succeed(load)
    await pass(2 * 86_400)
    expect(await channel.posts()).toBe(3)
  })

  it('has no cycles, and a cause has no cause', async () => {
    const names = ['a', 'b', 'c', 'd']
    const pipes: number[] = []
    for (const [index, name] of names.entries()) pipes.push(await pipe(name, [name], [names[(index + 1) % 4] as string]))
    for (const id of pipes.reverse()) {
      await fail(id)
      await pass(10)
    }
    const incidents = await open()
    const roots = incidents.filter(({ caused_by }) => caused_by === null)
    expect(roots).toMatchObject([{ id: 1 }])
    expect(incidents.filter(({ caused_by }) => caused_by === 1)).toHaveLength(3)
    expect(await background.slack.posts()).toBe(1)
  })

  it('of one sweep is one message about the cause', async () => {
    const late = { timeliness_number: 10, timeliness_datepart: 'minute' }
    const [load, report] = [await pipe('load', ['shop'], ['orders'], late), await pipe('report', ['orders'], ['report'], late)]
    await recordRun(background, load, 60, null)
    await recordRun(background, report, 50, null)
    await post('/timeliness')
    await drain(background)
    const [message, ...more] = await background.slack.messages()
    expect(more).toEqual([])
    expect(message).toContain('2 execution(s) overdue') // the original's text lists all
    expect(message).toContain('\n\nload\n')
    expect(message).not.toContain('\n\nreport\n')
  })

  it('stale folds under failed of the same pipeline', async () => {
    const id = await pipe('load', ['shop'], ['orders'], { freshness_number: 1, freshness_datepart: 'hour' })
    await recordRun(background, id, 130, 120, { inserts: 5 })
    await fail(id)
    await post('/freshness')
    await drain(background)
    expect(await open()).toMatchObject([
      { kind: 'stale', caused_by: 1 },
      { kind: 'failed', caused_by: null },
    ])
    expect(await told()).toHaveLength(1)
  })

  it('an acknowledgement of more than a day ago is no cause any more', async () => {
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    await fail(load)
    await post('/incident/1/acknowledge')
    await pass(23 * 3_600)
    await fail(report)
    expect((await open())[0]).toMatchObject({ id: 2, caused_by: 1 })
    await succeed(report)
    await pass(2 * 3_600)
    await fail(report)
    expect((await open())[0]).toMatchObject({ id: 3, caused_by: null })
  })

  it('GET /incident/{id} and GET /address/{id}/impact answer what lies downstream, what is wrong first', async () => {
    const [load, clean, report] = [
      await pipe('load', ['shop'], ['orders']),
      await pipe('clean', ['orders'], ['clean-orders']),
      await pipe('report', ['clean-orders'], ['report']),
    ]
    await fail(report)
    await fail(load)
    const { affected } = (await api('GET', '/incident/2')).body
    expect(affected).toEqual({
      items: [
        { type: 'pipeline', id: report, name: 'report', distance: 2, incidents: ['failed'] },
        { type: 'address', id: expect.any(Number), name: 'orders', distance: 0, incidents: [] },
        { type: 'pipeline', id: clean, name: 'clean', distance: 1, incidents: [] },
        { type: 'address', id: expect.any(Number), name: 'clean-orders', distance: 1, incidents: [] },
        { type: 'address', id: expect.any(Number), name: 'report', distance: 2, incidents: [] },
      ],
      pipelines: 2,
      addresses: 3,
      left_out: 0,
    })
    const [shop] = (await api('GET', '/address?name=shop')).body
    expect((await api('GET', `/address/${shop.id}/impact`)).body).toMatchObject({ pipelines: 3, addresses: 4, left_out: 0 })
    expectError(await api('GET', '/address/999/impact'), 404, 'address_not_found')
  })
})

describe('a run that failed because a part did', () => {
  it('is caused by the failed part that ended last, whichever is told first, and nobody is told twice', async () => {
    const [dag, group, task, other] = [
      await makePipeline({ name: 'dag' }),
      await makePipeline({ name: 'group' }),
      await makePipeline({ name: 'task' }),
      await makePipeline({ name: 'other' }),
    ]
    const start = async (pipeline_id: number, parent_id?: number) =>
      (await post('/start_pipeline_execution', { pipeline_id, parent_id })).body.id as number
    const run = await start(dag)
    const inGroup = await start(group, run)
    const [first, last] = [await start(other, inGroup), await start(task, inGroup)]
    const failAt = async (id: number) => {
      advanceClock(1)
      expect((await post('/end_pipeline_execution', { id, completed_successfully: false })).status).toBe(204)
    }
    for (const id of [first, last, inGroup, run]) await failAt(id)
    await drain(background)
    const causes = async () =>
      Object.fromEntries(
        (await open()).map(({ id, pipeline_name, caused_by }: Record<string, unknown>) => [pipeline_name, [id, caused_by]]),
      )
    const found = await causes()
    expect([found.dag?.[1], found.group?.[1], found.task?.[1], found.other?.[1]]).toEqual([found.task?.[0], found.task?.[0], null, null])
    expect((await told()).join()).not.toMatch(/dag|group/)
  })

  it('is not told while the job of its part is at work, claimed by another worker', async () => {
    const [dag, task] = [await makePipeline({ name: 'dag' }), await makePipeline({ name: 'task' })]
    const run = (await post('/start_pipeline_execution', { pipeline_id: dag })).body.id
    const part = (await post('/start_pipeline_execution', { pipeline_id: task, parent_id: run })).body.id
    for (const id of [part, run]) await post('/end_pipeline_execution', { id, completed_successfully: false })
    const [ofPart, ofRun] = await jobsOf('notify')
    await sql("update job set state = 'running', attempts = 1, started_at = now() where id = $1", [ofPart?.id])
    await deliverJob(background, ofRun?.id ?? 0)
    expect(await told()).toEqual([])
    await sql("update job set state = 'waiting', attempts = 0, started_at = null where id = $1", [ofPart?.id])
    await deliverJob(background, ofPart?.id ?? 0)
    await drain(background)
    expect((await told()).join()).toMatch(/task/)
  })

  it('that is told later takes what its run has caused until then', async () => {
    const [dag, task] = [await pipe('dag', ['a'], ['b']), await makePipeline({ name: 'task' })]
    const reader = await pipe('reader', ['b'], ['c'])
    const start = async (pipeline_id: number, parent_id?: number) =>
      (await post('/start_pipeline_execution', { pipeline_id, parent_id })).body.id as number
    const run = await start(dag)
    const part = await start(task, run)
    const end_date = new Date(Date.now()).toISOString()
    advanceClock(5)
    await post('/end_pipeline_execution', { id: run, completed_successfully: false })
    await fail(reader)
    await drain(background)
    // The end of the part arrives after that of its run.
    await post('/end_pipeline_execution', { id: part, end_date, completed_successfully: false })
    await drain(background)
    const found = Object.fromEntries(
      (await open()).map(({ id, pipeline_name, caused_by }: Record<string, unknown>) => [pipeline_name, [id, caused_by]]),
    )
    expect([found.dag?.[1], found.reader?.[1], found.task?.[1]]).toEqual([found.task?.[0], found.task?.[0], null])
  })
})

describe('a silence', () => {
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()

  it('holds messages; what is still open at its end is one message', async () => {
    const pipes = [await makePipeline({ name: 'one' }), await makePipeline({ name: 'two' }), await makePipeline({ name: 'three' })]
    const created = await post('/silence', { ends_at: inHours(2), reason: 'the warehouse moves' })
    expect([created.status, created.body]).toEqual([
      201,
      expect.objectContaining({
        id: 1,
        starts_at: '2026-03-10T12:00:00.000000Z',
        ends_at: '2026-03-10T14:00:00.000000Z',
        created_by: 'anyone',
        weekly_days: null,
      }),
    ])
    for (const id of pipes) {
      await fail(id)
      await pass(60)
    }
    await succeed(pipes[1] as number)
    expect(await open()).toHaveLength(2)
    await pass(6_900)
    expect(await background.slack.posts()).toBe(0)
    expect(await eventsOf(1)).toEqual([
      ['opened', null],
      ['silenced', 'until 2026-03-10 14:00 UTC'],
    ])
    const held = { id: 1, until: '2026-03-10T14:00:00.000000Z', reason: 'the warehouse moves', created_by: 'anyone' }
    expect((await api('GET', '/incident/1')).body).toMatchObject({ silence: held, running_since: null })
    await pass(200)
    expect((await api('GET', '/incident/1')).body).toMatchObject({ silence: null })
    expect(await told()).toEqual(['Pipeline Execution Failed - 2 pipeline(s): one, three'])
    await succeed(pipes[0] as number)
    expect((await told()).at(-1)).toBe('1 incident(s) resolved: one')
  })

  it('ended early tells at once what it holds', async () => {
    const id = await makePipeline({ name: 'one' })
    await post('/silence', { ends_at: inHours(2), reason: 'x' })
    await fail(id)
    expect((await api('DELETE', '/silence/1')).status).toBe(204)
    await drain(background)
    expect(await told()).toEqual(['Pipeline Execution Failed - 1 pipeline(s): one'])
    expectError(await api('DELETE', '/silence/1'), 404, 'silence_not_found')
    expect((await api('GET', '/silence')).body).toEqual([])
  })

  it('ended early while something is put off tells that too', async () => {
    const id = await makePipeline({ name: 'one' })
    await post('/silence', { ends_at: inHours(24 * 30), reason: 'x' })
    await recordRun(background, id, 1, 0, { completed_successfully: false })
    await slowInserts(
      'job',
      () => drain(background),
      async () => expect((await api('DELETE', '/silence/1')).status).toBe(204),
    )
    await pass(1)
    expect(await told()).toEqual(['Pipeline Execution Failed - 1 pipeline(s): one'])
  })

  it('of one of two late pipelines keeps it out of the message about the other', async () => {
    const brief = { timeliness_number: 10, timeliness_datepart: 'minute' }
    const [quiet, other] = [await makePipeline({ name: 'quiet', ...brief }), await makePipeline({ name: 'other', ...brief })]
    await post('/silence', { ends_at: inHours(2), pipeline_id: quiet, reason: 'x' })
    for (const id of [quiet, other]) await recordRun(background, id, 30, null)
    await post('/timeliness')
    await drain(background)
    const [message = '', ...more] = await background.slack.messages()
    expect(more).toEqual([])
    expect(message).toContain('1 execution(s) overdue')
    expect(message).toContain(`(Pipeline ID: ${other})`)
    expect(message).not.toContain(`(Pipeline ID: ${quiet})`)
    await pass(7_300)
    expect((await background.slack.messages()).slice(1)).toEqual([expect.stringContaining(`(Pipeline ID: ${quiet})`)])
  })

  it('of some of very many counts only the others', async () => {
    await post('/silence', { ends_at: inHours(2), owner: 'quiet', reason: 'x' })
    const brief = { timeliness_number: 10, timeliness_datepart: 'minute' }
    for (let index = 0; index < 44; index += 1)
      await recordRun(background, await makePipeline({ ...brief, owner: index % 2 ? 'quiet' : 'loud' }), 40, null)
    await post('/timeliness')
    await drain(background)
    const [message = ''] = await background.slack.messages()
    expect(message).toContain('22 execution(s) overdue')
    expect(message).toContain('and 2 more')
  })

  const matchers: [string, Record<string, unknown>, boolean][] = [
    ['the pipeline', { pipeline_id: 1 }, true],
    ['another pipeline', { pipeline_id: 2 }, false],
    ['the type', { pipeline_type_id: 1 }, true],
    ['the owner', { owner: 'team' }, true],
    ['another owner', { owner: 'others' }, false],
    ['a tag', { tag: 'x' }, true],
    ['another tag', { tag: 'y' }, false],
    ['the kind', { kind: 'failed' }, true],
    ['another kind', { kind: 'late' }, false],
    ['two of which one does not match', { owner: 'team', kind: 'late' }, false],
    ['one that begins later', { starts_at: '2026-03-10T13:00:00Z' }, false],
  ]
  it.each(matchers)('matches by %s', async (_what, fields, isHeld) => {
    const id = await makePipeline({ name: 'one', owner: 'team', tags: ['x'] })
    await makePipeline({ name: 'two', owner: 'team' })
    expect((await post('/silence', { ends_at: inHours(2), reason: 'x', ...fields })).status).toBe(201)
    await fail(id)
    expect(await background.slack.posts()).toBe(isHeld ? 0 : 1)
  })

  it('lets the end of what was told before pass', async () => {
    const id = await makePipeline({ name: 'one' })
    await fail(id)
    await post('/silence', { ends_at: inHours(2), reason: 'x' })
    await pass(60)
    await succeed(id)
    expect(await told()).toHaveLength(2)
  })

  it('by a weekly window begins and ends in its own time zone, and critical incidents pass unless it includes them', async () => {
    const id = await makePipeline({ name: 'one' })
    const weekly = { days: ['tue', 'fri'], from: '22:00', to: '06:00', timezone: 'Europe/Berlin' }
    expect((await post('/silence', { weekly, reason: 'nights' })).body).toMatchObject({
      weekly_days: [2, 5],
      weekly_from: '22:00:00',
      ends_at: null,
    })
    setClock('2026-03-10T20:59:00Z') // 21:59 in Berlin
    await fail(id)
    expect(await background.slack.posts()).toBe(1)
    await succeed(id)
    setClock('2026-03-11T03:00:00Z') // Wednesday, 04:00
    await fail(id)
    expect(await background.slack.posts()).toBe(2)
    setClock('2026-03-11T04:59:00Z')
    await drain(background)
    expect(await background.slack.posts()).toBe(2)
    setClock('2026-03-11T05:01:00Z')
    await drain(background)
    expect(await background.slack.posts()).toBe(3)
    await succeed(id)
    setClock('2026-03-11T22:00:00Z') // Wednesday: no window
    await fail(id)
    expect(await background.slack.posts()).toBe(5)
    await succeed(id)

    await api('PATCH', '/pipeline', { id, severity: 'critical' })
    setClock('2026-03-13T22:00:00Z') // Friday
    await fail(id)
    expect(await background.slack.posts()).toBe(7)
    await succeed(id)
    await post('/silence', { weekly, include_critical: true, reason: 'nights' })
    setClock('2026-03-13T23:00:00Z')
    await fail(id)
    expect(await background.slack.posts()).toBe(8)
  })

  it('is refused if it never ends, is too long or matches nothing there is', async () => {
    const faults: [Record<string, unknown>, string][] = [
      [{}, 'ends_at'],
      [{ ends_at: '2026-03-10T11:00:00Z' }, 'ends_at'],
      [{ ends_at: '2026-06-30T11:00:00Z' }, 'ends_at'],
      [{ ends_at: inHours(2), starts_at: inHours(3) }, 'ends_at'],
      [{ ends_at: inHours(2), pipeline_id: 99 }, 'pipeline_id'],
      [{ ends_at: inHours(2), kind: 'odd' }, 'kind'],
      [{ weekly: { days: [], from: '22:00', to: '06:00' } }, 'weekly'],
      [{ weekly: { days: ['mon'], from: '25:00', to: '06:00' } }, 'weekly'],
      [{ weekly: { days: ['mon'], from: '22:00', to: '06:00', timezone: 'Mars' } }, 'weekly'],
    ]
    for (const [fields, field] of faults) {
      const { status, body } = await post('/silence', { reason: 'x', ...fields })
      expect([fields, status, body.detail[0].loc.slice(0, 2)]).toEqual([fields, 422, ['body', field]])
    }
    expectError(await post('/silence', { ends_at: inHours(2) }), 422, 'validation_failed', ['body', 'reason'])
    expect(await countOf('silence')).toBe(0)
  })

  it('loses nothing at the moment of its end, when more comes', async () => {
    const pipes = await Promise.all(Array.from({ length: 6 }, (_, index) => makePipeline({ name: `p${index}` })))
    await post('/silence', { ends_at: inHours(1), reason: 'x' })
    await fail(pipes[0] as number)
    setClock('2026-03-10T12:59:59.900Z')
    const more = pipes.slice(1).map((id) => recordRun(background, id, 1, 0, { completed_successfully: false }))
    await Promise.all(more)
    const held = background.queue.take()
    setClock('2026-03-10T13:00:00.500Z')
    background.queue.sent.push(...held)
    await Promise.all([drain(background), drain(background)])
    await pass(120)
    const names = (await told()).flatMap((line) => line.split(': ')[1]?.split(', ') ?? [])
    expect(names.sort()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5'])
  })
})

describe('a reminder', () => {
  const tick = async () => {
    await fireCron(background, CRONS.quarterHourly, new Date(Math.floor(Date.now() / 900_000) * 900_000))
    await drain(background)
  }

  it('comes while an incident is open and nobody has it', async () => {
    const channel = await makeChannel({ repeat_minutes: 60, kinds: ['failed'] })
    const id = await makePipeline({ name: 'one' })
    await fail(id)
    await pass(3_000)
    await tick()
    expect(await channel.posts()).toBe(1)
    await pass(900)
    await tick()
    await tick()
    expect(await channel.posts()).toBe(2)
    expect((await channel.messages())[1]).toContain('\nStill open, and nobody has it\n')
    expect(await background.slack.posts()).toBe(1) // the channel of the environment reminds only of what is critical
    await post('/incident/1/acknowledge')
    await pass(23 * 3_600)
    await tick()
    expect(await channel.posts()).toBe(2)
    await pass(2 * 3_600)
    await tick()
    expect(await channel.posts()).toBe(3)
    expect((await channel.messages())[2]).toContain('\nStill open; anyone has had it since 2026-03-10 13:05:00 UTC\n')
    await succeed(id)
    await pass(7_200)
    await tick()
    expect(await channel.posts()).toBe(4)
    expect((await channel.messages()).at(-1)).toContain('RESOLVED')
  })

  it('of a critical incident comes every four hours without any setting, and not while it is silenced', async () => {
    const channel = await makeChannel({ kinds: ['failed'] })
    await fail(await makePipeline({ name: 'one', severity: 'critical' }))
    await fail(await makePipeline({ name: 'two' }))
    await post('/silence', { ends_at: '2026-03-10T17:00:00Z', reason: 'x' })
    await pass(4.5 * 3_600)
    await tick()
    expect(await channel.posts()).toBe(2)
    await pass(3_600)
    await tick()
    expect(await channel.posts()).toBe(3)
    expect((await channel.messages())[2]).toContain('one (ID')
    expect((await channel.messages())[2]).not.toContain('two (ID')
    const reminders = (await background.slack.messages()).filter((text) => text.includes('Still open'))
    expect(reminders).toEqual([expect.stringContaining('one (ID')]) // so does the channel of the environment
  })

  it('comes once, however many ticks come late and at once', async () => {
    const channel = await makeChannel({ repeat_minutes: 60 })
    await fail(await makePipeline({ name: 'one' }))
    advanceClock(6 * 3_600)
    for (let index = 6; index >= 0; index -= 1) {
      await fireCron(background, CRONS.quarterHourly, new Date((Math.floor(Date.now() / 900_000) - index) * 900_000))
    }
    await drain(background)
    expect(await channel.posts()).toBe(2)
  })

  it('is not written behind the end that comes at that moment', async () => {
    const channel = await makeChannel({ repeat_minutes: 60 })
    const id = await makePipeline({ name: 'one' })
    await fail(id)
    advanceClock(2 * 3_600)
    await slowInserts('notification', tick, () => recordRun(background, id, 1, 0))
    await drain(background)
    expect((await channel.messages()).at(-1)).toContain('RESOLVED')
  })

  it('and the end name what the incident has caused', async () => {
    const channel = await makeChannel({ repeat_minutes: 60 })
    const [load, report] = [await pipe('load', ['shop'], ['orders']), await pipe('report', ['orders'], ['report'])]
    await pipe('idle', ['orders'], ['idle'])
    await fail(load)
    await fail(report)
    await pass(3_600)
    await tick()
    expect((await channel.messages()).at(-1)).toContain('\nCauses: 1 more incident downstream: report (failed)\n')
    await succeed(load)
    expect((await channel.messages()).at(-1)).toContain('. It caused report (failed, still open)')
  })

  it('renews the alerts of an Alertmanager with each tick', async () => {
    const channel = openChannel()
    await post('/channel', { name: 'am', kind: 'alertmanager', settings: { url: channel.url } })
    const alerts = openChannel(`${channel.url}/api/v2/alerts`)
    const id = await makePipeline({ name: 'one' })
    await tick()
    expect(await alerts.posts()).toBe(0)
    await fail(id)
    await pass(900)
    await tick()
    const ends = (await alerts.taken()).map(({ body }) => JSON.parse(body)[0].endsAt)
    expect(ends).toEqual(['2026-03-10T12:45:00.000000Z', '2026-03-10T13:00:00.000000Z'])
    await succeed(id)
    await pass(900)
    await tick()
    expect(await alerts.posts()).toBe(3)
  })
})
