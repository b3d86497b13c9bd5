import { describe, expect, it } from 'vitest'
import { call, countOf, expectError, get, makePipeline, patch, post, race, readPipeline, sql, unique } from '../support/api.ts'

const body = (fields: Record<string, unknown> = {}) => ({ name: unique('p'), pipeline_type_name: 'extraction', ...fields })

describe('POST /pipeline', () => {
  it('creates the pipeline and its type, and answers the values that the run needs', async () => {
    const given = body({
      pipeline_type_name: '  Api-Integration ',
      next_watermark: 150,
      pipeline_metadata: { retries: 3 },
      freshness_number: 12,
      freshness_datepart: 'HOUR',
      load_lineage: true,
      pipeline_type_group_name: 'an extra that old clients send',
    })
    const { status, body: answer } = await post('/pipeline', given)
    expect([status, answer]).toEqual([201, { id: expect.any(Number), active: true, load_lineage: true, watermark: null }])
    expect(await readPipeline(answer.id)).toMatchObject({
      name: given.name,
      next_watermark: '150',
      watermark: null,
      pipeline_metadata: { retries: 3 },
      freshness_number: 12,
      freshness_datepart: 'hour',
      timeliness_number: null,
      mute_freshness_check: false,
      full_load: false,
      updated_at: null,
    })
    expect((await sql(`select name from pipeline_type where lower(name) = 'api-integration'`))[0]?.name).toBe('Api-Integration')
  })

  it('sets load_lineage to true for a new pipeline, unless the body says false', async () => {
    expect((await post('/pipeline', body())).body.load_lineage).toBe(true)
    expect((await post('/pipeline', body({ load_lineage: null }))).body.load_lineage).toBe(true)
    expect((await post('/pipeline', body({ load_lineage: false }))).body.load_lineage).toBe(false)
  })

  it('finds the same pipeline in any case and with spaces around its name, and keeps the first spelling', async () => {
    const first = await post('/pipeline', body({ name: 'Nightly Über-Load' }))
    const again = await post('/pipeline', body({ name: '  nightly über-LOAD ' }))
    expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id])
    expect((await readPipeline(first.body.id)).name).toBe('Nightly Über-Load')
  })

  it('leaves one row when a hundred identical requests arrive at once', async () => {
    const given = body({ pipeline_type_name: unique('crowded-type') })
    const replies = await Promise.all(Array.from({ length: 100 }, () => post('/pipeline', given)))
    expect(new Set(replies.map((reply) => reply.body.id)).size).toBe(1)
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(1)
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(99)
    expect(await countOf('pipeline where name = $1', [given.name])).toBe(1)
    expect(await countOf('pipeline_type where name = $1', [given.pipeline_type_name])).toBe(1)
  })

  it('writes no row if nothing has changed', async () => {
    const given = body({ timeliness_number: 5, timeliness_datepart: 'minute', next_watermark: '7', pipeline_metadata: { b: 1, a: [2] } })
    const { body: created } = await post('/pipeline', given)
    const version = () =>
      sql('select xmin::text, ctid::text, (select last_value from pipeline_id_seq) as ids from pipeline where id = $1', [created.id])
    const before = await version()
    const again = await post('/pipeline', {
      ...given,
      pipeline_metadata: { a: [2], b: 1 },
      pipeline_type_name: 'EXTRACTION',
      full_load: null,
    })
    expect(again.status).toBe(200)
    expect(await version()).toEqual(before)
  })

  it('writes a changed configuration once if many requests post it at the same time', async () => {
    const given = body()
    const { body: created } = await post('/pipeline', given)
    const replies: { status: number; body: unknown }[] = []
    const written = await race('update', 'pipeline', 5, async () => {
      replies.push(...(await Promise.all(Array.from({ length: 5 }, () => post('/pipeline', { ...given, full_load: true })))))
    })
    expect(replies.map((reply) => reply.status)).toEqual(Array(5).fill(200))
    expect(replies.map((reply) => reply.body)).toEqual(Array(5).fill(created))
    expect((await readPipeline(created.id)).full_load).toBe(true)
    expect(written).toBe(1)
  })

  it('keeps a change made by hand until the configuration in the code changes', async () => {
    const given = body({ freshness_number: 1, freshness_datepart: 'day', mute_timeliness_check: false })
    const { body: created } = await post('/pipeline', given)
    await patch('/pipeline', { id: created.id, mute_timeliness_check: true, freshness_number: 9, full_load: true })
    await post('/pipeline', given)
    expect(await readPipeline(created.id)).toMatchObject({ mute_timeliness_check: true, freshness_number: 9, full_load: true })
    await post('/pipeline', { ...given, freshness_number: 2 })
    // Only the fields in the body are written: full_load was not one of them.
    expect(await readPipeline(created.id)).toMatchObject({ mute_timeliness_check: false, freshness_number: 2, full_load: true })
  })

  it('treats null as absent: an SDK that sends all its fields does not switch off a check', async () => {
    const given = body({ freshness_number: 1, freshness_datepart: 'day', pipeline_metadata: { kept: true } })
    const { body: created } = await post('/pipeline', given)
    const nulls = { freshness_number: null, freshness_datepart: null, pipeline_metadata: null, next_watermark: null }
    expect((await post('/pipeline', { ...given, ...nulls })).status).toBe(200)
    expect(await readPipeline(created.id)).toMatchObject({
      freshness_number: 1,
      freshness_datepart: 'day',
      pipeline_metadata: { kept: true },
    })
  })

  it('stores the next watermark whenever it is given, and answers the current one', async () => {
    const given = body()
    const { body: created } = await post('/pipeline', given)
    await patch('/pipeline', { id: created.id, watermark: '100' })
    const again = await post('/pipeline', { ...given, next_watermark: '2025-01-09T20:30:45.123456+02:00' })
    expect(again.body.watermark).toBe('100')
    const row = await readPipeline(created.id)
    expect(row.next_watermark).toBe('2025-01-09T20:30:45.123456+02:00')
    await post('/pipeline', { ...given, full_load: true })
    expect(await readPipeline(created.id)).toMatchObject({ full_load: true, next_watermark: row.next_watermark })
  })

  it('keeps every digit of an integer beyond 2^53, in watermarks and in metadata', async () => {
    const text = `{"name":"${unique('p')}","pipeline_type_name":"t","next_watermark":1736454645123456789,"pipeline_metadata":{"id":-98765432109876543210}}`
    const { body: created } = await post('/pipeline', text)
    expect(await readPipeline(created.id)).toMatchObject({
      next_watermark: '1736454645123456789',
      pipeline_metadata: { id: -98765432109876543210n },
    })
  })

  it('refuses invalid fields, names each of them, and stores nothing', async () => {
    const before = await countOf('pipeline')
    expectError(await post('/pipeline', { pipeline_type_name: 't' }), 422, 'validation_failed', ['body', 'name'])
    expectError(await post('/pipeline', body({ name: '   ' })), 422, 'validation_failed', ['body', 'name'])
    expectError(await post('/pipeline', body({ name: 'x'.repeat(151) })), 422, 'validation_failed', ['body', 'name'])
    expectError(await post('/pipeline', body({ next_watermark: 'x'.repeat(51) })), 422, 'validation_failed', ['body', 'next_watermark'])
    expectError(await post('/pipeline', body({ next_watermark: 1.5 })), 422, 'validation_failed', ['body', 'next_watermark'])
    expectError(await post('/pipeline', body({ freshness_number: 0, freshness_datepart: 'day' })), 422, 'validation_failed', [
      'body',
      'freshness_number',
    ])
    expectError(await post('/pipeline', body({ freshness_number: 1001, freshness_datepart: 'Year' })), 422, 'validation_failed', [
      'body',
      'freshness_number',
    ])
    expectError(await post('/pipeline', body({ freshness_number: 3 })), 422, 'validation_failed', ['body', 'freshness_datepart'])
    expectError(await post('/pipeline', body({ timeliness_datepart: 'day' })), 422, 'validation_failed', ['body', 'timeliness_number'])
    expectError(await post('/pipeline', body({ freshness_number: 1, freshness_datepart: 'fortnight' })), 422, 'validation_failed', [
      'body',
      'freshness_datepart',
    ])
    expectError(await post('/pipeline', body({ pipeline_metadata: [1] })), 422, 'validation_failed', ['body', 'pipeline_metadata'])
    expect(await countOf('pipeline')).toBe(before)
  })

  it('limits numbers that jsonb would write with hundreds of digits: the row must fit into an answer', async () => {
    const numbers = (count: number) =>
      `{"name":"${unique('p')}","pipeline_type_name":"t","pipeline_metadata":{"a":[${Array(count).fill('1e308').join()}]}}`
    expectError(await post('/pipeline', numbers(100_000)), 422, 'validation_failed')
    expect((await post('/pipeline', numbers(3))).status).toBe(201)
  })

  it('counts characters, not bytes: 150 characters of any kind fit', async () => {
    expect((await post('/pipeline', body({ name: '🦉'.repeat(150) }))).status).toBe(201)
    expectError(await post('/pipeline', body({ name: '🦉'.repeat(151) })), 422, 'validation_failed', ['body', 'name'])
  })

  it('creates a rule per metric with a new pipeline if the setting is on', async () => {
    const settings = { WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: 'true' }
    const { body: created } = await call('POST', '/pipeline', body(), {}, settings)
    const rules = (await get(`/anomaly_detection_rule?pipeline_id=${created.id}`)).body
    expect(rules.map((rule: { metric_field: string }) => rule.metric_field).sort()).toEqual([
      'duration_seconds',
      'inserts',
      'soft_deletes',
      'throughput',
      'total_rows',
      'updates',
    ])
    expect(rules[0]).toMatchObject({
      method: 'robust',
      std_deviation_threshold_multiplier: 3,
      season: 'auto',
      min_change_percent: 10,
      lookback_days: 30,
      minimum_executions: 10,
      active: true,
    })
    expect(await countOf('anomaly_detection_rule where pipeline_id = $1', [await makePipeline()])).toBe(0)
  })
})

describe('PATCH /pipeline', () => {
  it('changes only the fields in the body, clears with null, and answers the whole row', async () => {
    const id = await makePipeline({ freshness_number: 1, freshness_datepart: 'day', next_watermark: '5', pipeline_metadata: { a: 1 } })
    const { status, body: row } = await patch('/pipeline', {
      id,
      active: false,
      freshness_number: null,
      freshness_datepart: null,
      pipeline_metadata: null,
    })
    expect(status).toBe(200)
    expect(row).toMatchObject({
      id,
      active: false,
      freshness_number: null,
      freshness_datepart: null,
      pipeline_metadata: null,
      next_watermark: '5',
    })
    expect(row.updated_at).toMatch(/^\d{4}-.*Z$/)
    expect(await readPipeline(id)).toEqual({ ...row, effective: expect.anything(), next_expected_at: null })
  })

  it('finds the pipeline by id, by pipeline_id (as the Python SDK sends it), or by name', async () => {
    const name = unique('Named')
    const id = await makePipeline({ name })
    expect((await patch('/pipeline', { pipeline_id: id, next_watermark: 7 })).body).toMatchObject({ id, next_watermark: '7' })
    expect((await patch('/pipeline', { name: name.toUpperCase(), watermark: 6 })).body).toMatchObject({ id, name, watermark: '6' })
    expect((await patch('/pipeline', { id, name: `${name} renamed` })).body).toMatchObject({ id, name: `${name} renamed` })
  })

  it('refuses a taken name, an unknown type, half a threshold, and an unknown pipeline', async () => {
    const [taken, id] = [unique('taken'), await makePipeline()]
    await makePipeline({ name: taken })
    expectError(await patch('/pipeline', { id, name: taken.toUpperCase() }), 409, 'name_taken')
    expectError(await patch('/pipeline', { id, pipeline_type_id: 999_999 }), 422, 'unknown_reference', ['body', 'pipeline_type_id'])
    expectError(await patch('/pipeline', { id, timeliness_number: 5 }), 422, 'validation_failed', ['body', 'timeliness_datepart'])
    await patch('/pipeline', { id, timeliness_number: 500_000, timeliness_datepart: 'minute' })
    expectError(await patch('/pipeline', { id, timeliness_datepart: 'month' }), 422, 'validation_failed', ['body', 'timeliness_number'])
    await sql('update pipeline set updated_at = null where id = $1', [id])
    expectError(await patch('/pipeline', { id, active: null }), 422, 'validation_failed', ['body', 'active'])
    expectError(await patch('/pipeline', { active: true }), 422, 'validation_failed', ['body', 'id'])
    expectError(await patch('/pipeline', { id: 999_999, active: true }), 404, 'pipeline_not_found')
    expectError(await patch('/pipeline', { name: 'nobody', active: true }), 404, 'pipeline_not_found')
    expect((await readPipeline(id)).updated_at).toBeNull()
  })
})

describe('GET /pipeline', () => {
  it('filters by name in any case, by type and by active', async () => {
    const name = unique('Filtered')
    const id = await makePipeline({ name, pipeline_type_name: unique('filter-type') })
    const { pipeline_type_id } = await readPipeline(id)
    await patch('/pipeline', { id, active: false })
    const ids = async (query: string) => (await get(`/pipeline?${query}`)).body.map((row: { id: number }) => row.id)
    expect(await ids(`name=${name.toLowerCase()}`)).toEqual([id])
    expect(await ids(`pipeline_type_id=${pipeline_type_id}`)).toEqual([id])
    expect(await ids(`pipeline_type_id=${pipeline_type_id}&active=true`)).toEqual([])
    expect(await ids(`pipeline_type_id=${pipeline_type_id}&active=False`)).toEqual([id])
  })

  it('answers 404 for an unknown id, and 422 for a value that is not an id', async () => {
    expectError(await get('/pipeline/999999'), 404, 'pipeline_not_found')
    for (const id of ['0', '-1', 'abc', '1.5', '99999999999999999999', '%00']) {
      expectError(await get(`/pipeline/${id}`), 422, 'validation_failed', ['path', 'id'])
    }
  })
})
