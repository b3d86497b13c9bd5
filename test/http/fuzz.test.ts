import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { stringifyJson } from '../../src/core/json.ts'
import worker from '../../src/index.ts'
import { call, get, makePipeline, post, type Reply, startRun } from '../support/api.ts'

/** Sends hostile values in every field of every endpoint: no answer may be a 5xx. */

const text = (value: unknown) => JSON.stringify(value)

/** JSON texts, because JSON.stringify cannot write some of these. */
const NASTY_VALUES = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e308, -1e308, 2 ** 31, 2 ** 53, '', ' ', 'x', '0', 'null', 'true'].map(text),
  ...[
    '2025-02-30',
    'infinity',
    '-infinity',
    'now',
    'epoch',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999Z',
    '2025-01-09T20:30:45.123456+14:00',
  ].map(text),
  ...["'; drop table pipeline; --", '%s%n$1', '{}', '\\', '"', '\u202e\u0007\u007f', 'İıſß', '🦉'.repeat(151), 'x'.repeat(10_000)].map(
    text,
  ),
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '1e400',
  '-1e400',
  '-0',
  '1e-400',
  '123456789012345678901234567890',
  `1${'0'.repeat(400)}`,
  '9007199254740993',
  '-9223372036854775809',
  '[]',
  '[null]',
  '[[[]]]',
  '{}',
  '{"\\u0000":1}',
  '{"a":"\\u0000"}',
  '{"\\ud800":1}',
  '{"__proto__":{"x":1},"constructor":2,"toString":3}',
  '{"a":1e400}',
  `{"a":${'1'.repeat(300)}}`,
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`,
  text({ name: 'x', id: 1 }),
  text([{ name: 'x' }, 5, null, 'x']),
  text([{ address_name: 'a', address_type_name: 't', address_type_group_name: 'g', address_metadata: { deep: [1] } }]),
]

const NASTY_QUERIES = [
  '',
  ' ',
  '0',
  '-1',
  '1',
  '1.5',
  '1e3',
  '999999999999999',
  '99999999999999999999',
  'x',
  '%00',
  '%ff%fe',
  '%ED%A0%80',
  '%',
  '+',
  'true',
  'null',
  '2025-01-09T20:30:45+02:00',
  '2025-02-30',
  "';--",
  '🦉',
  'x'.repeat(5000),
]

const NASTY_BODIES = [
  '',
  ' ',
  'null',
  'true',
  '5',
  '"x"',
  '[]',
  '{}',
  '{',
  '\u0000',
  '{"a":1,"a":2}',
  '\ufeff{"name":"bom"}',
  '[{}]',
  '{"":{}}',
  '('.repeat(100),
  `${'['.repeat(100_000)}`,
]

type Schema = { properties?: Record<string, Schema>; items?: Schema; $ref?: string; example?: unknown; enum?: unknown[]; anyOf?: Schema[] }
type Operation = {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: { 'application/json': { schema: Schema } } }
}

let paths: Record<string, Record<string, Operation>> = {}
let schemas: Record<string, Schema> = {}

beforeAll(async () => {
  const { body } = await get('/openapi.json')
  paths = body.paths
  schemas = body.components.schemas
  const pipeline_id = await makePipeline({ load_lineage: true })
  await startRun({ pipeline_id })
  await post('/address', { name: 'a', address_type_name: 't', address_type_group_name: 'g' })
})

const resolve = (schema: Schema): Schema => (schema.$ref ? (schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema)

const expectNoFault = (reply: Reply, what: string): void => {
  expect(reply.status, `${what} -> ${stringifyJson(reply.body)}`).toBeLessThan(500)
  if (reply.status < 400 || what.startsWith('HEAD')) return
  // Clients of pings read text.
  if (reply.headers.get('content-type')?.startsWith('text/plain') && /^\w+ \/(ping|badge)\//.test(what)) return
  expect(reply.body, what).toMatchObject({ code: expect.any(String), message: expect.any(String), request_id: expect.any(String) })
}

/** A valid body for each path: a request then has only one fault. */
const VALID: Record<string, Record<string, unknown>> = {
  '/pipeline': { name: 'fuzzed', pipeline_type_name: 't' },
  '/pipeline_type': { name: 't' },
  '/address': { name: 'fuzzed', address_type_name: 't', address_type_group_name: 'g' },
  '/address_type': { name: 't', group_name: 'g' },
  '/start_pipeline_execution': { pipeline_id: 1 },
  '/end_pipeline_execution': { id: 1 },
  '/anomaly_detection_rule': { pipeline_id: 1, metric_field: 'inserts' },
  '/anomaly_detection_rule/preview': { pipeline_id: 1, metric_field: 'inserts' },
  '/timeliness': { lookback_minutes: 60 },
  '/log_cleanup': { retention_days: 365 },
  '/replay_job': { id: 1 },
  '/channel': { name: 'fuzzed', kind: 'slack', settings: { webhook_url: 'https://example.com/x' } },
  '/silence': { ends_at: new Date(Date.now() + 3_600_000).toISOString(), reason: 'x' },
  '/schedule/preview': { schedule_cron: '0 6 * * *' },
  '/incident/{id}/acknowledge': { note: 'x' },
  '/incident/{id}/resolve': { note: 'x' },
  '/incident/{id}/comment': { note: 'x' },
  '/unflag_anomaly': { pipeline_id: 1, pipeline_execution_id: 1, metric_field: ['inserts'] },
  '/address_lineage': {
    pipeline_id: 1,
    source_addresses: [{ name: 'a', address_type_name: 't', address_type_group_name: 'g' }],
    target_addresses: [{ name: 'b', address_type_name: 't', address_type_group_name: 'g' }],
  },
}

/** The valid body with one field replaced by a JSON text. */
const withField = (body: Record<string, unknown>, field: string, value: string): string =>
  `{${[...Object.entries(body).filter(([name]) => name !== field), [field, undefined]].map(([name, given]) => `${text(name)}:${given === undefined ? value : text(given)}`).join(',')}}`

describe('no input produces a 5xx', () => {
  it('in any field of any body', { timeout: 300_000 }, async () => {
    let requests = 0
    const failing = await startRun({ pipeline_id: await makePipeline() })
    await post('/end_pipeline_execution', { id: failing, completed_successfully: false })
    expect((await call('GET', '/incident/1')).status).toBe(200)
    for (const [template, operations] of Object.entries(paths)) {
      const path = template.replace('{id}', '1')
      for (const [method, { requestBody }] of Object.entries(operations)) {
        if (!requestBody) continue
        const fields = Object.keys(resolve(requestBody.content['application/json'].schema).properties ?? {})
        expect(fields.length, `${method} ${path}`).toBeGreaterThan(0)
        const valid = method === 'patch' ? { id: 1 } : VALID[template]
        expect(valid, template).toBeDefined()
        for (const field of fields) {
          for (const value of NASTY_VALUES) {
            const body = withField(valid ?? {}, field, value)
            expectNoFault(await call(method.toUpperCase(), path, body), `${method} ${path} ${field} ${value.slice(0, 80)}`)
            requests += 1
          }
        }
        for (const body of NASTY_BODIES) {
          expectNoFault(await call(method.toUpperCase(), path, body), `${method} ${path} ${body.slice(0, 80)}`)
          requests += 1
        }
      }
    }
    const nested = resolve(resolve(schemas.LineagePost ?? {}).properties?.source_addresses?.items ?? {})
    for (const field of Object.keys(nested.properties ?? {})) {
      for (const value of NASTY_VALUES) {
        const source = withField({ name: 'a', address_type_name: 't', address_type_group_name: 'g' }, field, value)
        const body = `{"pipeline_id":1,"source_addresses":[${source}],"target_addresses":[${source}]}`
        expectNoFault(await call('POST', '/address_lineage', body), `lineage ${field} ${value.slice(0, 80)}`)
        requests += 1
      }
    }
    console.log(`${requests} bodies`)
    expect(requests).toBeGreaterThan(3000)
  })

  it('in any query parameter or path', { timeout: 120_000 }, async () => {
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
        if (requestBody) continue // the test above fuzzes its body
        for (const { name, in: location } of parameters) {
          for (const value of NASTY_QUERIES) {
            const encoded = value.includes('%') || value === '+' ? value : encodeURIComponent(value)
            const target =
              location === 'path' ? path.replace(`{${name}}`, encoded || '0') : `${path.replace(/\{\w+\}/, '1')}?${name}=${encoded}`
            expectNoFault(await call(method.toUpperCase(), target), `${method} ${target.slice(0, 100)}`)
          }
        }
      }
    }
    for (const path of [
      '//',
      '/%',
      '/%00',
      '/pipeline/1/2',
      '/pipeline?limit=1&limit=2',
      '/pipeline?=',
      '/pipeline?&&',
      '/../etc',
      '/pipeline/%2e%2e',
      `/${'x'.repeat(8000)}`,
    ]) {
      expectNoFault(await get(path), path.slice(0, 50))
    }
  })

  it('in any header, method or encoding of the body', async () => {
    for (const value of ['', ' ', 'x'.repeat(200), 'x'.repeat(201), "';--", '\u00ff', '"']) {
      expectNoFault(await post('/start_pipeline_execution', { pipeline_id: 1 }, { 'idempotency-key': value }), `key ${value.slice(0, 20)}`)
      expectNoFault(await post('/pipeline', VALID['/pipeline'], { 'content-type': value }), `type ${value.slice(0, 20)}`)
    }
    for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND']) {
      for (const path of Object.keys(paths)) expectNoFault(await call(method, path.replace(/\{\w+\}/, '1')), `${method} ${path}`)
    }
    for (const bytes of [[0xff, 0xfe], [0x22, 0xc3, 0x22], [0xef, 0xbb, 0xbf, 0x7b, 0x7d], [0x00], [0xed, 0xa0, 0x80]]) {
      const request = new Request<unknown, IncomingRequestCfProperties>('https://watcher.test/pipeline', {
        method: 'POST',
        body: new Uint8Array(bytes),
      })
      expect((await worker.fetch(request, env as Env, createExecutionContext())).status).toBeLessThan(500)
    }
  })
})
