import { describe, expect, it } from 'vitest'
import { countOf, expectError, get, patch, post, race, sql, unique } from '../support/api.ts'

describe('POST /pipeline_type', () => {
  it('creates or gets the type, in any case; a hundred requests at once leave one row', async () => {
    const name = unique('Type')
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => post('/pipeline_type', { name, timeliness_number: 30, timeliness_datepart: 'Minute' })),
    )
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
    const id = replies[0]?.body.id
    expect(await post('/pipeline_type', { name: name.toUpperCase() })).toMatchObject({ status: 200, body: { id } })
    expect(await countOf('pipeline_type where lower(name) = lower($1)', [name])).toBe(1)
    expect((await get(`/pipeline_type/${id}`)).body).toMatchObject({
      name,
      timeliness_number: 30,
      timeliness_datepart: 'minute',
      mute_freshness_check: false,
    })
  })

  it('is created once by those who see at the same moment that there is none, and answered to each', async () => {
    const name = unique('raced')
    const replies: { status: number; body: { id: number } }[] = []
    const written = await race('insert', 'pipeline_type', 5, async () => {
      replies.push(...(await Promise.all(Array.from({ length: 5 }, () => post('/pipeline_type', { name })))))
    })
    expect(written).toBe(1)
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201])
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1)
  })

  it('an address too, with its pair of itself', async () => {
    const name = unique('raced')
    await post('/address_type', { name: 'table', group_name: 'g' })
    const body = { name, address_type_name: 'table', address_type_group_name: 'g' }
    const replies: { status: number; body: { id: number } }[] = []
    const written = await race('insert', 'address', 5, async () => {
      replies.push(...(await Promise.all(Array.from({ length: 5 }, () => post('/address', body)))))
    })
    expect(written).toBe(1)
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201])
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1)
    expect(await countOf('address_lineage_closure c join address a on a.id = c.source_address_id where a.name = $1', [name])).toBe(1)
  })

  it('sets the thresholds of a type that a pipeline created without thresholds', async () => {
    const name = unique('implied')
    await post('/pipeline', { name: unique('p'), pipeline_type_name: name })
    const { status, body } = await post('/pipeline_type', {
      name,
      freshness_number: 12,
      freshness_datepart: 'hour',
      mute_timeliness_check: true,
    })
    expect(status).toBe(200)
    expect((await get(`/pipeline_type/${body.id}`)).body).toMatchObject({
      freshness_number: 12,
      freshness_datepart: 'hour',
      mute_timeliness_check: true,
    })
  })

  it('writes nothing for a type that a pipeline created, if the body sets no field', async () => {
    const name = unique('silent')
    await post('/pipeline', { name: unique('p'), pipeline_type_name: name })
    const { status, body } = await post('/pipeline_type', { name, freshness_number: null })
    expect(status).toBe(200)
    expect((await get(`/pipeline_type/${body.id}`)).body).toMatchObject({ config_hash: null, updated_at: null })
  })

  it('is patched by id or by name; lists filter by name', async () => {
    const name = unique('patched')
    const { body } = await post('/pipeline_type', { name, freshness_number: 1, freshness_datepart: 'day' })
    expect(
      (await patch('/pipeline_type', { name: name.toUpperCase(), freshness_number: null, freshness_datepart: null })).body,
    ).toMatchObject({
      id: body.id,
      freshness_number: null,
    })
    expect((await patch('/pipeline_type', { id: body.id, name: `${name}-new` })).body.name).toBe(`${name}-new`)
    expect((await get(`/pipeline_type?name=${name}-NEW`)).body.map((row: { id: number }) => row.id)).toEqual([body.id])
    expectError(await patch('/pipeline_type', { id: body.id, freshness_number: 2 }), 422, 'validation_failed', [
      'body',
      'freshness_datepart',
    ])
    expectError(await patch('/pipeline_type', { id: 999_999 }), 404, 'pipeline_type_not_found')
    expectError(await get('/pipeline_type/999999'), 404, 'pipeline_type_not_found')
    const other = unique('other')
    await post('/pipeline_type', { name: other })
    expectError(await patch('/pipeline_type', { id: body.id, name: other }), 409, 'name_taken')
    expectError(await post('/pipeline_type', { name: '', freshness_number: 1 }), 422, 'validation_failed', ['body', 'name'])
  })
})

describe('POST /address_type', () => {
  it('creates or gets the type and keeps the first group', async () => {
    const name = unique('Kafka')
    const replies = await Promise.all(Array.from({ length: 100 }, () => post('/address_type', { name, group_name: 'stream' })))
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
    const id = replies[0]?.body.id
    expect(await post('/address_type', { name: name.toLowerCase(), group_name: 'file' })).toMatchObject({ status: 200, body: { id } })
    expect((await get(`/address_type/${id}`)).body).toMatchObject({ name, group_name: 'stream' })
    expect((await patch('/address_type', { name, group_name: 'file' })).body).toMatchObject({ id, group_name: 'file' })
    expect((await get(`/address_type?name=${name.toUpperCase()}`)).body).toHaveLength(1)
    expectError(await post('/address_type', { name }), 422, 'validation_failed', ['body', 'group_name'])
    expectError(await get('/address_type/999999'), 404, 'address_type_not_found')
    expectError(await patch('/address_type', { name: 'nobody', group_name: 'x' }), 404, 'address_type_not_found')
  })
})

describe('POST /address', () => {
  const body = (fields: Record<string, unknown> = {}) => ({
    name: unique('a'),
    address_type_name: 'postgresql',
    address_type_group_name: 'database',
    ...fields,
  })
  const read = async (id: number) => (await get(`/address/${id}`)).body

  it('fills database, schema and table from a three-part name of the group database, unless given', async () => {
    const filled = (await post('/address', body({ name: 'Analytics.public.users', table_name: 'people' }))).body.id
    expect(await read(filled)).toMatchObject({ database_name: 'Analytics', schema_name: 'public', table_name: 'people', deprecated: false })
    const twoParts = (await post('/address', body({ name: 'analytics.users' }))).body.id
    const bucket = (await post('/address', body({ name: 'a.b.c', address_type_name: 's3', address_type_group_name: 'bucket' }))).body.id
    const tooLong = (await post('/address', body({ name: `${'x'.repeat(51)}.b.c` }))).body.id
    for (const id of [twoParts, bucket, tooLong])
      expect(await read(id)).toMatchObject({ database_name: null, schema_name: null, table_name: null })
  })

  it('distinguishes names by case; a hundred requests at once leave one row', async () => {
    const name = unique('s3://Bucket/Key')
    const replies = await Promise.all(Array.from({ length: 100 }, () => post('/address', body({ name }))))
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
    expect((await post('/address', body({ name: name.toLowerCase() }))).status).toBe(201)
    expect(await countOf('address where name = $1', [name])).toBe(1)
    const id = replies[0]?.body.id
    expect(await countOf('address_lineage_closure where source_address_id = $1 and target_address_id = $1 and depth = 0', [id])).toBe(1)
  })

  it('is configuration as code: a changed body is written, an unchanged one is not', async () => {
    const given = body({ primary_key: 'id', address_metadata: { owner: 'sales' } })
    const { id } = (await post('/address', given)).body
    await patch('/address', { id, primary_key: 'user_id' })
    expect((await post('/address', given)).status).toBe(200)
    expect(await read(id)).toMatchObject({ primary_key: 'user_id', address_metadata: { owner: 'sales' } })
    await post('/address', { ...given, deprecated: true, address_type_name: unique('other-type') })
    expect(await read(id)).toMatchObject({ primary_key: 'id', deprecated: true })
    expect(
      (await sql('select t.name from address a join address_type t on t.id = a.address_type_id where a.id = $1', [id]))[0]?.name,
    ).toMatch(/^other-type/)
  })

  it('is patched by id or exact name, can be filtered, and refuses invalid fields', async () => {
    const given = body()
    const { id } = (await post('/address', given)).body
    expect(
      (await patch('/address', { name: given.name, deprecated: true, schema_name: null, address_metadata: { a: 1 } })).body,
    ).toMatchObject({ id, deprecated: true })
    const row = await read(id)
    const ids = async (query: string) => (await get(`/address?${query}`)).body.map((found: { id: number }) => found.id)
    expect(await ids(`name=${given.name}&deprecated=true&address_type_id=${row.address_type_id}`)).toEqual([id])
    expect(await ids(`name=${given.name.toUpperCase()}`)).toEqual([])
    expectError(await patch('/address', { id, address_type_id: 999_999 }), 422, 'unknown_reference', ['body', 'address_type_id'])
    expectError(await patch('/address', { name: given.name.toUpperCase() }), 404, 'address_not_found')
    expectError(await post('/address', body({ primary_key: 'x'.repeat(51) })), 422, 'validation_failed', ['body', 'primary_key'])
    expectError(await post('/address', { name: 'x' }), 422, 'validation_failed', ['body', 'address_type_group_name'])
    expectError(await get('/address/999999'), 404, 'address_not_found')
  })
})
