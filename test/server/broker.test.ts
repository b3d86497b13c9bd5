import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../../src/server/broker.ts'
import type { Message } from '../../src/server/queue.ts'
import { parseWranglerConfig } from '../../src/server/wrangler-config.ts'

const TOML = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
const SECRET = 'of-tests'

let broker: Broker
let delivered: [queue: string, body: unknown][]

beforeEach(async () => {
  delivered = []
  broker = await startBroker(parseWranglerConfig(TOML).queues, SECRET, async (queue: string, batch: Message[]) => {
    for (const { body } of batch) delivered.push([queue, body])
    return { outcome: 'ok', ackAll: true, retryBatch: { retry: false }, explicitAcks: [], retryMessages: [] }
  })
  for (const queue of broker.queues.values()) queue.resume()
})
afterEach(() => broker.close())

const send = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${broker.port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'x-queue': 'watcher-jobs', ...headers },
    body,
  })
const batchOf = (...bodies: unknown[]) =>
  JSON.stringify({ messages: bodies.map((body) => ({ body: btoa(JSON.stringify(body)), contentType: 'json' })) })

it('takes messages and batches as workerd sends them, and answers the metrics that workerd asks for', async () => {
  const answer = await send('/message', '{"id":1}', { 'x-msg-fmt': 'json' })
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { metadata: { metrics: { backlogCount: 1, backlogBytes: 0, oldestMessageTimestamp: 0 } } },
  ])
  expect((await send('/batch', batchOf({ id: 2 }, { id: 3 }))).status).toBe(200)
  expect((await send('/message', '{"id":4}', { 'x-queue': 'watcher-dead-jobs' })).status).toBe(200)
  await vi.waitFor(() => expect(delivered).toHaveLength(4), { timeout: 10_000 })
  expect(delivered.map(([queue]) => queue).sort()).toEqual(['watcher-dead-jobs', 'watcher-jobs', 'watcher-jobs', 'watcher-jobs'])
})

it('reads the queues of wrangler.toml, and names what is wrong there', () => {
  const [jobs] = parseWranglerConfig(TOML).queues.consumers
  expect(jobs).toEqual({
    queue: 'watcher-jobs',
    max_batch_size: 10,
    max_batch_timeout: 1,
    max_retries: 19,
    retry_delay: 15,
    max_concurrency: 5,
    dead_letter_queue: 'watcher-dead-jobs',
  })
  expect(() => parseWranglerConfig(TOML.replace('max_batch_size = 10 ', 'max_batch_size = 1000 '))).toThrow(
    'wrangler.toml cannot be used: queues.consumers.0.max_batch_size',
  )
})

it.each([
  ['a wrong secret', 401, () => send('/message', '{}', { authorization: 'Bearer of-test5' })],
  ['no secret', 401, () => send('/message', '{}', { authorization: '' })],
  ['an unknown queue', 404, () => send('/message', '{}', { 'x-queue': 'other' })],
  ['an unknown path', 404, () => send('/messages', '{}')],
  ['what is not JSON', 400, () => send('/message', '{')],
  ['a batch that is not one', 400, () => send('/batch', '[]')],
  ['a delay of more than a day', 400, () => send('/message', '{}', { 'x-msg-delay-secs': '86401' })],
  ['a delay that is no number', 400, () => send('/message', '{}', { 'x-msg-delay-secs': 'soon' })],
  ['a message of more than 128 kB', 413, () => send('/message', JSON.stringify('x'.repeat(128_000)))],
  ['a batch of more than a hundred', 413, () => send('/batch', batchOf(...Array.from({ length: 101 }, () => 1)))],
  ['an endless body', 413, () => send('/message', 'x'.repeat(2_000_000))],
])('refuses %s, keeps nothing and goes on', async (_, status, ask) => {
  expect((await ask()).status).toBe(status)
  expect([...broker.queues.values()].map(({ size }) => size)).toEqual([0, 0])
  expect((await send('/message', '{"id":1}')).status).toBe(200)
})
