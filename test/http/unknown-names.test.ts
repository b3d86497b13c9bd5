import { describe, expect, it } from 'vitest'
import { countEdits, nearestName } from '../../src/http/near-miss.ts'
import { call, expectError, get, makePipeline, patch, post, readPipeline, unique } from '../support/api.ts'

describe('an unknown field of a body', () => {
  it.each([
    ['POST', '/silence', { owners: ['team'], ends_at: '2099-01-01T00:00:00Z', reason: 'x' }, 'owners', 'owner'],
    ['POST', '/channel', { name: 'x', kind: 'slack', settings: {}, owner: 'team' }, 'owner', 'owners'],
    ['PATCH', '/channel', { id: 1, tag: 'x' }, 'tag', 'tags'],
  ])('is refused by %s %s, where a misspelt filter would mean everything', async (method, path, body, field, nearest) => {
    const reply = await call(method, path, body)
    expectError(reply, 422, 'validation_failed', ['body', field])
    expect(reply.body.message).toContain(`${field}: Unknown: did you mean ${nearest}?`)
  })
})

describe('a query parameter that an operation does not know', () => {
  it('is refused, and the nearest known one is named', async () => {
    const reply = await get('/pipeline_execution?pipeline=1')
    expectError(reply, 422, 'validation_failed', ['query', 'pipeline'])
    expect(reply.body.message).toBe('pipeline: Unknown: did you mean pipeline_id?')
    expect((await get('/pipeline?Active=true')).body.message).toBe('Active: Unknown: did you mean active?')
    // Each name is listed once, together with the other faults.
    const both = await get('/pipeline?limit=0&nmae=x&nmae=y')
    expect(both.body.detail.map(({ loc }: { loc: string[] }) => loc[1])).toEqual(['nmae', 'limit'])
  })

  it('is refused by an operation that takes none, and nothing is written', async () => {
    const name = unique('not-created')
    expectError(await call('POST', '/pipeline?dry_run=true', { name, pipeline_type_name: 'extraction' }), 422, 'validation_failed')
    expect((await get(`/pipeline?name=${name}`)).body).toEqual([])
    expect((await get('/pipeline/1?limit=5')).body.message).toBe('limit: Unknown: this operation takes no query parameters')
    expectError(await call('POST', '/freshness?now=1'), 422, 'validation_failed', ['query', 'now'])
  })

  it('is ignored by health, pages, redirects and the data of pages; profile is always known', async () => {
    expect((await get('/?cachebuster=1')).body).toMatchObject({ status: 'ok' })
    expect((await get('/?deep=true&_=1')).body).toMatchObject({ status: 'ok' })
    expect((await call('GET', '/celery/monitoring?x=1')).status).toBe(302)
    expect((await get('/overview?utm_source=chat', { accept: 'text/html' })).status).toBe(200)
    expect((await get('/lineage-graph/addresses?search=x&_=1')).status).toBe(200)
    expect((await get('/pipeline?profile=false')).status).toBe(200)
    expect((await get('/openapi.json?v=1')).status).toBe(200)
  })

  it('never causes a 5xx, whatever it is', async () => {
    for (const query of ['?%00=1', '?=', '?&&', `?${'x'.repeat(5000)}=1`, '?\u{1f989}=1', '?__proto__=1', '?limit[]=5'])
      expect((await get(`/pipeline${query}`)).status, query).toBeLessThan(500)
    expect((await get(`/pipeline?${Array.from({ length: 200 }, (_, index) => `a${index}`).join('&')}`)).body.detail).toHaveLength(20)
  })
})

describe('a body field that no schema knows', () => {
  const warningOf = async (path: string, body: unknown, method = 'POST') => (await call(method, path, body)).headers.get('watcher-warning')

  it('is ignored, and named in Watcher-Warning if it is close to a known one', async () => {
    const pipeline_id = await makePipeline()
    const reply = await patch('/pipeline', { id: pipeline_id, full_laod: true })
    expect([reply.status, reply.headers.get('watcher-warning')]).toEqual([200, 'full_laod is ignored: did you mean full_load?'])
    expect((await readPipeline(pipeline_id)).full_load).toBe(false)
    const body = { name: unique('p'), pipeline_type_name: 'extraction' }
    expect(await warningOf('/pipeline', { ...body, next_watermrak: 5, freshness_numbr: 1 })).toBe(
      'next_watermrak is ignored: did you mean next_watermark?; freshness_numbr is ignored: did you mean freshness_number?',
    )
    expect(await warningOf('/start_pipeline_execution', { pipeline_id, startdate: '2025-01-09' })).toContain('start_date')
  })

  it('is found in lists as well', async () => {
    const address = { address_name: unique('a'), address_type_name: 't', address_type_group_name: 'g' }
    const lineage = { pipeline_id: await makePipeline({ load_lineage: true }), source_addresses: [address] }
    expect(
      await warningOf('/address_lineage', { ...lineage, target_addresses: [{ ...address, address_name: unique('b'), deprected: true }] }),
    ).toBe('target_addresses: deprected is ignored: did you mean deprecated?')
  })

  it('is not named if it is short, or close to no known one: old clients send such fields', async () => {
    const body = { name: unique('p'), pipeline_type_name: 'extraction', pipeline_type_group_name: 'batch', nme: 'x', sla: 'y' }
    const { status, headers } = await post('/pipeline', body)
    expect([status, headers.get('watcher-warning')]).toEqual([201, null])
  })

  it('is quoted safely: ASCII, percent-encoded, at most 500 characters', async () => {
    const names = ['full_loäd', 'full_lo\nd', 'ful_\u{1f989}load']
    const body = { name: unique('p'), pipeline_type_name: 'extraction', ...Object.fromEntries(names.map((name) => [name, true])) }
    const warning = (await post('/pipeline', body)).headers.get('watcher-warning') ?? ''
    expect(warning).toMatch(/^[\x20-\x7e]*$/)
    expect(warning).toContain('full_lo%C3%A4d is ignored')
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`timeliness_numbe${String.fromCodePoint(0x400 + index)}`, 1]))
    const long = await warningOf('/pipeline', { name: unique('p'), pipeline_type_name: 'extraction', ...many })
    expect(long?.length).toBeLessThanOrEqual(500)
  })

  it('is named on an error too, where it may be the cause', async () => {
    const reply = await patch('/pipeline', { id: 999_999, full_laod: true })
    expect([reply.status, reply.headers.get('watcher-warning')]).toEqual([404, 'full_laod is ignored: did you mean full_load?'])
  })

  it('is looked for among the first hundred unknown fields only: a large body costs no more', async () => {
    const unknown = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`something_else_${index}`, 1]))
    const body = { name: unique('p'), pipeline_type_name: 'extraction' }
    expect(await warningOf('/pipeline', { ...body, ...unknown(99), full_laod: true })).toContain('full_load')
    expect(await warningOf('/pipeline', { ...body, ...unknown(100), full_laod: true })).toBeNull()
  })

  it('does not hide the faults of the body', async () => {
    expectError(await post('/pipeline', { nam_: 'x', pipeline_type_nam: 'y' }), 422, 'validation_failed', ['body', 'name'])
  })
})

describe('the nearest name', () => {
  it('is the one with the fewest inserted, deleted and replaced characters', () => {
    expect(countEdits('kitten', 'sitting', 9)).toBe(3)
    expect(countEdits('', 'abc', 9)).toBe(3)
    expect(countEdits('same', 'same', 0)).toBe(0)
    expect(countEdits('abcdef', 'abcxyz', 2)).toBe(3) // 3: more than the maximum of 2
    expect(nearestName('actve', ['limit', 'active', 'after_id'], 2)).toBe('active')
    expect(nearestName('zzzzz', ['limit', 'active'], 2)).toBeUndefined()
  })
})
