import { afterEach, describe, expect, it, vi } from 'vitest'
import { expectedTimes } from '../../src/pages/schedule/expected.ts'
import { call, countRoundTrips, get, makePipeline, patch, post, sql, startRun, unique } from '../support/api.ts'
import { drain, minutesAgo, openBackground, recordRun } from '../support/background.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const PAGES = [
  '/overview',
  '/incidents',
  '/runs',
  '/pipelines',
  '/schedule',
  '/lineage-graph',
  '/reporting',
  '/channels',
  '/monitoring',
  '/diagnostics',
]

const open = (path: string, settings: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  call('GET', path, undefined, { ...HTML, ...headers }, settings)
/** The text that a reader sees, without tags. */
const textOf = (page: string): string =>
  page
    .replace(/<script[^>]*>.*?<\/script>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')

const table = (name: string) => ({ name, address_type_name: 'postgresql', address_type_group_name: 'database' })

/** Creates a pipeline and its lineage; answers the pipeline's id. */
const makeLineage = async (sources: string[], targets: string[], fields: Record<string, unknown> = {}): Promise<number> => {
  const pipeline_id = await makePipeline({ load_lineage: true, ...fields })
  const { status } = await post('/address_lineage', {
    pipeline_id,
    source_addresses: sources.map(table),
    target_addresses: targets.map(table),
  })
  expect(status).toBe(201)
  return pipeline_id
}
const addressId = async (name: string): Promise<number> => (await get(`/address?name=${name}`)).body[0].id

afterEach(() => {
  vi.useRealTimers()
})

describe('every page', () => {
  it('says at first that it is empty, and what to do next', async () => {
    const overview = await open('/overview')
    expect(overview.status).toBe(200)
    expect(textOf(overview.body)).toContain('No pipelines yet')
    expect(textOf((await open('/lineage-graph')).body)).toContain('No lineage yet')
    expect(textOf((await open('/reporting')).body)).toContain('No runs on these days')
    expect(textOf((await open('/monitoring')).body)).toContain('No job has failed')
    expect(textOf((await open(`/pipelines/${await makePipeline()}`)).body)).toContain('No runs yet')
  })

  it('a missing page answers 404 with a link to the overview, and does not offer to try again', async () => {
    const { status, body, headers } = await open('/nope')
    expect([status, headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect(textOf(body)).toContain('There is no path /nope')
    expect(body).toContain('href="/overview">Go to the overview</a>')
    expect(textOf(body)).not.toContain('Try again')
    const missing = await open('/pipelines/999999')
    expect([missing.status, textOf(missing.body).includes('Try again')]).toEqual([404, false])
    expect((await open('/pipelines/x')).status).toBe(404)
    // A client of the API still gets JSON.
    expect((await get('/nope')).body.code).toBe('path_not_found')
    expect((await open('/pipeline/999999')).body.code).toBe('pipeline_not_found')
  })

  it('takes at most two round trips, is HTML with a strict content policy, and has its own title', async () => {
    const source = unique('in')
    const pipeline_id = await makeLineage([source], [unique('out')])
    await startRun({ pipeline_id })
    const titles = new Set<string>()
    for (const path of [...PAGES, `/pipelines/${pipeline_id}`, `/lineage-graph?address=${await addressId(source)}`]) {
      const before = await countRoundTrips()
      const { status, headers, body } = await open(path)
      const trips = (await countRoundTrips()) - before
      expect([path, status, trips <= 2]).toEqual([path, 200, true])
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(headers.get('content-security-policy')).toMatch(/script-src 'self' 'nonce-\w+';/)
      expect(headers.get('vary')).toContain('Accept')
      expect(body).not.toMatch(/<script(?![^>]*(src="\/static\/|type="application\/json"))/)
      expect(body).not.toMatch(/(src|href)="(https?:)?\/\//)
      titles.add(/<title>(.*?)<\/title>/.exec(body)?.[1] ?? '')
    }
    expect(titles.size).toBe(PAGES.length + 2)
  })

  it('shows names and errors as text, even if they look like HTML', async () => {
    const evil = `<img src=x onerror=alert(1)>"'&${unique('x')}`
    const pipeline_id = await makeLineage([`${evil} in`], [`${evil} out`], { name: evil, pipeline_type_name: `<b>${evil}` })
    const id = await startRun({ pipeline_id, execution_metadata: { error: '</script><script>alert(1)</script>' } })
    await post('/end_pipeline_execution', { id, completed_successfully: false })
    const address = await addressId(encodeURIComponent(`${evil} out`))
    for (const path of [
      '/overview',
      `/pipelines/${pipeline_id}?execution=${id}`,
      `/lineage-graph?address=${address}`,
      `/lineage-graph?search=${encodeURIComponent('<img')}`,
      '/reporting',
    ]) {
      const { status, body } = await open(path)
      expect(status).toBe(200)
      expect(body.replace('<img src="/static/favicon.svg"', '')).not.toMatch(/<img|<b>|<script>alert/)
    }
  })

  it('answers an error page with one sentence if it cannot be shown', async () => {
    const missing = await open('/pipelines/999999')
    expect([missing.status, textOf(missing.body)]).toEqual([404, expect.stringContaining('Pipeline 999999 not found')])
    expect((await open('/pipelines/x')).status).toBe(404)
    expect((await open('/lineage-graph?address=999999')).status).toBe(404)
    for (const path of PAGES) {
      const away = await open(path, { NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' })
      expect([path, away.status, away.headers.get('retry-after')]).toEqual([path, 503, '5'])
      expect(textOf(away.body)).toMatch(/database/)
      expect(away.body).toContain(away.headers.get('x-request-id') as string)
      expect(away.body).not.toMatch(/select |127\.0\.0\.1/)
    }
  })

  it('treats a mistyped parameter as absent', async () => {
    await makePipeline()
    for (const path of [
      '/overview?type=x&state=bad&page=-1',
      '/overview?page=99999999999',
      '/reporting?from=yesterday&to=2026-02-31&sort=drop&order=up&page=0',
      '/reporting?from=9999-01-01',
      '/reporting?to=0001-01-01',
      '/reporting?from=1969-12-31&to=0000-01-01&search=%00',
      '/overview?search=%00&type=%00',
      '/lineage-graph?search=a%00b&target=%00',
      '/lineage-graph?direction=sideways&depth=many',
      `/overview?search=${'%25_%5C'.repeat(20)}`,
    ]) {
      expect([path, (await open(path)).status]).toEqual([path, 200])
    }
  })
})

describe('any query in an address', () => {
  const ODD = [
    '',
    '0',
    '-1',
    '1.5',
    '1e999',
    '0x10',
    '%00',
    'a%00b',
    '%FF',
    '%',
    "'",
    '%F0%9F%98%80',
    '9'.repeat(30),
    '9007199254740991',
    'null',
    '[]',
    '../..',
    '%25',
    'NaN',
    '2026-02-30',
  ]
  const PARAMETERS: Record<string, string[]> = {
    '/overview': ['search', 'type', 'state', 'page'],
    '/pipelines/1': ['metric', 'days', 'before', 'execution'],
    '/lineage-graph': ['address', 'search', 'direction', 'depth', 'target'],
    '/lineage-graph/addresses': ['search'],
    '/reporting': ['search', 'type', 'from', 'to', 'sort', 'order', 'page'],
    '/reporting.csv': ['search', 'type', 'from', 'to', 'sort', 'order'],
    '/monitoring': ['kind'],
    '/diagnostics': ['x'],
  }

  it.each(Object.entries(PARAMETERS))('%s never answers 500 or above', async (path, parameters) => {
    await makePipeline()
    for (const parameter of parameters) {
      for (const odd of ODD) {
        const { status } = await open(`${path}?${parameter}=${odd}`)
        expect([parameter, odd, status < 500]).toEqual([parameter, odd, true])
      }
    }
    for (const odd of ODD) expect([odd, (await open(`/pipelines/${odd || 'x'}`)).status < 500]).toEqual([odd, true])
  })
})

describe('browsers and clients', () => {
  it('/ redirects a browser to the overview; clients get the health answer', async () => {
    const browser = await open('/')
    expect([browser.status, browser.headers.get('location')]).toEqual([302, '/overview'])
    for (const accept of ['*/*', 'application/json', '']) {
      expect((await get('/', accept ? { accept } : {})).body).toEqual({ status: 'ok' })
    }
  })

  it('/monitoring is a page for a browser and JSON for a client', async () => {
    expect((await open('/monitoring')).body).toContain('<h1>Background jobs</h1>')
    expect((await get('/monitoring')).body.kinds).toHaveLength(14)
    expect((await open('/celery/monitoring')).headers.get('location')).toBe('/monitoring')
  })

  it('an uptime check that accepts HTML still gets the state of the database', async () => {
    const away = await open('/?deep=true', { NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' })
    expect([away.status, away.body.code]).toEqual([503, 'database_unavailable'])
    for (const headers of [HTML, { accept: '*/*' }]) {
      for (const path of ['/', '/monitoring']) expect((await get(path, headers)).headers.get('vary')).toContain('Accept')
    }
  })

  it('a link from a chat loads the page a second time from this site, because only that request sends the cookie', async () => {
    const tokens = { ENV_STATE: 'prod', WATCHER_API_TOKENS: 'me:s3cret' }
    const fromChat = await open('/overview', tokens, { 'sec-fetch-site': 'cross-site' })
    expect([fromChat.status, fromChat.body]).toEqual([200, expect.stringContaining('http-equiv="refresh"')])
    expect((await open('/overview', tokens, { 'sec-fetch-site': 'same-origin' })).headers.get('location')).toContain('/sign_in')
    expect((await call('GET', '/pipeline', undefined, { 'sec-fetch-site': 'cross-site' }, tokens)).status).toBe(401)
  })

  it('a reader without a token signs in first; a read-only token gets no buttons', async () => {
    const tokens = { ENV_STATE: 'prod', WATCHER_API_TOKENS: 'me:s3cret,reader:r3ad:read' }
    const pipeline_id = await makePipeline()
    expect((await open('/overview', tokens)).headers.get('location')).toBe('/sign_in?next=%2Foverview')
    const writes = await open(`/pipelines/${pipeline_id}`, tokens, { cookie: 'watcher_token=s3cret' })
    const reads = await open(`/pipelines/${pipeline_id}`, tokens, { cookie: 'watcher_token=r3ad' })
    expect([writes.body.includes('class="action"'), reads.body.includes('class="action"')]).toEqual([true, false])
    expect(textOf(reads.body)).toContain('reader (read-only)')
    // Statements of other users may contain values.
    const busy = sql('select pg_sleep(3)').then(() => {})
    await vi.waitFor(
      async () => expect((await open('/diagnostics', tokens, { cookie: 'watcher_token=s3cret' })).body).toContain('pg_sleep(3)'),
      { timeout: 3_000 },
    )
    expect((await open('/diagnostics', tokens, { cookie: 'watcher_token=r3ad' })).body).not.toContain('pg_sleep(3)')
    await busy
  })
})

describe('the overview', () => {
  it('counts and explains the current problems, and filters pipelines by them', async () => {
    const background = openBackground()
    const late = await makePipeline({ name: unique('late'), timeliness_number: 5, timeliness_datepart: 'minute' })
    await recordRun(background, late, 60, null)
    const stale = await makePipeline({ name: unique('stale'), freshness_number: 1, freshness_datepart: 'hour' })
    await recordRun(background, stale, 130, 125, { inserts: 1 })
    const failed = await makePipeline({ name: unique('failed') })
    await recordRun(background, failed, 30, 20, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
    const mended = await makePipeline({ name: unique('mended') })
    await recordRun(background, mended, 30, 20, { completed_successfully: false })
    await recordRun(background, mended, 10, 5)
    const off = await makePipeline({ name: unique('off') })
    await recordRun(background, off, 30, 20, { completed_successfully: false })
    await patch('/pipeline', { id: off, active: false })
    await background.post('/timeliness', { lookback_minutes: 120 })
    await background.post('/freshness')
    await drain(background)

    const text = textOf((await open('/overview')).body)
    expect(text).toContain('disk full')
    expect(text).toMatch(/Still runs, over by 55 min/)
    expect(text).toMatch(/No insert, update or delete since \d{4}-\d\d-\d\d \d\d:\d\d UTC; one is expected every hour/)

    const linksIn = async (state: string) =>
      new Set(
        [...(await open(`/overview?state=${state}`)).body.matchAll(/class="name"><a href="\/pipelines\/(\d+)"/g)].map(([, id]) =>
          Number(id),
        ),
      )
    expect(await linksIn('late')).toEqual(new Set([late]))
    expect(await linksIn('overdue')).toEqual(new Set([late]))
    expect(await linksIn('stale')).toEqual(new Set([stale]))
    const failing = await linksIn('failed')
    expect([failing.has(failed), failing.has(mended), failing.has(off)]).toEqual([true, false, false])
    expect(await linksIn('inactive')).toEqual(new Set([off]))
    expect((await linksIn('ok')).has(mended)).toBe(true)
    expect((await linksIn('running')).has(late)).toBe(true)
    const [name] = (await sql('select name from pipeline where id = $1', [mended])).map((row) => row.name)
    expect(textOf((await open(`/overview?search=${name.toUpperCase()}`)).body)).toContain(name)
    expect(textOf((await open('/overview?search=%25')).body)).toContain('No pipeline matches these filters')
  })

  it('shows an anomaly until it is unflagged', async () => {
    const background = openBackground()
    const pipeline_id = await makePipeline({ name: unique('odd') })
    await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts', minimum_executions: 5 })
    // Runs at the same hour on six days, then no inserts today.
    for (let day = 6; day >= 1; day -= 1) await recordRun(background, pipeline_id, day * 1440 + 2, day * 1440 + 1, { inserts: 100 + day })
    const id = await recordRun(background, pipeline_id, 2, 1, { inserts: 0 })
    await drain(background)
    expect(textOf((await open('/overview?state=anomalous')).body)).toMatch(
      /0 inserts; runs at \d\d:00 have [\d.]+ to [\d.]+ \(mean 104 of 6 runs\)/,
    )
    const page = await open(`/pipelines/${pipeline_id}?execution=${id}&metric=inserts`)
    const points = JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/.exec(page.body)?.[1] ?? '').points
    expect(points.filter(({ flags }: { flags: number }) => flags > 0)).toMatchObject([{ id, value: 0 }])
    // The band is the one that detection used: 2 standard deviations around the mean of the six runs.
    const { context } = (await get(`/anomaly_detection_result?pipeline_execution_id=${id}`)).body[0]
    expect(points.at(-1).lower).toBeCloseTo(context.lower_threshold, 6)
    expect(points.at(-1).upper).toBeCloseTo(context.upper_threshold, 6)
    expect(points[0].upper).toBeNull()
    await post('/unflag_anomaly', { pipeline_id, pipeline_execution_id: id, metric_field: ['inserts'] })
    expect((await open('/overview?state=anomalous')).body).not.toContain(`/pipelines/${pipeline_id}"`)
  })

  it('has pages of fifty pipelines', async () => {
    const prefix = unique('many')
    for (let index = 0; index < 51; index += 1) await makePipeline({ name: `${prefix}-${index}` })
    const countOn = async (page: number) =>
      [...(await open(`/overview?search=${prefix}-&page=${page}`)).body.matchAll(/class="strip"/g)].length
    expect([await countOn(1), await countOn(2), await countOn(3)]).toEqual([50, 1, 0])
  })
})

describe('a pipeline', () => {
  it('shows where each threshold comes from, its runs as a tree, and why a run failed', async () => {
    const type = unique('type')
    await post('/pipeline_type', {
      name: type,
      freshness_number: 2,
      freshness_datepart: 'day',
      timeliness_number: 1,
      timeliness_datepart: 'hour',
    })
    const id = await makePipeline({
      name: unique('parent'),
      pipeline_type_name: type,
      timeliness_number: 10,
      timeliness_datepart: 'minute',
    })
    const part = await makePipeline({ name: unique('part') })
    const root = await startRun({ pipeline_id: id })
    const child = await startRun({ pipeline_id: part, parent_id: root })
    const grandchild = await startRun({ pipeline_id: part, parent_id: child })
    await post('/end_pipeline_execution', {
      id: root,
      completed_successfully: false,
      execution_metadata: { error: 'no such table', at: 'step 3' },
    })
    const { body } = await open(`/pipelines/${id}?execution=${root}`)
    const text = textOf(body)
    expect(text).toContain('10 minutes (its own)')
    expect(text).toContain(`2 days (from its type ${type})`)
    expect(text).toContain('Why it failed no such table')
    expect(body.indexOf(`id="run-${root}"`)).toBeLessThan(body.indexOf(`id="run-${child}"`))
    expect(body.indexOf(`id="run-${child}"`)).toBeLessThan(body.indexOf(`id="run-${grandchild}"`))
    expect(text).toContain('part, level 2:')
    // This page does not show a run of another pipeline.
    expect((await open(`/pipelines/${id}?execution=${child}`)).body).not.toContain(`id="chosen"`)
  })

  it('names the pipelines downstream at every depth', async () => {
    const [a, b, c] = [unique('a'), unique('b'), unique('c')]
    const first = await makeLineage([a], [b])
    const second = await makeLineage([b], [c], { name: unique('second') })
    const third = await makeLineage([c], [unique('d')], { name: unique('third') })
    const { body } = await open(`/pipelines/${first}`)
    expect(textOf(body)).toContain('2 pipelines:')
    expect(body.indexOf(`/pipelines/${second}"`)).toBeLessThan(body.indexOf(`/pipelines/${third}"`))
  })

  it('pages through its runs', async () => {
    const pipeline_id = await makePipeline()
    for (let index = 0; index < 27; index += 1) await startRun({ pipeline_id, start_date: minutesAgo(1000 - index) })
    const rows = (body: string) => [...body.matchAll(/id="run-(\d+)"/g)].map(([, id]) => Number(id))
    const first = await open(`/pipelines/${pipeline_id}`)
    const next = /href="([^"]*before=[^"]*)"/.exec(first.body)?.[1] ?? ''
    const second = await open(next.replaceAll('&amp;', '&'))
    expect([rows(first.body).length, rows(second.body).length]).toEqual([25, 2])
    expect(new Set([...rows(first.body), ...rows(second.body)]).size).toBe(27)
  })
})

describe('large data', () => {
  it('numbers of 2^53 and more are shown on every page, and stay exact in metadata', async () => {
    const most = 2 ** 53
    const pipeline_id = await makeLineage([unique('big.in')], [unique('big.out')], { pipeline_metadata: { lsn: 'LSN' } })
    const body = `{"id":${pipeline_id},"pipeline_metadata":{"lsn":12345678901234567890,"size":1e30}}`
    expect((await call('PATCH', '/pipeline', body, { 'content-type': 'application/json' })).status).toBe(200)
    let id = 0
    for (let times = 0; times < 2; times += 1) {
      id = await startRun({ pipeline_id })
      const end = { id, inserts: most, total_rows: most, completed_successfully: times === 0, execution_metadata: { rows: most } }
      expect((await post('/end_pipeline_execution', end)).status).toBe(204)
    }
    const page = await open(`/pipelines/${pipeline_id}?execution=${id}`)
    expect([page.status, textOf(page.body).includes('12345678901234567890')]).toEqual([200, true])
    const name = (await get(`/pipeline/${pipeline_id}`)).body.name
    for (const path of ['/reporting', `/reporting.csv?search=${name}`, '/overview', `/lineage-graph?search=${'big.in'}`]) {
      expect([path, (await open(path)).status]).toEqual([path, 200])
    }
    expect(
      (
        await open(
          `/lineage-graph?address=${await addressId((await sql("select name from address where name like 'big.in%' limit 1"))[0]?.name)}`,
        )
      ).status,
    ).toBe(200)
  })

  it('runs with hundreds of parts: the page shows the parts of the newest runs first, and says that it leaves some out', async () => {
    const pipeline_id = await makePipeline()
    const part = await makePipeline()
    const roots = [await startRun({ pipeline_id }), await startRun({ pipeline_id })]
    for (const root of roots) {
      await sql(
        `with part as (insert into pipeline_execution (pipeline_id, parent_id, start_date) select $1, $2, now() from generate_series(1, 400) returning id)
         insert into pipeline_execution_closure select $2, id, 1 from part union all select id, id, 0 from part`,
        [part, root],
      )
    }
    const rowsIn = (body: string) => [...body.matchAll(/id="run-(\d+)"/g)].map(([, id]) => Number(id))
    const { status, body } = await open(`/pipelines/${pipeline_id}`)
    expect([status, rowsIn(body)]).toEqual([200, [roots[1], roots[0]]]) // many parts are folded
    expect(textOf(body)).toContain('400 parts , 400 running')
    expect(textOf(body)).toContain('Only 500 parts of these runs are shown')
    const opened = rowsIn((await open(`/pipelines/${pipeline_id}?parts=${roots[1]}`)).body)
    expect([opened.length, new Set(opened).size, opened.indexOf(roots[0] as number)]).toEqual([402, 402, 401])
  })

  it('a lineage with thousands of edges: the page draws some, and says so', async () => {
    const hub = unique('wide')
    const names = (side: string) => Array.from({ length: 60 }, (_, index) => `${hub}.${side}.${index}`)
    await makeLineage(names('in'), names('out'))
    const { status, body } = await open(`/lineage-graph?address=${await addressId(`${hub}.in.0`)}`)
    expect([status, textOf(body).includes('of the edges')]).toEqual([200, false])
    // An output reaches all inputs, and an input all outputs: the view has every edge between them.
    await makeLineage(names('out'), [`${hub}.in.0`])
    const round = await open(`/lineage-graph?address=${await addressId(`${hub}.in.0`)}`)
    expect([round.status, JSON.parse(/id="lineage-graph"[^>]*>(.*?)<\/script>/.exec(round.body)?.[1] ?? '').edges.length]).toEqual([
      200, 2000,
    ])
    expect(textOf(round.body)).toContain('Only 2,000 of the edges between them are shown')
    for (const target of ['wide', hub]) expect((await open(`/lineage-graph?search=${hub}.in.0&depth=50&target=${target}`)).status).toBe(200)
  })

  it('the strip of a pipeline that runs every few minutes has at most 49 marks, and links only to what is not good', async () => {
    const name = unique('often')
    const pipeline_id = await makePipeline({ name })
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
       select $1, now() - i * interval '5 minutes', now() - i * interval '5 minutes' + interval '1 minute', i <> 100, 60 from generate_series(1, 280) i`,
      [pipeline_id],
    )
    const [failed] = await sql('select id from pipeline_execution where pipeline_id = $1 and not completed_successfully', [pipeline_id])
    const { body } = await open(`/overview?search=${name}`)
    expect(textOf(body)).toContain('280 runs in the last 24 hours: 1 failed, 279 succeeded')
    const svg = /<svg viewBox="0 0 1440.*?<\/svg>/s.exec(body)?.[0] ?? ''
    const good = [...svg.matchAll(/M[\d.]+ 3h[\d.]+v18h-[\d.]+z/g)].length
    expect([good >= 45, good <= 48]).toEqual([true, true])
    expect([...svg.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([`/pipelines/${pipeline_id}?execution=${failed?.id}`])
    expect(svg).toMatch(/<title>failed, worst of 6 runs from \d{4}-\d\d-\d\d \d\d:\d\d UTC<\/title>/)
  })

  it('draws thousands of runs as slots: smallest, median, largest, failures, flags, and the band of the hours', async () => {
    const pipeline_id = await makePipeline()
    const { body: rule } = await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts', active: false })
    // One run a minute for nine days: each hour has 60 runs.
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts)
       select $1, at, at + interval '1 second', extract(minute from at) <> 7, 1, (case when at < now() - interval '7 days' then 2000 else 1000 end) + 17 * extract(minute from at)::int % 60
       from generate_series(now() - interval '9 days', now(), interval '1 minute') at`,
      [pipeline_id],
    )
    const [flagged] = await sql(
      `update pipeline_execution set inserts = 500000 where id = (select id from pipeline_execution where pipeline_id = $1 and completed_successfully order by id desc offset 100 limit 1) returning id::int`,
      [pipeline_id],
    )
    await sql(
      `insert into anomaly_detection_result (pipeline_execution_id, rule_id, violation_value, baseline_value, confidence_score, context) values ($1, $2, 1, 1, 1, '{}')`,
      [flagged?.id, rule.id],
    )
    const { body } = await open(`/pipelines/${pipeline_id}?metric=inserts&days=7`)
    const { points } = JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/.exec(body)?.[1] ?? '')
    expect(textOf(body)).toContain('There are too many runs to draw each')
    const expected = await sql(
      `select count(*)::int as runs, min(inserts)::int as least, max(inserts)::int as most, percentile_disc(0.5) within group (order by inserts)::int as value,
         count(*) filter (where not completed_successfully)::int as failures
       from pipeline_execution where pipeline_id = $1 and start_date >= now() - interval '7 days' group by floor(extract(epoch from start_date) / 1800) order by min(start_date)`,
      [pipeline_id],
    )
    // The first slot moves on with the clock.
    expect(points.length).toBeLessThanOrEqual(337)
    expect(points.slice(1)).toMatchObject(expected.slice(1))
    expect(points.filter(({ flags }: { flags: number }) => flags > 0)).toMatchObject([{ id: flagged?.id, flags: 1, flaggedValue: 500_000 }])
    // The band of the last hour comes from the same hour on the days before.
    const { lower, upper } = points.at(-1)
    const [exact] = await sql(
      `select avg(inserts)::float as mean, stddev_samp(inserts)::float as deviation from pipeline_execution
       where pipeline_id = $1 and completed_successfully and id <> $2 and date_recorded < (now() at time zone 'UTC')::date and hour_recorded = extract(hour from now() at time zone 'UTC')`,
      [pipeline_id, flagged?.id],
    )
    expect([lower, upper].map(Math.round)).toEqual([exact?.mean - 2 * exact?.deviation, exact?.mean + 2 * exact?.deviation].map(Math.round))
  })

  it('draws up to 400 runs one by one, each with its own baseline', async () => {
    const pipeline_id = await makePipeline()
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts)
       select $1, now() - i * interval '6 minutes', now() - i * interval '6 minutes', true, 0, i from generate_series(1, 400) i`,
      [pipeline_id],
    )
    const read = async () => {
      const { body } = await open(`/pipelines/${pipeline_id}?metric=inserts&days=7`)
      return JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/.exec(body)?.[1] ?? '').points
    }
    expect(await read()).toHaveLength(400)
    expect((await read()).at(-1)).toMatchObject({ runs: 1, value: 1, least: 1, most: 1 })
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds) values ($1, now(), now(), true, 0)`,
      [pipeline_id],
    )
    expect((await read()).length).toBeLessThan(100)
  })

  it('the band is the one of detection, even if every value is the same fraction', async () => {
    const pipeline_id = await makePipeline()
    await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'throughput', minimum_executions: 5 })
    const runOf = async (day: number, total_rows: number) => {
      const begun = Date.now() - day * 86_400_000 - 60_000
      const id = await startRun({ pipeline_id, start_date: new Date(begun).toISOString() })
      await post('/end_pipeline_execution', { id, end_date: new Date(begun + 3_000).toISOString(), total_rows })
      return id
    }
    for (let day = 9; day >= 1; day -= 1) await runOf(day, 1) // a third of a row per second: only rounding makes a deviation
    const id = await runOf(0, 100)
    const { anomalies } = (await post(`/anomaly_detection/detect/${pipeline_id}`)).body
    const { lower_threshold, upper_threshold, baseline_std } = anomalies[0].context
    expect([anomalies[0].pipeline_execution_id, baseline_std]).toEqual([id, expect.closeTo(1 / 300, 9)])
    const { body } = await open(`/pipelines/${pipeline_id}?metric=throughput`)
    const { points } = JSON.parse(/id="history-points"[^>]*>(.*?)<\/script>/.exec(body)?.[1] ?? '')
    expect(points.at(-1)).toMatchObject({ id, lower: lower_threshold, upper: upper_threshold })
  })
})

describe('the lineage graph', () => {
  const graphOf = (body: string) => JSON.parse(/id="lineage-graph"[^>]*>(.*?)<\/script>/.exec(body)?.[1] ?? '')
  const namesOf = (body: string): string[] => graphOf(body).addresses.map(({ name }: { name: string }) => name)

  it('shows addresses upstream and downstream up to the depth, and the problems of the pipelines that write them', async () => {
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => unique(`graph.${name}`)) as [string, string, string, string, string]
    await makeLineage([a], [b])
    const maker = await makeLineage([b], [c], { pipeline_metadata: { owner: 'sales' } })
    await makeLineage([c], [d, e])
    const id = await startRun({ pipeline_id: maker })
    await post('/end_pipeline_execution', { id, completed_successfully: false })
    const centre = await addressId(b)
    const show = async (query: string) => (await open(`/lineage-graph?address=${centre}${query}`)).body
    expect(namesOf(await show(''))).toEqual([b, a, c, d, e])
    expect(namesOf(await show('&direction=downstream'))).toEqual([b, c, d, e])
    expect(namesOf(await show('&direction=upstream'))).toEqual([b, a])
    expect(namesOf(await show('&depth=1'))).toEqual([b, a, c])
    expect(namesOf(await show(`&target=${d}`))).toEqual([b, c, d])
    const { addresses, edges, pipelines } = graphOf(await show(''))
    const failed = [{ word: 'failed', tone: 'failed' }]
    expect(addresses.filter(({ wrong }: { wrong: unknown[] }) => wrong.length > 0)).toMatchObject([{ name: c, wrong: failed }])
    expect(edges).toHaveLength(4)
    expect(pipelines.find((pipeline: { id: number }) => pipeline.id === maker)).toMatchObject({
      wrong: failed,
      metadata: { owner: 'sales' },
    })
    // The list says the same as the drawing.
    expect(textOf((await show('')).replaceAll('<wbr/>', ''))).toMatch(new RegExp(`3 downstream.* 2 steps .*${e} postgresql, written by`))
    // A search for the exact name shows the graph, too.
    expect(namesOf((await open(`/lineage-graph?search=${b}`)).body)[0]).toBe(b)
  })

  it('suggests names, first the ones that begin with the text', async () => {
    const part = unique('findme')
    await makeLineage([`${part}.one`, `x.${part}`], [unique('out')])
    const { body } = await get(`/lineage-graph/addresses?search=${part.toUpperCase()}`)
    expect(body.map(({ name }: { name: string }) => name)).toEqual([`${part}.one`, `x.${part}`])
    expect((await get('/lineage-graph/addresses?search=%25')).body).toEqual([])
  })

  it('shows the nearest 500 addresses and says how many there are', async () => {
    const hub = unique('hub')
    for (const part of [1, 2]) {
      await makeLineage(
        [hub],
        Array.from({ length: 300 }, (_, index) => `${hub}.${part}.${index}`),
      )
    }
    const { body } = await open(`/lineage-graph?address=${await addressId(hub)}`)
    expect(namesOf(body)).toHaveLength(500)
    expect(textOf(body)).toContain('the nearest 500 of 601 addresses')
  })
})

describe('reporting', () => {
  const day = '2026-03-10'
  const recordOn = async (pipeline_id: number, hour: number, seconds: number, more: Record<string, unknown>) => {
    const start = Date.parse(`${day}T00:00:00Z`) + hour * 3_600_000
    const id = await startRun({ pipeline_id, start_date: new Date(start).toISOString() })
    await post('/end_pipeline_execution', { id, end_date: new Date(start + seconds * 1000).toISOString(), ...more })
  }

  it('counts runs by pipeline and UTC day, with totals, as a page and as CSV', async () => {
    const name = unique('=report,"1"')
    const one = await makePipeline({ name, pipeline_type_name: 'reports' })
    const two = await makePipeline({ name: unique('report'), pipeline_type_name: 'reports' })
    await recordOn(one, 0, 10, { inserts: 100, updates: 5, soft_deletes: 1, total_rows: 106 })
    await recordOn(one, 23, 30, { inserts: 300, total_rows: 300 })
    await recordOn(one, 12, 20, { completed_successfully: false })
    await recordOn(two, 5, 100, { inserts: 1_000_000, total_rows: 1_000_000 })
    const range = `from=${day}&to=${day}`
    const csv = await get(`/reporting.csv?${range}&sort=inserts&order=asc`)
    expect(csv.headers.get('content-disposition')).toBe(`attachment; filename="watcher-${day}-to-${day}.csv"`)
    const lines = csv.body.trim().split('\r\n')
    expect(lines[0]).toBe(
      'day,pipeline,type,executions,failures,error_rate,inserts,updates,soft_deletes,total_rows,mean_seconds,p95_seconds,throughput',
    )
    // A leading apostrophe marks a name that a spreadsheet would run as a formula.
    expect(lines[1]).toBe(`${day},"'${name.replaceAll('"', '""')}",reports,3,1,0.3333333333333333,400,5,1,406,20,29,10.15`)
    expect(lines).toHaveLength(3)
    const text = textOf((await open(`/reporting?${range}`)).body)
    expect(text).toContain('Total 4 1 25 % 1,000,400 5 1 1,000,406')
    expect(textOf((await open(`/reporting?${range}&search=${encodeURIComponent('=report')}`)).body)).toContain('Total 3 1 33.3 %')
    expect(textOf((await open('/reporting?from=2026-03-11&to=2026-03-12')).body)).toContain('No runs on these days')
  })

  it('sorts by every column, in both directions', async () => {
    const columns = [
      'day',
      'pipeline',
      'type',
      'executions',
      'failures',
      'error_rate',
      'inserts',
      'updates',
      'soft_deletes',
      'total_rows',
      'mean_seconds',
      'p95_seconds',
      'throughput',
    ]
    for (const [index, column] of columns.entries()) {
      const read = async (order: string) =>
        (await get(`/reporting.csv?from=${day}&to=${day}&sort=${column}&order=${order}`)).body.trim().split('\r\n').slice(1)
      const cells = (lines: string[]) => lines.map((line) => line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.[index]?.replace(/,$/, '') ?? '')
      const [up, down] = [cells(await read('asc')), cells(await read('desc'))]
      expect(up).toHaveLength(2)
      const isNumber = index > 2
      const sorted = up.toSorted((left, right) => (isNumber ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0))
      if (column !== 'pipeline') expect([column, up, down]).toEqual([column, sorted, sorted.toReversed()])
      else expect(up.toReversed()).toEqual(down)
    }
  })
})

describe('diagnostics', () => {
  it('shows which settings are set, never their values, and the state of the database', async () => {
    const secret = 'https://hooks.slack.test/very-s3cret'
    const { body } = await open('/diagnostics', { SLACK_WEBHOOK_URL: secret })
    const text = textOf(body)
    expect(text).toContain('SLACK_WEBHOOK_URL ✓ set')
    expect(text).toContain('LOGFIRE_TOKEN · default')
    expect(body).not.toContain('s3cret')
    expect(text).toMatch(/Migrations ✓ good all \d+ applied/)
    expect(text).toContain('pipeline_execution')
    expect((await get('/diagnostics/probe')).body).toEqual({ database_ms: expect.any(Number) })
  })

  it('counts the migrations that are not applied', async () => {
    const [newest] = await sql(
      'delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations) returning *',
    )
    expect(textOf((await open('/diagnostics')).body)).toContain('are not applied: run npm run db:migrate')
    await sql('insert into drizzle.__drizzle_migrations (id, hash, created_at) values ($1, $2, $3)', [
      newest?.id,
      newest?.hash,
      newest?.created_at,
    ])
  })
})

describe('the schedule', () => {
  const now = new Date('2026-03-10T12:00:00Z')
  const at = (time: string) => new Date(`2026-03-10T${time}Z`)
  const hourly = { cron: '0 * * * *', timezone: 'UTC', graceMinutes: 10, from: at('06:30:00') }

  it('says what came in time, what came late, what is missed and what is expected', () => {
    const times = expectedTimes(hourly, [at('06:55:00'), at('08:10:00'), at('09:11:00'), at('09:12:00'), at('11:30:00')], now)
    expect(times.slice(0, 7).map(({ at, outcome }) => `${at.toISOString().slice(11, 16)} ${outcome}`)).toEqual([
      '07:00 came', // early
      '08:00 came',
      '09:00 late',
      '10:00 missed',
      '11:00 late',
      '12:00 expected',
      '13:00 expected',
    ])
    expect(times.at(-1)?.at.toISOString()).toBe('2026-03-11T12:00:00.000Z')
  })
})

describe('the list of incidents', () => {
  const background = openBackground()

  it('has each once: effects below their cause, also of what has got a cause later', async () => {
    const addresses = (name: string) => [{ address_name: unique(name), address_type_name: 't', address_type_group_name: 'g' }]
    const [first, second, third] = [addresses('one'), addresses('two'), addresses('three')]
    const pipe = async (name: string, source_addresses: unknown, target_addresses: unknown) => {
      const id = await makePipeline({ name: unique(name), load_lineage: true })
      await post('/address_lineage', { pipeline_id: id, source_addresses, target_addresses })
      return id
    }
    const [top, middle, bottom] = [
      await pipe('top', addresses('zero'), first),
      await pipe('middle', first, second),
      await pipe('bottom', second, third),
    ]
    const fail = async (id: number) => {
      await recordRun(background, id, 2, 1, { completed_successfully: false })
      await drain(background)
    }
    await fail(middle)
    await fail(bottom)
    await recordRun(background, bottom, 1, 0)
    await fail(top)
    const ids = await Promise.all(
      [top, middle, bottom].map(async (id) => ((await get(`/incident?pipeline_id=${id}`)).body as { id: number }[])[0]?.id),
    )
    const { body } = await open('/incidents?show=all')
    const rows = [...body.matchAll(/id="incident-(\d+)"/g)].map(([, id]) => Number(id))
    expect(rows.filter((id) => ids.includes(id))).toEqual(ids)
    expect(new Set(rows).size).toBe(rows.length)
  })
})
