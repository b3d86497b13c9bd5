import { beforeEach, describe, expect, it } from 'vitest'
import { call, countOf, countRoundTrips, expectError, makePipeline, sql } from '../support/api.ts'

const settings: Record<string, unknown> = {}

beforeEach(async () => {
  for (const name of Object.keys(settings)) delete settings[name]
  Object.assign(settings, { WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)) })
  await sql('truncate pipeline, pipeline_type, channel restart identity cascade')
})

const api = (method: string, path: string, body?: unknown) => call(method, path, body, {}, settings)
const create = (fields: Record<string, unknown> = {}) =>
  api('POST', '/channel', { name: 'on-call', kind: 'slack', settings: { webhook_url: 'https://example.com/hook' }, ...fields })

describe('a patch of a channel', () => {
  it('finds it by its current name if there is no id, in any case', async () => {
    const { body } = await create()
    const { status, body: patched } = await api('PATCH', '/channel', { name: 'ON-CALL', min_severity: 'critical' })
    expect([status, patched]).toEqual([200, { ...body, min_severity: 'critical', updated_at: expect.any(String) }])
    expect((await api('PATCH', '/channel', { id: body.id, name: 'night' })).body.name).toBe('night')
    const unknown = await api('PATCH', '/channel', { name: 'on-call', active: false })
    expectError(unknown, 404, 'channel_not_found')
    expect(unknown.body.message).toBe('Channel "on-call" not found')
    expectError(await api('PATCH', '/channel', { active: false }), 422, 'validation_failed', ['body', 'id'])
    const settings = { webhook_url: 'https://example.com/other' }
    expectError(await api('PATCH', '/channel', { name: 'night', settings }), 422, 'validation_failed', ['body', 'kind'])
    expect((await api('PATCH', '/channel', { name: 'night', kind: 'slack', settings })).status).toBe(200)
    expectError(await api('PATCH', '/channel', { name: 'night', kind: 'teams', settings }), 409, 'channel_of_other_kind')
  })
})

describe('the filters of a channel', () => {
  it('name pipeline types that exist, and finding that out costs no round trip of its own', async () => {
    await makePipeline()
    const faulty = async (request: () => ReturnType<typeof api>) => {
      const before = await countRoundTrips()
      expectError(await request(), 422, 'unknown_reference', ['body', 'pipeline_type_ids'])
      expect((await countRoundTrips()) - before).toBe(1)
    }
    await faulty(() => create({ pipeline_type_ids: [1, 999] }))
    expect(await countOf('channel')).toBe(0)
    const { status, body } = await create({ pipeline_type_ids: [1] })
    expect([status, body]).toEqual([201, expect.objectContaining({ pipeline_type_ids: [1], active: true, send_resolved: true })])
    await faulty(() => api('PATCH', '/channel', { id: body.id, pipeline_type_ids: [999], active: false }))
    expect((await api('GET', `/channel/${body.id}`)).body).toEqual(body)
    expect((await api('PATCH', '/channel', { id: body.id, pipeline_type_ids: null, active: false })).body).toMatchObject({
      pipeline_type_ids: null,
      active: false,
    })
    expectError(await api('PATCH', '/channel', { id: 99, pipeline_type_ids: [999] }), 404, 'channel_not_found')
  })

  it('are never empty: an empty one would let nothing through', async () => {
    for (const filter of ['tags', 'kinds', 'owners', 'pipeline_type_ids']) {
      expectError(await create({ [filter]: [] }), 422, 'validation_failed', ['body', filter])
    }
    expect((await create({ tags: ['web', 'finance'] })).body.tags).toEqual(['finance', 'web'])
    expectError(await api('PATCH', '/channel', { id: 1, tags: [] }), 422, 'validation_failed', ['body', 'tags'])
  })
})

describe('the name of a channel', () => {
  it('is not that of the channel of the environment, while there is one', async () => {
    expect((await create({ name: 'Slack' })).status).toBe(201)
    await api('DELETE', '/channel/1')
    settings.SLACK_WEBHOOK_URL = 'https://example.com/of-the-environment'
    const { body } = await create()
    for (const reply of [await create({ name: 'Slack' }), await api('PATCH', '/channel', { id: body.id, name: 'slack' })]) {
      expectError(reply, 409, 'name_taken')
      expect(reply.body.message).toBe('The channel of SLACK_WEBHOOK_URL has the name "slack" already: choose another name')
    }
  })
})

describe('the address of a channel', () => {
  const isTaken = async (webhook_url: string) => {
    const { status, body } = await create({ name: crypto.randomUUID(), settings: { webhook_url } })
    if (status !== 201) expect(body.message).toMatch(/^settings.webhook_url: Must not be a private (address|name)$/)
    return status === 201
  }

  it('is not private behind dots at its end, nor as the old form of IPv4 in IPv6', async () => {
    for (const url of [
      'https://[::127.0.0.1]/x',
      'https://[::10.0.0.1]/x',
      'https://[::8.8.8.8]/x',
      'https://localhost../x',
      'https://db.internal../x',
      'https://printer.local.../x',
      'https://127.0.0.1../x',
      'https://0x7f.1../x',
      'https://intranet../x',
      'https://../x',
    ])
      expect([url, await isTaken(url)]).toEqual([url, false])
    for (const url of ['https://example.com./x', 'https://example.com../x', 'https://[2606:4700::1111]/x'])
      expect([url, await isTaken(url)]).toEqual([url, true])
  })
})

describe('a secret', () => {
  it('is never answered whole', async () => {
    const withBearer = (bearer: string) => create({ kind: 'alertmanager', settings: { url: 'https://example.com', bearer } })
    expectError(await withBearer('x'.repeat(15)), 422, 'validation_failed', ['body', 'settings', 'bearer'])
    expect((await withBearer('0123456789abcdef')).body.settings.bearer).toBe('…cdef')
    const { body } = await create({ name: 'short', settings: { webhook_url: 'https://a.io/b' } })
    expect(body.settings.webhook_url).toBe('…')
  })
})
