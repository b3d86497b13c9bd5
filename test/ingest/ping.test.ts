import { describe, expect, it } from 'vitest'
import { call, countOf, countRoundTrips, get, makePipeline, post, readPipeline, sql, unique } from '../support/api.ts'

const RIDS = ['8a4b0ad8-3dd4-4a5a-8a5f-0c8f7a4d3b1e', '1f1c1d0e-2b3a-4c5d-8e9f-001122334455'] as const

const ping = (path: string, body?: string, headers: Record<string, string> = {}, method = 'POST') =>
  call(method, `/ping/key${path}`, body, headers)
const runsOf = async (id: number) => (await get(`/pipeline_execution?pipeline_id=${id}`)).body
const logsOf = (id: number) =>
  sql('select source, body, pipeline_execution_id::int as run from pipeline_execution_log where pipeline_id = $1 order by id', [id])
const named = async (fields: Record<string, unknown> = {}) => {
  const name = unique('Nightly Backup')
  return { id: await makePipeline({ name, ...fields }), slug: name.toLowerCase().replaceAll(' ', '-'), name }
}

describe('a ping', () => {
  it('starts a run and ends it, each in one round trip, and keeps what it says', async () => {
    const { id, slug } = await named()
    const before = await countRoundTrips()
    expect(await ping(`/${slug}/start`)).toMatchObject({ status: 200, body: 'OK' })
    const ended = await ping(`/${slug}?inserts=12&total_rows=15&watermark=2025-01-09`, 'twelve rows\n')
    expect([ended.status, ended.body, ended.headers.get('ping-body-limit')]).toEqual([200, 'OK', '100000'])
    expect((await countRoundTrips()) - before).toBe(2)
    const [run, ...more] = await runsOf(id)
    expect(more).toEqual([])
    expect(run).toMatchObject({ completed_successfully: true, inserts: 12, total_rows: 15, next_watermark: '2025-01-09' })
    expect(await readPipeline(id)).toMatchObject({ watermark: '2025-01-09', last_target_insert: run.end_date })
    expect(await logsOf(id)).toEqual([{ source: 'success', body: 'twelve rows\n', run: run.id }])
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT'])('comes by %s', async (method) => {
    const { id, slug } = await named()
    expect((await ping(`/${slug}`, undefined, {}, method)).status).toBe(200)
    expect(await runsOf(id)).toMatchObject([{ completed_successfully: true, duration_seconds: 0 }])
  })

  it('fails with an exit status, and says why', async () => {
    const { id, slug } = await named()
    await ping(`/${slug}/start`)
    await ping(`/${slug}/3`, 'tar: no space left on device\n')
    await ping(`/${slug}/fail`)
    await ping(`/${slug}/255`)
    await ping(`/${slug}/0`)
    expect((await runsOf(id)).map((run: Record<string, unknown>) => [run.completed_successfully, run.execution_metadata])).toEqual([
      [false, { exit_status: 3, error: 'tar: no space left on device' }],
      [false, { error: 'the job has reported a failure' }],
      [false, { exit_status: 255, error: 'exit status 255' }],
      [true, { exit_status: 0 }],
    ])
    expect((await get(`/incident?pipeline_id=${id}&state=resolved`)).body).toMatchObject([{ kind: 'failed', occurrences: 3 }])
  })

  it('pairs parallel runs by rid, and a repeat changes nothing', async () => {
    const { id, slug } = await named()
    for (const rid of RIDS) await ping(`/${slug}/start?rid=${rid}`)
    await ping(`/${slug}/start?rid=${RIDS[0].toUpperCase()}`)
    await ping(`/${slug}/fail?rid=${RIDS[1]}`)
    for (const _ of [1, 2]) await ping(`/${slug}?rid=${RIDS[0]}`)
    expect(await ping(`/${slug}?rid=${RIDS[1]}`)).toMatchObject({ status: 200, body: 'OK' })
    expect((await runsOf(id)).map((run: { completed_successfully: boolean }) => run.completed_successfully)).toEqual([true, false])
  })

  it('ends the run before as superseded when a second one starts without rid, also when both come at once', async () => {
    const { id, slug } = await named()
    await Promise.all([ping(`/${slug}/start`), ping(`/${slug}/start`), ping(`/${slug}/start`)])
    const states = (await runsOf(id)).map((run: Record<string, { error: string }>) => run.execution_metadata?.error ?? 'runs')
    expect(states.toSorted()).toEqual(['runs', ...Array(2).fill('superseded: another run has started before this one ended')])
    await ping(`/${slug}`)
    expect(await countOf('pipeline_execution where pipeline_id = $1 and completed_successfully', [id])).toBe(1)
  })

  it('leaves runs of the API alone', async () => {
    const { id, slug } = await named()
    await post('/start_pipeline_execution', { pipeline_id: id })
    await ping(`/${slug}/start`)
    await ping(`/${slug}`)
    expect((await runsOf(id)).map((run: { completed_successfully: boolean | null }) => run.completed_successfully)).toEqual([null, true])
  })

  it('keeps a log without touching the run: of the running one, else of the last', async () => {
    const { id, slug } = await named()
    await ping(`/${slug}/log`, 'before any run')
    await ping(`/${slug}/start`)
    await ping(`/${slug}/log`, 'half way')
    await ping(`/${slug}`)
    await ping(`/${slug}/log`, 'afterwards')
    const [run] = await runsOf(id)
    expect(await logsOf(id)).toEqual([
      { source: 'log', body: 'before any run', run: null },
      { source: 'log', body: 'half way', run: run.id },
      { source: 'log', body: 'afterwards', run: run.id },
    ])
    const page = await get(`/pipelines/${id}?execution=${run.id}`, { accept: 'text/html' })
    expect(page.body).toMatch(/<summary>Log<\/summary>.*half way.*afterwards/s)
  })

  it.each([
    ['text called JSON', 'application/json', 'no {json}', 'no {json}'],
    ['text called a form, as curl does', 'application/x-www-form-urlencoded', 'done 100% & inserts', 'done 100% & inserts'],
    ['a multipart form without a boundary', 'multipart/form-data', 'x', 'x'],
    ['a type that is none', 'no type', 'x', 'x'],
  ])('never refuses a body: %s', async (_, type, body, kept) => {
    const { id, slug } = await named()
    expect(await ping(`/${slug}`, body, { 'content-type': type })).toMatchObject({ status: 200, body: 'OK' })
    expect((await logsOf(id))[0]?.body).toBe(kept)
  })

  it('keeps 100,000 bytes of a body, and replaces what is no text', async () => {
    const { id, slug } = await named()
    const bytes = new Uint8Array(300_000).fill(0xff)
    bytes.set([0x61, 0, 0xc3, 0xa4])
    expect((await call('POST', `/ping/key/${slug}`, bytes, { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(200)
    const [log] = await logsOf(id)
    expect([log?.body.slice(0, 5), log?.body.length]).toEqual(['a�ä��', 99_999])
  })

  it('reads the fields of a form that is one, and its query first', async () => {
    const { id, slug } = await named()
    await ping(`/${slug}?inserts=1`, 'inserts=5&updates=6&soft_deletes=many&note=x', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(await runsOf(id)).toMatchObject([{ inserts: 1, updates: 6, soft_deletes: null }])
  })

  it('refuses what it cannot read, as text', async () => {
    const { id, slug } = await named()
    for (const [path, status] of [
      [`/${slug}?rid=7`, 422],
      [`/${slug}?inserts=-1`, 422],
      [`/${slug}/256`, 404],
      [`/${slug}/started`, 404],
      ['/no-such-pipeline', 404],
      ['/no%00such', 404],
      [`/${'x'.repeat(151)}?create=1`, 404],
    ] as const) {
      const answer = await ping(path)
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, status, 'text/plain; charset=utf-8'])
      if (status === 404) expect(answer.body).toBe('not found')
    }
    expect(await runsOf(id)).toEqual([])
  })
})

describe('the pipeline of a ping', () => {
  it('is the one of this name, else the only one that is written so in a URL', async () => {
    const exact = await makePipeline({ name: 'sales_daily' })
    const other = await makePipeline({ name: 'Sales Daily' })
    await makePipeline({ name: 'Büro/Export (2)' })
    expect((await ping('/SALES_DAILY')).status).toBe(200)
    expect((await ping('/sales%20daily')).status).toBe(200)
    expect([(await runsOf(exact)).length, (await runsOf(other)).length]).toEqual([1, 1])
    expect((await ping('/b-ro-export-2')).status).toBe(200)
    const ambiguous = await ping('/sales-daily')
    expect(ambiguous).toMatchObject({ status: 409, body: expect.stringContaining('"sales_daily", "Sales Daily"') })
  })

  it('is created once when asked for, by many at once, and never otherwise', async () => {
    const name = unique('fresh')
    const answers = await Promise.all(Array.from({ length: 20 }, () => ping(`/${name}?create=1`)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['OK']))
    const [pipeline, ...more] = (await get(`/pipeline?name=${name}`)).body
    expect(more).toEqual([])
    expect((await runsOf(pipeline.id)).length).toBe(20)
  })

  it('is named by a ping URL, which the next one ends', async () => {
    const { id } = await named()
    const first = await post(`/pipeline/${id}/ping_url`)
    expect(first).toMatchObject({ status: 201, body: { url: `https://watcher.test/ping/${first.body.uuid}` } })
    for (const suffix of ['/start', '']) expect((await call('GET', `/ping/${first.body.uuid}${suffix}`)).status).toBe(200)
    const second = await post(`/pipeline/${id}/ping_url`)
    expect((await call('GET', `/ping/${first.body.uuid}`)).status).toBe(404)
    expect((await call('GET', `/ping/${second.body.uuid.toUpperCase()}/fail`)).status).toBe(200)
    expect((await runsOf(id)).map((run: { completed_successfully: boolean }) => run.completed_successfully)).toEqual([true, false])
    expect((await post('/pipeline/999999/ping_url')).status).toBe(404)
  })
})

describe('a ping token', () => {
  const TOKENS = { WATCHER_API_TOKENS: 'crons:ping-secret:ping,etl:write-secret' }
  const as = (method: string, path: string, headers: Record<string, string> = {}) => call(method, path, undefined, headers, TOKENS)

  it('pings, and does nothing else', async () => {
    const { slug } = await named()
    expect((await as('GET', `/ping/ping-secret/${slug}`)).status).toBe(200)
    for (const key of ['write-secret', 'wrong', 'ping-secret-'])
      expect(await as('GET', `/ping/${key}/${slug}`)).toMatchObject({ status: 404, body: 'not found' })
    for (const path of ['/pipeline', '/overview', '/metrics']) {
      expect(await as('GET', path, { authorization: 'Bearer ping-secret' })).toMatchObject({
        status: 403,
        body: { code: 'ping_token_only' },
      })
    }
  })

  it('is in no log line and no trace', async () => {
    const { slug } = await named()
    const lines: string[] = []
    const original = console.log
    console.log = (line: string) => void lines.push(line)
    try {
      await as('GET', `/ping/ping-secret/${slug}`)
      await as('GET', '/ping/ping-secret/no-such')
      await as('GET', `/badge/ping-secret/${slug}.svg`)
    } finally {
      console.log = original
    }
    const requests = lines.filter((line) => line.includes('"request"'))
    expect(requests.map((line) => JSON.parse(line).path)).toEqual([`/ping/…/${slug}`, '/ping/…/no-such', `/badge/…/${slug}.svg`])
    expect(lines.join('\n')).not.toContain('ping-secret')
  })

  it('must not look like a ping URL', async () => {
    const answer = await call('GET', '/pipeline', undefined, {}, { WATCHER_API_TOKENS: `crons:${RIDS[0]}:ping` })
    expect(answer).toMatchObject({ status: 503, body: { code: 'misconfigured', message: expect.stringContaining('looks like a UUID') } })
  })
})

describe('a badge', () => {
  it('says the state of a pipeline, as a picture and as JSON, for a minute', async () => {
    const { slug, name } = await named()
    const read = async () => (await get(`/badge/key/${slug}.json`)).body
    expect(await read()).toMatchObject({ pipeline: name, state: 'new', status: 'new' })
    await ping(`/${slug}/start`)
    expect(await read()).toMatchObject({ state: 'running', status: 'up' })
    await ping(`/${slug}/fail`)
    expect(await read()).toMatchObject({ state: 'failed', status: 'down', down: 1 })
    await ping(`/${slug}`)
    expect(await read()).toMatchObject({ state: 'ok', status: 'up', down: 0 })
    const picture = await get(`/badge/key/${slug}.svg`)
    expect(picture.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
    expect(picture.headers.get('cache-control')).toBe('public, max-age=60')
    expect(picture.body).toContain(`<title>${name}: ok</title>`)
  })

  it('escapes the name, and is not found for another format or pipeline', async () => {
    await makePipeline({ name: '<b>&"\'' })
    expect((await get(`/badge/key/${encodeURIComponent('<b>&"\'')}.svg`)).body).toContain('<title>&#60;b&#62;&#38;&#34;&#39;: new</title>')
    expect((await get('/badge/key/nothing.svg')).status).toBe(404)
    expect((await get('/badge/key/b.png')).status).toBe(404)
  })
})
