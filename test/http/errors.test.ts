import { describe, expect, it } from 'vitest'
import { call, countOf, expectError, get, post, unique } from '../support/api.ts'

describe('every error has one shape', () => {
  it('for a path that does not exist and a method that a path does not have', async () => {
    expectError(await get('/nowhere'), 404, 'path_not_found')
    expectError(await get('/pipeline/'), 404, 'path_not_found')
    const reply = await call('PUT', '/pipeline')
    expectError(reply, 405, 'method_not_allowed')
    expect(reply.headers.get('allow')).toBe('GET, HEAD, OPTIONS, PATCH, POST')
    expect((await call('DELETE', '/pipeline/1')).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    expect((await get('/start_pipeline_execution')).headers.get('allow')).toBe('OPTIONS, POST')
  })

  it('for a body that is not JSON, too large, of another type, or missing', async () => {
    for (const text of ['{', '{"name":}', "{'name':1}", '{"a":1}x', 'NaN'])
      expectError(await post('/pipeline', text), 400, 'malformed_json')
    expectError(await post('/pipeline', '{"name":"x"}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type')
    expectError(
      await post('/pipeline', '{"name":"x"}', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported_media_type',
    )
    expectError(await post('/pipeline', JSON.stringify({ name: 'x'.repeat(1024 * 1024) })), 413, 'body_too_large')
    expectError(await post('/pipeline'), 422, 'validation_failed', ['body'])
    expectError(await post('/pipeline', `${'['.repeat(60_000)}1234567890123456${']'.repeat(60_000)}`), 422, 'validation_failed')
    for (const text of ['null', '[]', '"text"', '5', 'true']) expectError(await post('/pipeline', text), 422, 'validation_failed', ['body'])
  })

  it('names the first faults in its sentence and lists them all', async () => {
    const reply = await post('/start_pipeline_execution', { pipeline_id: 'one', start_date: 'yesterday', full_load: 'yes' })
    expectError(reply, 422, 'validation_failed')
    expect(reply.body.message).toBe(
      'pipeline_id: Must be a whole number; start_date: Must be an ISO 8601 instant such as 2025-01-09T20:30:45.123456Z; full_load: Must be true or false',
    )
    const four = await post('/start_pipeline_execution', { pipeline_id: 'one', start_date: 'yesterday', full_load: 'yes', parent_id: 'x' })
    expect(four.body.message).toMatch(/ \(and 1 more\)$/)
    expect(reply.body.detail).toEqual([
      { loc: ['body', 'pipeline_id'], msg: 'Must be a whole number', type: 'invalid_type' },
      { loc: ['body', 'start_date'], msg: 'Must be an ISO 8601 instant such as 2025-01-09T20:30:45.123456Z', type: 'custom' },
      { loc: ['body', 'full_load'], msg: 'Must be true or false', type: 'invalid_type' },
    ])
  })

  it('keeps a safe request id of a client, and makes one otherwise', async () => {
    expect((await get('/nowhere', { 'x-request-id': 'airflow.run-7' })).body.request_id).toBe('airflow.run-7')
    expect((await get('/', { 'x-request-id': 'airflow.run-7' })).headers.get('x-request-id')).toBe('airflow.run-7')
    for (const id of ['a b', 'x'.repeat(129), 'é', '"}']) {
      expect((await get('/nowhere', { 'x-request-id': encodeURI(id) })).body.request_id).not.toBe(id)
    }
    expect((await get('/nowhere')).body.request_id).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('HTTP', () => {
  it('reads a body as JSON if its content type is absent, or any JSON type', async () => {
    const name = unique('p')
    for (const type of ['', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.api+json']) {
      expect([200, 201]).toContain(
        (await post('/pipeline', JSON.stringify({ name, pipeline_type_name: 't' }), { 'content-type': type })).status,
      )
    }
    expect(await countOf('pipeline where name = $1', [name])).toBe(1)
  })

  it('answers HEAD as GET without the body, and OPTIONS with the allowed methods', async () => {
    const head = await call('HEAD', '/pipeline')
    expect([head.status, head.body, head.headers.get('content-type')]).toEqual([200, '', 'application/json'])
    expect((await call('HEAD', '/pipeline/999999')).status).toBe(404)
    expect((await call('HEAD', '/address_lineage')).status).toBe(405)
    const options = await call('OPTIONS', '/address_lineage')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'OPTIONS, POST'])
    expectError(await call('OPTIONS', '/nowhere'), 404, 'path_not_found')
  })

  it('answers health without a database, and deep health with one', async () => {
    const settings = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nowhere', NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' }
    expect(await call('GET', '/', undefined, {}, settings)).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await get('/?deep=true')).toMatchObject({ status: 200, body: { status: 'ok' } })
  })

  it('names the setting that is missing or malformed, and never its value', async () => {
    const missing = await call('GET', '/pipeline', undefined, {}, { DATABASE_URL: undefined })
    expectError(missing, 503, 'misconfigured')
    expect(missing.body.message).toContain('DATABASE_URL is not set')
    const malformed = await call(
      'GET',
      '/pipeline',
      undefined,
      {},
      { DATABASE_URL: 'mysql://secret', WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: 'perhaps' },
    )
    expectError(malformed, 503, 'misconfigured')
    expect(malformed.body.message).toContain('DATABASE_URL must look like')
    expect(malformed.body.message).toContain('WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES must be true or false')
    expect(malformed.body.message).not.toContain('secret')
    expect(malformed.headers.get('retry-after')).toBe('60')
    for (const DATABASE_URL of ['postgresql://host.tld/db', 'postgresql://u:secret@host:abc/db', 'postgresql://u@host', 'x']) {
      const refused = await call('GET', '/pipeline', undefined, {}, { DATABASE_URL })
      expectError(refused, 503, 'misconfigured')
      expect(refused.body.message).not.toContain('secret')
    }
    expectError(await call('GET', '/pipeline', undefined, {}, { ENV_STATE: 'production' }), 503, 'misconfigured')
  })

  it('prefers the setting with the prefix of the environment', async () => {
    // A TOML boolean, a word as Python writes it, and a digit mean the same.
    for (const value of [true, 'True', '1']) {
      expect((await call('GET', '/pipeline?limit=1', undefined, {}, { WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: value })).status).toBe(
        200,
      )
    }
    const settings = { WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: 'false', TEST_WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: 'true' }
    const { body } = await call('POST', '/pipeline', { name: unique('p'), pipeline_type_name: 't' }, {}, settings)
    expect(await countOf('anomaly_detection_rule where pipeline_id = $1', [body.id])).toBe(6)
  })
})
