import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DeliveryResult, type Message, NotDelivered, Queue } from '../../src/server/queue.ts'
import type { ConsumerOptions } from '../../src/server/wrangler-config.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

const OK: DeliveryResult = { outcome: 'ok', ackAll: false, retryBatch: { retry: false }, explicitAcks: [], retryMessages: [] }
const OPTIONS: ConsumerOptions = {
  queue: 'q',
  max_batch_size: 3,
  max_batch_timeout: 5,
  max_retries: 2,
  retry_delay: 10,
  max_concurrency: 2,
  dead_letter_queue: 'dead',
}

/** A queue whose deliveries are noted as [seconds, bodies]; `answer` says how each ends. */
const open = (
  options: Partial<ConsumerOptions> = {},
  answer: (batch: Message[]) => DeliveryResult | Promise<DeliveryResult> = () => OK,
) => {
  const delivered: [seconds: number, bodies: unknown[]][] = []
  const attempts: number[] = []
  const dead: Message[] = []
  const queue = new Queue(
    { ...OPTIONS, ...options },
    async (_name, batch) => {
      delivered.push([Date.now() / 1000, batch.map(({ body }) => body)])
      attempts.push(...batch.map((message) => message.attempts))
      return answer(batch)
    },
    (message) => dead.push(message),
  )
  queue.resume()
  const add = (body: unknown, delaySeconds?: number) =>
    queue.add({ id: String(body), timestamp: Date.now(), attempts: 1, body }, delaySeconds)
  return { queue, delivered, attempts, dead, add }
}
const wait = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

describe('a queue', () => {
  it('delivers a batch when it is full, or when its first message has waited', async () => {
    const { delivered, add } = open()
    for (const body of [1, 2, 3, 4]) add(body)
    await wait(4)
    add(5)
    await wait(10)
    expect(delivered).toEqual([
      [0, [1, 2, 3]],
      [5, [4, 5]],
    ])
  })

  it('delivers a delayed message when it is due, in the order of the times', async () => {
    const { delivered, add } = open({ max_batch_timeout: 0 })
    for (const seconds of [9, 3, 7, 1, 5]) add(seconds, seconds)
    add(0)
    await wait(20)
    expect(delivered).toEqual([0, 1, 3, 5, 7, 9].map((seconds) => [seconds, [seconds]]))
  })

  it('keeps a delay of a day, which is the longest', async () => {
    const { delivered, add } = open({ max_batch_timeout: 0 })
    add('late', 86_400)
    await wait(86_399)
    expect(delivered).toEqual([])
    await wait(2)
    expect(delivered).toEqual([[86_400, ['late']]])
  })

  it('delivers a message again after the delay of the queue, or after its own, and counts the attempts', async () => {
    const { delivered, attempts, dead, add } = open({ max_batch_timeout: 0 }, ([message]) =>
      message?.attempts === 3 ? OK : { ...OK, retryMessages: [{ msgId: 'a', ...(message?.attempts === 2 && { delaySeconds: 60 }) }] },
    )
    add('a')
    await wait(200)
    expect(delivered.map(([seconds]) => seconds)).toEqual([0, 10, 70])
    expect([attempts, dead]).toEqual([[1, 2, 3], []])
  })

  it('moves a message to the dead letters after its last delivery, and counts its attempts anew there', async () => {
    const { delivered, dead, add } = open({ max_batch_timeout: 0, max_batch_size: 1 }, ([message]) =>
      message?.id === 'bad' ? { ...OK, retryMessages: [{ msgId: 'bad' }] } : OK,
    )
    add('bad')
    add('good')
    await wait(100)
    expect(delivered.filter(([, [body]]) => body === 'bad')).toHaveLength(3)
    expect(delivered.filter(([, [body]]) => body === 'good')).toHaveLength(1)
    expect(dead).toEqual([{ id: 'bad', timestamp: 0, attempts: 1, body: 'bad' }])
  })

  it('retries only what the consumer has not acked when the delivery fails', async () => {
    let first = true
    const { delivered, add } = open({}, () => {
      if (!first) return OK
      first = false
      return { ...OK, outcome: 'exception', explicitAcks: ['1', '3'] }
    })
    for (const body of [1, 2, 3]) add(body)
    await wait(30)
    expect(delivered).toEqual([
      [0, [1, 2, 3]],
      [15, [2]],
    ])
  })

  it.each([
    ['the whole batch', { ...OK, retryBatch: { retry: true, delaySeconds: 20 } }, [0, 20]],
    ['nothing, when all is acked', { ...OK, outcome: 'exception', ackAll: true }, [0]],
    ['nothing, when the consumer ended well', OK, [0]],
  ])('retries %s', async (_, result, times) => {
    let first = true
    const { delivered, add } = open({}, () => {
      if (!first) return OK
      first = false
      return result
    })
    for (const body of [1, 2, 3]) add(body)
    await wait(60)
    expect(delivered.map(([seconds]) => seconds)).toEqual(times)
  })

  it('counts a delivery whose worker died, and not one that never reached a worker', async () => {
    const faults = [new Error('socket hang up'), new NotDelivered('connection refused'), new NotDelivered('connection refused')]
    const { delivered, attempts, dead, add } = open({ max_batch_timeout: 0 }, () => {
      const fault = faults.shift()
      if (fault) throw fault
      return OK
    })
    add('a')
    await wait(60)
    expect([delivered.length, attempts, dead]).toEqual([4, [1, 2, 2, 2], []])
  })

  it('delivers at most so many batches at once', async () => {
    let underWay = 0
    let most = 0
    const { delivered, add } = open({ max_batch_size: 1 }, async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      underWay -= 1
      return OK
    })
    for (let body = 0; body < 7; body += 1) add(body)
    await wait(10)
    expect([most, delivered.length]).toEqual([2, 7])
  })

  it('delivers nothing while it is paused, and everything afterwards', async () => {
    const { queue, delivered, add } = open({ max_batch_timeout: 0 })
    queue.pause()
    add(1)
    add(2, 3)
    await wait(10)
    expect([delivered, queue.size]).toEqual([[], 2])
    queue.resume()
    await wait(0.1)
    expect(delivered.flatMap(([, bodies]) => bodies)).toEqual([1, 2])
  })

  it('keeps a hundred thousand messages and delivers each once', async () => {
    const { delivered, add } = open({ max_batch_size: 100, max_concurrency: 5 })
    for (let body = 0; body < 100_000; body += 1) add(body, (body * 7919) % 600)
    await wait(700)
    const bodies = delivered.flatMap(([, found]) => found)
    expect([bodies.length, new Set(bodies).size]).toEqual([100_000, 100_000])
  })
})
