import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { asText, listenLocally, Refusal, readBytes } from '../dev/local-server.ts'
import { isSecret } from './control.ts'
import { type Deliver, type Message, Queue } from './queue.ts'
import type { WranglerConfig } from './wrangler-config.ts'

/** The header that names the queue: workerd's configuration adds it to the requests of each producer. */
export const QUEUE_HEADER = 'x-queue'

/** Cloudflare's limits: bytes of a message, messages of a batch, bytes of a batch. */
const MAX_MESSAGE_BYTES = 128_000
const MAX_MESSAGES = 100
const MAX_BATCH_BYTES = 256_000
/** A batch in base64, with the JSON around it. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_DELAY_SECONDS = 86_400

export interface Broker {
  port: number
  queues: ReadonlyMap<string, Queue>
  /** Starts no delivery until `resume`. New queues are paused. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

/**
 * Takes the messages that the worker sends, and delivers them. workerd turns `send()` into `POST /message` and `sendBatch()`
 * into `POST /batch`; the answer gives the queue's metrics. The messages end with this process: the rows in `job` are the
 * truth, and the next process begins with them (see refill.ts). Only who knows `secret` is heard.
 */
export const startBroker = async (config: WranglerConfig['queues'], secret: string, deliver: Deliver): Promise<Broker> => {
  const queues = new Map<string, Queue>()
  for (const options of config.consumers) {
    const toDeadLetters = (message: Message) => queues.get(options.dead_letter_queue ?? '')?.add(message)
    queues.set(options.queue, new Queue(options, deliver, toDeadLetters))
  }
  const delays = new Map(config.producers.map(({ queue, delivery_delay }) => [queue, delivery_delay]))
  const server = createServer(async (request, response) => {
    try {
      if (!isSecret(request.headers.authorization, secret)) throw new Refusal(401, 'unauthorized')
      const queue = queues.get(String(request.headers[QUEUE_HEADER]))
      if (!queue) throw new Refusal(404, 'this queue has no consumer')
      const delaySeconds = delays.get(queue.name) ?? 0
      for (const sent of await readMessages(request)) queue.add(newMessage(sent.body), sent.delaySeconds ?? delaySeconds)
      answer(response, 200, { metadata: { metrics: { backlogCount: queue.size, backlogBytes: 0, oldestMessageTimestamp: 0 } } })
    } catch (error) {
      answer(response, error instanceof Refusal ? error.status : 400, { error: (error as Error).message })
    }
  })
  const listening = await listenLocally(server)
  const pause = () => {
    for (const queue of queues.values()) queue.pause()
  }
  return {
    port: listening.port,
    queues,
    pause,
    resume: () => {
      for (const queue of queues.values()) queue.resume()
    },
    close: async () => {
      pause()
      await listening.close()
    },
  }
}

/** A message that was sent now. */
export const newMessage = (body: unknown): Message => ({ id: randomUUID().replaceAll('-', ''), timestamp: Date.now(), attempts: 1, body })

interface Sent {
  body: unknown
  delaySeconds: number | undefined
}

const readMessages = async (request: IncomingMessage): Promise<Sent[]> => {
  const content = await readBytes(request, MAX_BODY_BYTES)
  if (!content) throw new Refusal(413, 'too large')
  if (request.method !== 'POST') throw new Refusal(405, 'use POST')
  if (request.url === '/message') {
    const delay = request.headers['x-msg-delay-secs']
    return [readMessage(content, String(request.headers['x-msg-fmt'] ?? 'json'), delay === undefined ? undefined : Number(delay))]
  }
  if (request.url !== '/batch') throw new Refusal(404, 'there is POST /message and POST /batch')
  const { messages } = JSON.parse(asText(content)) as {
    messages: { body: string; contentType?: string; delaySecs?: number }[]
  }
  if (messages.length > MAX_MESSAGES) throw new Refusal(413, `a batch has at most ${MAX_MESSAGES} messages`)
  const contents = messages.map(({ body }) => Buffer.from(body, 'base64'))
  if (contents.reduce((sum, { length }) => sum + length, 0) > MAX_BATCH_BYTES) {
    throw new Refusal(413, `a batch has at most ${MAX_BATCH_BYTES} bytes`)
  }
  return messages.map(({ contentType = 'json', delaySecs }, index) => readMessage(contents[index] as Uint8Array, contentType, delaySecs))
}

const readMessage = (content: Uint8Array, format: string, delaySeconds: number | undefined): Sent => {
  if (content.length > MAX_MESSAGE_BYTES) throw new Refusal(413, `a message has at most ${MAX_MESSAGE_BYTES} bytes`)
  if (delaySeconds !== undefined && !(delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS)) {
    throw new Refusal(400, `a delay has at most ${MAX_DELAY_SECONDS} seconds`)
  }
  if (format === 'text') return { body: asText(content), delaySeconds }
  if (format === 'json') return { body: JSON.parse(asText(content)), delaySeconds }
  throw new Refusal(400, `messages are json or text, not ${format}`)
}

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
