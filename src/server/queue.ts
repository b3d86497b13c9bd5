import type { ConsumerOptions } from './wrangler-config.ts'

/** A message in a queue of this process. */
export interface Message {
  id: string
  /** When it was sent, in milliseconds since 1970. */
  timestamp: number
  /** The number of its next delivery, from 1. */
  attempts: number
  body: unknown
}

/** What workerd answers for a delivery. */
export interface DeliveryResult {
  outcome: string
  ackAll: boolean
  retryBatch: { retry: boolean; delaySeconds?: number }
  explicitAcks: string[]
  retryMessages: { msgId: string; delaySeconds?: number }[]
}

/** Delivers a batch to the worker. Throws NotDelivered if the worker has surely seen nothing of it. */
export type Deliver = (queue: string, batch: Message[]) => Promise<DeliveryResult>

/** No worker took the batch: this was no attempt. */
export class NotDelivered extends Error {}

/** The outcome of a delivery whose answer never came, for example because the worker was killed. */
const ENDED: DeliveryResult = { outcome: 'exception', ackAll: false, retryBatch: { retry: false }, explicitAcks: [], retryMessages: [] }

interface Waiting {
  message: Message
  /** When it may be delivered, in milliseconds since 1970. */
  dueMillis: number
}

/** No worker took a batch, and nobody has called `pause` yet: wait a moment. */
const NOT_DELIVERED_SECONDS = 0.1

/** Node's timers hold at most 2^31 - 1 milliseconds. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1

/**
 * One queue with Cloudflare's semantics, in memory: at least once, without order; batches by size or time; a delay for each
 * message; a limit of deliveries, then the dead letter queue; a limit of deliveries at once. What the consumer neither acks
 * nor retries is acked if it ended well, and retried if it did not. A new queue is paused.
 */
export class Queue {
  readonly #options: ConsumerOptions
  readonly #deliver: Deliver
  readonly #toDeadLetters: (message: Message) => void
  /** Messages that may be delivered now, oldest first. */
  #ready: Waiting[] = []
  /** Messages with a delay: a binary heap, the next one due first. */
  readonly #delayed: Waiting[] = []
  #underWay = 0
  #paused = true
  #timer: NodeJS.Timeout | undefined

  constructor(options: ConsumerOptions, deliver: Deliver, toDeadLetters: (message: Message) => void) {
    this.#options = options
    this.#deliver = deliver
    this.#toDeadLetters = toDeadLetters
  }

  get name(): string {
    return this.#options.queue
  }

  /** How many messages wait, without those that are being delivered. */
  get size(): number {
    return this.#ready.length + this.#delayed.length
  }

  add(message: Message, delaySeconds = 0): void {
    const waiting = { message, dueMillis: Date.now() + delaySeconds * 1000 }
    if (delaySeconds > 0) pushHeap(this.#delayed, waiting)
    else this.#ready.push(waiting)
    this.#schedule()
  }

  /** Starts no delivery until `resume`: there is no worker now. */
  pause(): void {
    this.#paused = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  /** Delivers what is due, and sets the timer for what is not. */
  #schedule(): void {
    if (this.#paused) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const now = Date.now()
    while (this.#delayed[0] && this.#delayed[0].dueMillis <= now) this.#ready.push(popHeap(this.#delayed) as Waiting)
    while (this.#underWay < this.#options.max_concurrency && this.#isBatchDue(now)) void this.#send(this.#takeBatch())
    const wake = this.#nextWakeMillis()
    if (wake === undefined) return
    this.#timer = setTimeout(() => this.#schedule(), Math.min(Math.max(wake - Date.now(), 1), MAX_TIMER_MILLIS))
  }

  #isBatchDue(now: number): boolean {
    const [oldest] = this.#ready
    if (!oldest) return false
    return this.#ready.length >= this.#options.max_batch_size || now >= oldest.dueMillis + this.#options.max_batch_timeout * 1000
  }

  #takeBatch(): Message[] {
    return this.#ready.splice(0, this.#options.max_batch_size).map(({ message }) => message)
  }

  /** When a delayed message is due, or a batch that is not full; undefined if only a delivery under way can change anything. */
  #nextWakeMillis(): number | undefined {
    const [oldest] = this.#ready
    const isFree = this.#underWay < this.#options.max_concurrency
    const times = [
      ...(this.#delayed[0] ? [this.#delayed[0].dueMillis] : []),
      ...(oldest && isFree ? [oldest.dueMillis + this.#options.max_batch_timeout * 1000] : []),
    ]
    return times.length === 0 ? undefined : Math.min(...times)
  }

  async #send(batch: Message[]): Promise<void> {
    this.#underWay += 1
    try {
      this.#settle(batch, await this.#deliver(this.name, batch))
    } catch (error) {
      if (error instanceof NotDelivered) {
        for (const message of batch) this.add(message, NOT_DELIVERED_SECONDS)
      } else {
        this.#settle(batch, ENDED)
      }
    } finally {
      this.#underWay -= 1
      this.#schedule()
    }
  }

  #settle(batch: Message[], { outcome, ackAll, retryBatch, explicitAcks, retryMessages }: DeliveryResult): void {
    const acked = new Set(explicitAcks)
    const delays = new Map(retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]))
    const retriesAll = retryBatch.retry || (outcome !== 'ok' && !ackAll)
    for (const message of batch) {
      if (acked.has(message.id) || !(retriesAll || delays.has(message.id))) continue
      const delaySeconds = delays.get(message.id) ?? retryBatch.delaySeconds ?? this.#options.retry_delay
      if (message.attempts > this.#options.max_retries) this.#toDeadLetters({ ...message, attempts: 1 })
      else this.add({ ...message, attempts: message.attempts + 1 }, delaySeconds)
    }
  }
}

const pushHeap = (heap: Waiting[], added: Waiting): void => {
  let index = heap.push(added) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if ((heap[parent] as Waiting).dueMillis <= added.dueMillis) break
    heap[index] = heap[parent] as Waiting
    index = parent
  }
  heap[index] = added
}

const popHeap = (heap: Waiting[]): Waiting | undefined => {
  const [first] = heap
  const last = heap.pop()
  if (!last || heap.length === 0) return first
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    const right = heap[child + 1]
    if (right && right.dueMillis < (heap[child] as Waiting).dueMillis) child += 1
    if ((heap[child] as Waiting).dueMillis >= last.dueMillis) break
    heap[index] = heap[child] as Waiting
    index = child
  }
  heap[index] = last
  return first
}
