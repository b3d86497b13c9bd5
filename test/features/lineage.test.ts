import { describe, expect, it } from 'vitest'
import { countOf, expectError, get, makePipeline, patch, post, sql, unique } from '../support/api.ts'

const address = (name: string, fields: Record<string, unknown> = {}) => ({
  address_name: name,
  address_type_name: 'postgresql',
  address_type_group_name: 'database',
  ...fields,
})

const replace = async (sources: string[], targets: string[], pipeline_id?: number) =>
  post('/address_lineage', {
    pipeline_id: pipeline_id ?? (await makePipeline({ load_lineage: true })),
    source_addresses: sources.map((name) => address(name)),
    target_addresses: targets.map((name) => address(name)),
  })

const idOf = async (name: string): Promise<number> => Number((await sql('select id from address where name = $1', [name]))[0]?.id)

const pairs = async (name: string, query = '') =>
  (await get(`/address_lineage/${await idOf(name)}?${query}`)).body.map(
    (row: Record<string, unknown>) => `${row.source_address_name}>${row.target_address_name}:${row.depth}`,
  )

describe('POST /address_lineage', () => {
  it('creates addresses and types, and answers sources x targets', async () => {
    const prefix = unique('l')
    const pipeline_id = await makePipeline({ load_lineage: true })
    const reply = await post('/address_lineage', {
      pipeline_id,
      source_addresses: [
        address(`${prefix}.public.a`, { primary_key: 'id', address_metadata: { owner: 'x' } }),
        { ...address(''), address_name: undefined, name: `${prefix}b` },
      ],
      target_addresses: [
        address(`${prefix}c`, { address_type_name: unique('Snow'), address_type_group_name: 'warehouse', deprecated: true }),
      ],
    })
    expect(reply).toMatchObject({
      status: 201,
      body: { pipeline_id, lineage_relationships_created: 2, message: expect.stringContaining('2 relationships') },
    })
    const { body: row } = await get(`/address/${await idOf(`${prefix}.public.a`)}`)
    expect(row).toMatchObject({
      database_name: prefix,
      schema_name: 'public',
      table_name: 'a',
      primary_key: 'id',
      address_metadata: { owner: 'x' },
    })
    expect(await pairs(`${prefix}c`)).toEqual([`${prefix}.public.a>${prefix}c:1`, `${prefix}b>${prefix}c:1`])
  })

  it('does not change the details of an existing address', async () => {
    const name = unique('detailed')
    const { body } = await post('/address', { name, address_type_name: 's3', address_type_group_name: 'bucket', primary_key: 'mine' })
    await replace([name], [unique('out')])
    expect((await get(`/address/${body.id}`)).body).toMatchObject({ primary_key: 'mine', updated_at: null })
  })

  it('replaces only the edges that the pipeline owns', async () => {
    const [a, b, c] = [unique('own'), unique('own'), unique('own')]
    const [one, other] = [await makePipeline({ load_lineage: true }), await makePipeline({ load_lineage: true })]
    await replace([a], [b], one)
    await replace([a], [b], other)
    await replace([a], [c], one)
    expect(await pairs(a)).toEqual([`${a}>${b}:1`, `${a}>${c}:1`])
    await replace([a], [c], other)
    expect(await pairs(a)).toEqual([`${a}>${c}:1`])
    expect(await countOf('address_lineage where source_address_id = $1', [await idOf(a)])).toBe(2)
  })

  it('changes and creates nothing for a pipeline that does not ask for its lineage', async () => {
    const [a, b, c] = [unique('unasked'), unique('unasked'), unique('unasked')]
    const pipeline_id = await makePipeline({ load_lineage: true })
    await replace([a], [b], pipeline_id)
    await patch('/pipeline', { id: pipeline_id, load_lineage: false })
    const before = [await countOf('address'), await countOf('address_type')]
    const type = unique('unasked-type')
    const reply = await post('/address_lineage', {
      pipeline_id,
      source_addresses: [address(a)],
      target_addresses: [address(c, { address_type_name: type })],
    })
    expect(reply).toMatchObject({
      status: 200,
      body: { lineage_relationships_created: 0, message: expect.stringContaining('nothing was changed') },
    })
    expect((await replace([b], [a], pipeline_id)).status).toBe(200)
    expect([await countOf('address'), await countOf('address_type')]).toEqual(before)
    expect(await pairs(a)).toEqual([`${a}>${b}:1`])
  })

  it('counts an address once if the post names it twice, also if it feeds itself', async () => {
    const [a, b] = [unique('twice'), unique('twice')]
    expect((await replace([a, a], [b, a])).body.lineage_relationships_created).toBe(2)
    expect(await pairs(a)).toEqual([`${a}>${b}:1`])
  })

  it('accepts 500 addresses per side and 10,000 pairs, and says which limit is exceeded', async () => {
    const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
    const reply = await replace(names(500, unique('wide')), names(20, unique('wide')))
    expect(reply.body.lineage_relationships_created).toBe(10_000)
    expectError(await replace(names(500, 'x'), names(21, 'y')), 422, 'validation_failed', ['body', 'target_addresses'])
    expectError(await replace(names(501, 'x'), ['y']), 422, 'validation_failed', ['body', 'source_addresses'])
    expectError(await replace([], ['y']), 422, 'validation_failed', ['body', 'source_addresses'])
  })

  it('answers 404 for an unknown pipeline and creates nothing, 422 for an address without a name', async () => {
    const before = await countOf('address')
    expectError(await replace([unique('none')], [unique('none')], 999_999), 404, 'pipeline_not_found')
    expectError(
      await post('/address_lineage', {
        pipeline_id: 1,
        source_addresses: [{ address_type_name: 't', address_type_group_name: 'g' }],
        target_addresses: [address('x')],
      }),
      422,
      'validation_failed',
      ['body', 'source_addresses', 0, 'address_name'],
    )
    expect(await countOf('address')).toBe(before)
  })

  it('creates each new address once when pipelines post them at the same time', async () => {
    const names = Array.from({ length: 20 }, () => unique('shared'))
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, index) => replace(index % 2 ? names : [...names].reverse(), [unique('sink')])),
    )
    expect(replies.map(({ status, body }) => [status, body.lineage_relationships_created])).toEqual(Array(10).fill([201, 20]))
    expect(await countOf('address where name = any($1)', [names])).toBe(20)
  })
})

describe('GET /address_lineage/{address_id}', () => {
  it('answers both directions nearest first, one direction only, and pairs up to a depth', async () => {
    const [a, b, c, d] = [unique('way'), unique('way'), unique('way'), unique('way')]
    await replace([a], [b])
    await replace([b], [c])
    await replace([c], [d])
    expect(await pairs(b)).toEqual([`${a}>${b}:1`, `${b}>${c}:1`, `${b}>${d}:2`])
    expect(await pairs(b, 'direction=upstream')).toEqual([`${a}>${b}:1`])
    expect(await pairs(b, 'direction=downstream&max_depth=1')).toEqual([`${b}>${c}:1`])
    expect((await get(`/address_lineage/${await idOf(a)}`)).body[0]).toEqual({
      source_address_id: await idOf(a),
      target_address_id: await idOf(b),
      depth: 1,
      source_address_name: a,
      target_address_name: b,
    })
  })

  it('answers the nearest first, whichever address was made first', async () => {
    const [far, near, start] = [unique('order'), unique('order'), unique('order')]
    for (const name of [far, near, start]) await post('/address', { name, address_type_name: 't', address_type_group_name: 'g' })
    await replace([start], [near])
    await replace([near], [far])
    expect(await pairs(start)).toEqual([`${start}>${near}:1`, `${start}>${far}:2`])
    expect(await pairs(start, 'limit=1')).toEqual([`${start}>${near}:1`])
  })

  it('pages with Link, answers [] for an address without lineage and 404 for an unknown address', async () => {
    const [hub, names] = [unique('hub'), Array.from({ length: 5 }, () => unique('leaf'))]
    await replace([hub], names)
    const collected: unknown[] = []
    let next: string | undefined = `/address_lineage/${await idOf(hub)}?limit=2`
    let pages = 0
    while (next) {
      const page = await get(next)
      collected.push(...page.body)
      pages += 1
      next = page.headers.get('link')?.match(/^<https:\/\/watcher\.test(.*)>; rel="next"$/)?.[1]
    }
    expect([pages, collected.length, new Set(collected.map((row) => JSON.stringify(row))).size]).toEqual([3, 5, 5])
    const { body } = await post('/address', { name: unique('alone'), address_type_name: 't', address_type_group_name: 'g' })
    expect(await get(`/address_lineage/${body.id}`)).toMatchObject({ status: 200, body: [] })
    expectError(await get('/address_lineage/999999'), 404, 'address_not_found')
    expectError(await get(`/address_lineage/${body.id}?direction=sideways`), 422, 'validation_failed', ['query', 'direction'])
    expectError(await get(`/address_lineage/${body.id}?limit=10001`), 422, 'validation_failed', ['query', 'limit'])
  })
})
