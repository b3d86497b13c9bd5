import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { rangeOf } from '../../src/pages/runs/period.ts'
import { lanesOf } from '../../src/pages/runs/timeline.tsx'
import { call, countRoundTrips, get, makePipeline, patch, post, sql, startRun } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, openBackground, recordRun, setClock } from '../support/background.ts'

const HTML = { accept: 'text/html' }
let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, address, job, incident, silence restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
})
afterEach(() => vi.useRealTimers())

const open = (path: string) => call('GET', path, undefined, HTML)
const textOf = async (path: string): Promise<string> => (await open(path)).body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
const runsOn = async (path: string): Promise<number[]> =>
  [...(await open(path)).body.matchAll(/<tr id="run-(\d+)"/g)].map(([, id]) => Number(id))
const pipelinesOn = async (path: string): Promise<number[]> =>
  [...(await open(path)).body.matchAll(/<tr id="pipeline-(\d+)"/g)].map(([, id]) => Number(id))
const tripsOf = async (path: string): Promise<number> => {
  const before = await countRoundTrips()
  await open(path)
  return (await countRoundTrips()) - before
}
const tick = async () => {
  await fireCron(background, CRONS.quarterHourly)
  await drain(background)
}

describe('/runs', () => {
  it('lists the runs of a period, newest first, by owner, tag, type, state and name, in one round trip', async () => {
    const finance = await makePipeline({ name: 'fin-orders', owner: 'finance', tags: ['nightly'], pipeline_type_name: 'dbt' })
    const sales = await makePipeline({ name: 'sales-clicks' })
    const good = await recordRun(background, finance, 90, 80, { total_rows: 5 })
    const failed = await recordRun(background, finance, 60, 50, { completed_successfully: false })
    const running = await recordRun(background, sales, 10, null)
    const old = await recordRun(background, sales, 3 * 1440, 3 * 1440 - 5)
    expect(await runsOn('/runs')).toEqual([running, failed, good])
    expect(await runsOn('/runs?period=7+d')).toEqual([running, failed, good, old])
    for (const query of ['owner=finance', 'tag=nightly', 'search=FIN-', 'type=1'])
      expect([query, await runsOn(`/runs?${query}`)]).toEqual([query, [failed, good]])
    expect(await runsOn('/runs?state=failed')).toEqual([failed])
    expect(await runsOn('/runs?state=running')).toEqual([running])
    expect(await runsOn('/runs?state=succeeded&owner=finance')).toEqual([good])
    expect(await runsOn('/runs?period=own&from=2026-03-07T11:00&to=2026-03-07T13:00')).toEqual([old])
    expect(await tripsOf('/runs?owner=finance')).toBe(1)
    expect(await textOf('/runs?owner=nobody')).toContain('No run matches')
  })

  it('says why a run failed, and what to send where a client sent nothing', async () => {
    const id = await makePipeline()
    await recordRun(background, id, 20, 10, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
    await recordRun(background, id, 9, 8, { completed_successfully: false })
    const text = await textOf('/runs')
    expect(text).toContain('disk full')
    expect(text).toContain('send execution_metadata.error with the end')
  })

  it('marks what runs longer than ever, and a run without rows where others have some', async () => {
    const id = await makePipeline()
    for (let hours = 10; hours >= 1; hours -= 1) await recordRun(background, id, hours * 60, hours * 60 - 5, { total_rows: 100 })
    const empty = await recordRun(background, id, 40, 38, { total_rows: 0 })
    await recordRun(background, id, 30, null)
    await tick()
    for (const path of ['/runs', `/pipelines/${id}`]) {
      const text = await textOf(path)
      expect(text).toContain('unusually long')
      expect(text).toContain('no rows')
    }
    expect((await open('/runs')).body).toMatch(new RegExp(`id="run-${empty}".*?no rows.*?badge idle[^>]*>.*?succeeded`, 's'))
    expect(await textOf('/overview')).toContain('12 runs in the last 24 hours: 1 no rows, 10 succeeded, 1 unusually long')
    const { body } = await open('/overview')
    expect(body).toMatch(new RegExp(`execution=${empty}"[^>]*><rect class="run anomalous"`))
  })

  it('compares a part with its own pipeline, and on its page leads from a failed run to the parts that failed, the deepest first', async () => {
    const [parent, step, inner] = [
      await makePipeline(),
      await makePipeline({ name: 'load-rates' }),
      await makePipeline({ name: 'copy-rates' }),
    ]
    for (let hours = 10; hours >= 1; hours -= 1) await recordRun(background, step, hours * 60, hours * 60 - 5, { total_rows: 100 })
    await tick()
    const start = async (pipeline_id: number, parent_id?: number): Promise<number> =>
      (await post('/start_pipeline_execution', { pipeline_id, start_date: '2026-03-10T11:30:00Z', parent_id })).body.id
    const end = (id: number, fields: Record<string, unknown>) =>
      post('/end_pipeline_execution', { id, end_date: '2026-03-10T11:40:00Z', ...fields })
    const run = await start(parent)
    const [failed, empty] = [await start(step, run), await start(step, run)]
    const deepest = await start(inner, failed)
    await end(deepest, { completed_successfully: false, execution_metadata: { error: 'no route to host' } })
    await end(failed, { completed_successfully: false })
    await end(empty, { total_rows: 0 })
    await end(run, { completed_successfully: false })
    const { body } = await open(`/pipelines/${parent}?execution=${run}`)
    const links = [...(/<dt>Failed parts<\/dt>.*?<\/dd>/s.exec(body)?.[0].matchAll(/href="([^"]*)">([^<]*)</g) ?? [])]
    expect(links.map(([, href, name]) => [href, name])).toEqual([
      [`/pipelines/${inner}?execution=${deepest}`, 'copy-rates'],
      [`/pipelines/${step}?execution=${failed}`, 'load-rates'],
    ])
    expect(await textOf(`/pipelines/${parent}?execution=${run}&parts=${run}`)).not.toContain('no rows')
    expect(await textOf(`/pipelines/${step}`)).toContain('no rows')
  })

  it('leads from an execution to its run', async () => {
    const id = await makePipeline()
    const run = await startRun({ pipeline_id: id })
    const { status, headers } = await open(`/executions/${run}`)
    expect([status, headers.get('location')]).toEqual([302, `/pipelines/${id}?execution=${run}`])
    expect((await open('/executions/999')).status).toBe(404)
    const part = await startRun({ pipeline_id: id, parent_id: run })
    expect((await open(`/pipelines/${id}?execution=${part}`)).body).toContain(`href="/executions/${run}"`)
  })

  it('takes own times the other way round if they are in the wrong order, and says so', async () => {
    expect(await textOf('/runs?period=own&from=2026-03-09T00:00&to=2026-03-08T00:00')).toContain('in the wrong order')
    expect(
      rangeOf({ period: 'own', from: '2026-01-01T00:00:00.000000Z', to: '2026-03-01T00:00:00.000000Z' }, '2026-03-10T12:00:00.000000Z'),
    ).toMatchObject({
      from: '2026-01-29T00:00:00.000000Z',
      note: expect.stringContaining('at most 31 days'),
    })
  })

  it.each([
    ['2026-03-10T12:00:00.000000Z', '2026-03-09T18:00:00.000000Z', '2026-03-10T08:00:00.000000Z'],
    ['2026-03-10T03:00:00.000000Z', '2026-03-09T18:00:00.000000Z', '2026-03-10T03:00:00.000000Z'],
    ['2026-03-10T19:00:00.000000Z', '2026-03-10T18:00:00.000000Z', '2026-03-10T19:00:00.000000Z'],
  ])('knows at %s when last night was', (now, from, to) => {
    expect(rangeOf({ period: 'last night' }, now)).toEqual({ from, to })
  })

  it('draws parts below the pipeline of their parent', () => {
    const run = (id: number, pipeline_id: number, parent_pipeline_id: number | null, start_date: string) =>
      ({ id, pipeline_id, parent_pipeline_id, start_date, pipeline_name: `p${pipeline_id}` }) as never
    const lanes = lanesOf([run(1, 7, null, '2'), run(2, 8, 7, '3'), run(3, 9, null, '1'), run(4, 7, 7, '4')])
    expect(lanes.map(({ pipelineId, depth, runs }) => [pipelineId, depth, runs.length])).toEqual([
      [9, 0, 1],
      [7, 0, 2],
      [8, 1, 1],
    ])
  })
})

describe('/pipelines', () => {
  it('lists all of them, the worst first, and sorts by any column, in one round trip', async () => {
    const quick = await makePipeline({ name: 'a-quick', owner: 'zoe', schedule_cron: '0 6 * * *' })
    const slow = await makePipeline({ name: 'b-slow', owner: 'amy', tags: ['big'] })
    const broken = await makePipeline({ name: 'c-broken' })
    const off = await makePipeline({ name: 'd-off' })
    await patch('/pipeline', { id: off, active: false })
    await recordRun(background, quick, 60, 59)
    await recordRun(background, slow, 50, 10)
    await recordRun(background, broken, 9, 8, { completed_successfully: false })
    await tick()
    expect(await pipelinesOn('/pipelines')).toEqual([broken, quick, slow, off])
    expect(await pipelinesOn('/pipelines?sort=name&order=desc')).toEqual([off, broken, slow, quick])
    expect((await pipelinesOn('/pipelines?sort=owner')).slice(0, 2)).toEqual([slow, quick])
    expect((await pipelinesOn('/pipelines?sort=time&order=desc')).slice(0, 2)).toEqual([slow, quick])
    expect((await pipelinesOn('/pipelines?sort=last&order=desc')).slice(0, 3)).toEqual([broken, slow, quick])
    expect((await pipelinesOn('/pipelines?sort=next'))[0]).toBe(quick)
    expect(await pipelinesOn('/pipelines?state=failed')).toEqual([broken])
    expect(await pipelinesOn('/pipelines?tag=big')).toEqual([slow])
    expect(await pipelinesOn('/pipelines?owner=zoe')).toEqual([quick])
    expect(await tripsOf('/pipelines')).toBe(1)
    expect((await open('/pipelines?sort=name&order=asc')).body).toContain('aria-sort="ascending"')
  })

  it('shows success rates of 30 days, as the counts by day have them', async () => {
    const id = await makePipeline()
    for (const minutes of [3000, 2990, 2980, 2970])
      await recordRun(background, id, minutes, minutes - 1, { completed_successfully: minutes !== 2990 })
    await tick()
    expect(await textOf('/pipelines')).toContain('75 % of 4')
    expect((await open('/pipelines')).body).toContain('aria-label="1 failed in 30 days"')
  })
})

describe('what is silenced or muted', () => {
  it('leaves the headline, keeps a mark, and has a filter', async () => {
    const quiet = await makePipeline({ name: 'quiet' })
    const loud = await makePipeline({ name: 'loud' })
    const muted = await makePipeline({ name: 'muted-one', mute_freshness_check: true })
    for (const id of [quiet, loud]) await recordRun(background, id, 9, 8, { completed_successfully: false })
    expect(await textOf('/overview')).toContain('2 failed')
    await post('/silence', { pipeline_id: quiet, ends_at: '2026-03-10T14:00:00Z', reason: 'we know' })
    const text = await textOf('/overview')
    expect(text).toContain('1 failed')
    expect(text).toContain('silenced')
    for (const path of ['/overview', '/pipelines']) {
      const names = async (state: string) => {
        const found = await textOf(`${path}?state=${state}`)
        return ['quiet', 'loud', 'muted-one'].filter((name) => found.includes(` ${name} `))
      }
      expect([path, await names('silenced'), await names('muted'), await names('failed')]).toEqual([
        path,
        expect.arrayContaining(['quiet']),
        expect.arrayContaining(['muted-one']),
        expect.arrayContaining(['loud']),
      ])
    }
    expect(await textOf(`/pipelines/${quiet}`)).toContain('failed, silenced')
    expect(await pipelinesOn('/pipelines?state=muted')).toEqual([muted])
    advanceClock(3 * 3600)
    expect(await textOf('/overview')).toContain('2 failed')
  })
})

describe('what hangs', () => {
  it('comes first, and says by how much it is over now', async () => {
    const limit = { timeliness_number: 5, timeliness_datepart: 'minute' }
    const [ended, hangs, longer] = [
      await makePipeline({ name: 'ended-late', ...limit }),
      await makePipeline({ name: 'hangs', ...limit }),
      await makePipeline({ name: 'hangs-longer', ...limit }),
    ]
    await recordRun(background, ended, 50, 10)
    await recordRun(background, hangs, 20, null)
    await recordRun(background, longer, 30, null)
    await background.post('/timeliness')
    await drain(background)
    advanceClock(600)
    const text = await textOf('/overview')
    const order = ['hangs-longer', 'hangs ', 'ended-late'].map((name) => text.indexOf(` ${name}`))
    expect(order).toEqual([...order].sort((left, right) => left - right))
    expect(text).toContain('Still runs, over by 35 min')
  })
})

describe('the search field', () => {
  const find = async (text: string) =>
    ((await get(`/search?search=${encodeURIComponent(text)}`)).body as { what: string; name: string; href: string }[]).map(
      ({ what, name, href }) => [what, name, href],
    )

  it('finds pipelines, addresses, runs, incidents, owners and types, by names and by ids', async () => {
    const id = await makePipeline({ name: 'orders-load', owner: 'order desk', load_lineage: true, pipeline_type_name: 'ordering' })
    await post('/address_lineage', {
      pipeline_id: id,
      source_addresses: [{ name: 'raw.orders', address_type_name: 'postgres', address_type_group_name: 'database' }],
      target_addresses: [{ name: 'mart.x', address_type_name: 'postgres', address_type_group_name: 'database' }],
    })
    const run = await recordRun(background, id, 9, 8, { completed_successfully: false })
    expect(await find('order')).toEqual([
      ['pipeline', 'orders-load', `/pipelines/${id}`],
      ['address', 'raw.orders', expect.stringMatching(/^\/lineage-graph\?address=\d+$/)],
      ['owner', 'order desk', '/pipelines?owner=order+desk'],
      ['type', 'ordering', '/pipelines?type=1'],
    ])
    expect((await find('orders_load')).map(([, name]) => name)).toEqual(['orders-load'])
    expect(await find(String(run))).toEqual(
      expect.arrayContaining([
        ['run', String(run), `/executions/${run}`],
        ['incident', '1', '/incidents/1'],
      ]),
    )
    for (const text of ['', '%', '_', "'", '\\', 'x'.repeat(151), '99999999999999999999'])
      expect([text, await find(text)]).toEqual([text, []])
    expect(await tripsOf('/search?search=order')).toBe(1)
  })

  it('shows the closest names first, and not too many', async () => {
    for (let index = 0; index < 9; index += 1) await makePipeline({ name: `the-load-${index}` })
    await makePipeline({ name: 'load-first' })
    const found = await find('load')
    expect(found).toHaveLength(6)
    expect(found[0]?.[1]).toBe('load-first')
  })
})

describe('an address that a page does not understand', () => {
  it.each([
    ['/runs?state=bogus', 'state=bogus'],
    ['/pipelines?sort=colour', 'sort=colour'],
    ['/incidents?kind=bogus', 'kind=bogus'],
    ['/overview?state=bogus', 'state=bogus'],
    ['/schedule?page=-1', 'page=-1'],
  ])('is said on %s, and the page still shows', async (path, given) => {
    await makePipeline()
    expect(await textOf(path)).toContain(`The address has ${given}, which this page does not understand`)
    expect(await textOf(path.replace(/\?.*/, ''))).not.toContain('does not understand')
  })
})
