import { createExecutionContext, createMessageBatch, createScheduledController, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, inject, vi } from 'vitest'
import worker from '../../src/index.ts'
import type { JobMessage } from '../../src/jobs/dispatch.ts'
import { call, type Reply, sql, unique } from './api.ts'
import type { ReceiverAnswer, Taken } from './provided.ts'

/** A message in the queue: its job, its due time, and the number of deliveries so far. */
export interface Sent {
  body: JobMessage
  dueMillis: number
  deliveries: number
}

/**
 * A queue that the test controls: the test can lose, double, reorder and delay messages. The platform's queue may do so
 * too, but rarely. real-queue.test.ts tests the real one.
 */
export class HeldQueue {
  sent: Sent[] = []
  /** Called before and after each send; a test can throw here to make a fault. */
  onSend: (stage: 'before' | 'after') => Promise<void> = async () => {}

  async send(body: JobMessage, { delaySeconds = 0 }: { delaySeconds?: number } = {}) {
    await this.sendBatch([{ body, delaySeconds }])
  }

  async sendBatch(messages: Iterable<{ body: JobMessage; delaySeconds?: number }>) {
    await this.onSend('before')
    for (const { body, delaySeconds = 0 } of messages) this.sent.push({ body, dueMillis: Date.now() + delaySeconds * 1000, deliveries: 0 })
    await this.onSend('after')
  }

  get ids(): number[] {
    return this.sent.map(({ body }) => body.id)
  }

  /** Removes the due messages from the queue and returns them. */
  take(): Sent[] {
    const due = this.sent.filter(({ dueMillis }) => dueMillis <= Date.now())
    this.sent = this.sent.filter((message) => !due.includes(message))
    return due
  }
}

/** What the calls of one test share: a queue that the test controls, and its own Slack channel, which gets the original's texts alone. */
export interface Background {
  queue: HeldQueue
  settings: Record<string, unknown>
  slack: Channel
  post: (path: string, body?: unknown) => Promise<Reply>
}

export interface Channel {
  url: string
  /** The messages in the channel, in the order of their arrival. */
  messages: () => Promise<string[]>
  /** The accepted posts, with their headers. */
  taken: () => Promise<Taken[]>
  posts: () => Promise<number>
  /** Sets how Slack answers the next posts. */
  answers: (...answers: ReceiverAnswer[]) => Promise<void>
}

/** A channel at the receiver. */
export const openChannel = (url = `${inject('receiverUrl')}/${unique(crypto.randomUUID())}`): Channel => {
  const read = async () => (await (await fetch(url)).json()) as { taken: Taken[]; posts: number }
  return {
    url,
    messages: async () => (await read()).taken.map(({ body }) => (JSON.parse(body) as { text: string }).text),
    taken: async () => (await read()).taken,
    posts: async () => (await read()).posts,
    answers: async (...answers) => void (await (await fetch(url, { method: 'PUT', body: JSON.stringify(answers) })).text()),
  }
}

export const openBackground = (): Background => {
  const queue = new HeldQueue()
  const slack = openChannel()
  const settings = { JOBS: queue, SLACK_WEBHOOK_URL: slack.url, WATCHER_ALERT_FORMAT: 'seed' }
  return { queue, slack, settings, post: (path, body) => call('POST', path, body, {}, settings) }
}

export interface Delivered {
  acked: number[]
  retried: { id: number; delaySeconds: number | undefined }[]
}

const MAX_DELIVERIES = 20

/** Delivers the messages as one batch through the worker's own entry; messages that it retries go back into the queue. */
export const deliver = async (
  { queue, settings }: Pick<Background, 'queue' | 'settings'>,
  messages: Sent[],
  queueName = 'watcher-jobs',
): Promise<Delivered> => {
  const batch = createMessageBatch(
    queueName,
    messages.map(({ body, deliveries }, index) => ({ id: String(index), timestamp: new Date(), attempts: deliveries + 1, body })),
  )
  const delivered: Delivered = { acked: [], retried: [] }
  batch.messages.forEach((message, index) => {
    const sent = messages[index] as Sent
    vi.spyOn(message, 'ack').mockImplementation(() => void delivered.acked.push(sent.body.id))
    vi.spyOn(message, 'retry').mockImplementation((options) => {
      const { delaySeconds } = options ?? {}
      delivered.retried.push({ id: sent.body.id, delaySeconds })
      queue.sent.push({ ...sent, dueMillis: Date.now() + (delaySeconds ?? 0) * 1000, deliveries: sent.deliveries + 1 })
    })
  })
  const context = createExecutionContext()
  await worker.queue(batch, { ...env, ...settings } as Env, context)
  await waitOnExecutionContext(context)
  return delivered
}

/** Delivers one job id to the consumer, as a message that is due now. */
export const deliverJob = (background: Background, id: number, deliveries = 0) =>
  deliver(background, [{ body: { id }, dueMillis: 0, deliveries }])

/**
 * Delivers due messages until none is left: ten at once, or one after the other in the order that `sort` gives them. A message that has used
 * up its deliveries becomes a dead letter.
 */
export const drain = async (background: Background, sort?: (due: Sent[]) => Promise<Sent[]>): Promise<void> => {
  const atOnce = sort ? 1 : 10
  for (let round = 0; round < 200; round += 1) {
    const taken = background.queue.take()
    if (taken.length === 0) return
    const due = sort ? await sort(taken) : taken
    const dead = due.filter(({ deliveries }) => deliveries >= MAX_DELIVERIES)
    const alive = due.filter(({ deliveries }) => deliveries < MAX_DELIVERIES)
    if (dead.length > 0) await deliver(background, dead, 'watcher-dead-jobs')
    for (let from = 0; from < alive.length; from += atOnce) await deliver(background, alive.slice(from, from + atOnce))
  }
  throw new Error('the queue still has due messages after 200 rounds')
}

/** Fires a Cron Trigger through the worker's own entry. */
export const fireCron = async ({ settings }: Pick<Background, 'settings'>, cron: string, scheduledTime = new Date()): Promise<void> => {
  const context = createExecutionContext()
  await worker.scheduled(createScheduledController({ cron, scheduledTime }), { ...env, ...settings } as Env, context)
  await waitOnExecutionContext(context)
}

/** Sets the clock that the worker reads. */
export const setClock = (instant: string | Date): void => {
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(new Date(instant))
}

export const advanceClock = (seconds: number): void => setClock(new Date(Date.now() + seconds * 1000))

type JobRow = Record<string, unknown> & { id: number; due_at: Date }

const readRows = async (where: string, param: unknown) =>
  (await sql(`select * from job where ${where} order by id`, [param])).map((row) => ({ ...row, id: Number(row.id) }) as JobRow)

export const readJob = async (id: number) => (await readRows('id = $1', id))[0]

/** The jobs of a kind, oldest first. */
export const jobsOf = (kind: string) => readRows('kind = $1', kind)

export const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

/** Records a run that started and ended this many minutes ago; it has not ended if `endedMinutesAgo` is null. */
export const recordRun = async (
  { post }: Background,
  pipeline_id: number,
  startedMinutesAgo: number,
  endedMinutesAgo: number | null,
  metrics: Record<string, unknown> = {},
): Promise<number> => {
  const { body, status } = await post('/start_pipeline_execution', { pipeline_id, start_date: minutesAgo(startedMinutesAgo) })
  expect(status).toBe(201)
  if (endedMinutesAgo !== null) {
    const ended = await post('/end_pipeline_execution', { id: body.id, end_date: minutesAgo(endedMinutesAgo), ...metrics })
    expect(ended.status).toBe(204)
  }
  return body.id
}
