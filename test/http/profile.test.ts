import { describe, expect, it } from 'vitest'
import { Stopwatch } from '../../src/http/profile.ts'
import { renderProfile } from '../../src/http/profile-page.ts'
import { call, countOf, makePipeline, post, unique } from '../support/api.ts'
import { HeldQueue } from '../support/background.ts'

const ON = { PROFILING_ENABLED: 'true', JOBS: new HeldQueue() }

describe('?profile=true', () => {
  it('answers a page with the request as a tree: its parts, each statement with text, rows and time', async () => {
    for (let made = 0; made < 2; made += 1) await makePipeline()
    const reply = await call('GET', '/pipeline?limit=1&profile=true', undefined, {}, ON)
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const page = String(reply.body)
    const names = [...page.matchAll(/<span class="name">([^<]*)<\/span>/g)].map((match) => match[1])
    expect(names).toEqual([
      'GET /pipeline',
      'Reading and checking the input',
      'Handler',
      'Round trip 1 to the database',
      'Writing the answer',
    ])
    expect(page).toMatch(/<pre class="sql">select [\s\S]* from &quot;pipeline&quot;/)
    expect(page).toMatch(/\d+ ms · 1 row/)
    const policy = reply.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`'nonce-${page.match(/<script nonce="(\w+)">/)?.[1]}'`)
  })

  it('is for callers who may write: others get the plain answer, also of an open path', async () => {
    const tokens = { ...ON, ENV_STATE: 'prod', WATCHER_API_TOKENS: 'writer:of-writer,reader:of-reader:read' }
    const typeOf = async (path: string, token?: string) =>
      (await call('GET', path, undefined, token ? { authorization: `Bearer ${token}` } : {}, tokens)).headers.get('content-type')
    for (const path of ['/pipeline?profile=true', '/?deep=true&profile=true']) {
      expect(await typeOf(path, 'of-writer'), path).toBe('text/html; charset=utf-8')
      expect(await typeOf(path, 'of-reader'), path).toBe('application/json')
    }
    expect(await typeOf('/?deep=true&profile=true')).toBe('application/json')
  })

  it('executes the request, and shows its answer and the jobs that it sends', async () => {
    const name = unique('profiled')
    const created = await call('POST', '/pipeline?profile=true', { name, pipeline_type_name: '<b>t</b>' }, {}, ON)
    expect(created.status).toBe(201)
    expect(await countOf('pipeline where name = $1', [name])).toBe(1)
    expect(String(created.body)).toContain('{&quot;id&quot;:')
    const queued = String((await call('POST', '/freshness?profile=true', undefined, {}, ON)).body)
    expect(queued).toMatch(/Sent to the queue: job \d+\./)
    const ended = await call('POST', '/end_pipeline_execution?profile=true', { id: 999_999 }, {}, ON)
    expect([ended.status, String(ended.body).includes('Execution 999999 not found')]).toEqual([404, true])
  })

  it('escapes the text of clients', async () => {
    const name = '<img src=x onerror=alert(1)>'
    await post('/address_type', { name, group_name: 'g' })
    const page = String((await call('GET', '/address_type?profile=true', undefined, {}, ON)).body)
    expect(page).toContain('&lt;img src=x')
    expect(page).not.toContain('<img')
  })

  it('marks slow statements, and shows when each step ran', async () => {
    const watch = new Stopwatch(Date.now() - 400)
    const trips = [120, 99].map((millis, index) => ({
      statements: [`select ${index}`],
      begunMillis: watch.begunMillis + 200 * index,
      millis,
      rows: 1,
      failed: false,
    }))
    const tree = watch.toTree('GET /x', trips)
    const page = String(await renderProfile({ tree: { ...tree, millis: 400 }, status: 200, body: '', sentAfterwards: [], nonce: 'n' }))
    const [slow, quick] = page.split('<details').slice(2)
    expect([slow?.includes('class="span slow"'), slow?.includes('>slow</strong>'), slow?.includes('120 ms')]).toEqual([true, true, true])
    expect([quick?.includes('slow'), quick?.includes('99 ms'), quick?.includes('x="50.0" width="24.8"')]).toEqual([false, true, true])
  })

  it('is on in dev and off elsewhere, unless PROFILING_ENABLED is set', async () => {
    const typeWith = async (settings: Record<string, unknown>) =>
      (await call('GET', '/pipeline?limit=1&profile=true', undefined, { authorization: 'Bearer t' }, settings)).headers.get('content-type')
    const tokens = { WATCHER_API_TOKENS: 'a:t' }
    expect(await typeWith({ ENV_STATE: 'dev' })).toContain('text/html')
    expect(await typeWith({ ENV_STATE: 'dev', PROFILING_ENABLED: 'false' })).toBe('application/json')
    expect(await typeWith({ ENV_STATE: 'test' })).toBe('application/json')
    expect(await typeWith({ ENV_STATE: 'prod', ...tokens })).toBe('application/json')
    expect(await typeWith({ ENV_STATE: 'prod', ...tokens, PROD_PROFILING_ENABLED: true })).toContain('text/html')
  })

  it('needs a token', async () => {
    const reply = await call('GET', '/pipeline?profile=true', undefined, {}, { ...ON, WATCHER_API_TOKENS: 'a:t' })
    expect([reply.status, String(reply.body).includes('select')]).toEqual([401, false])
  })
})
