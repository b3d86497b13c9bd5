import { z } from 'zod'
import { instantOf } from '../http/instant.ts'
import { logEvent } from '../http/log.ts'
import { recordDone } from './claim.ts'
import { settleDeadJob } from './dead-letters.ts'
import type { JobMessage } from './dispatch.ts'
import { retryDelaySeconds } from './retry.ts'
import { createJobDatabase, type Handled, type Runners, rememberDone, runJob } from './run.ts'

/** The queues of wrangler.toml. Each environment may put something before these names. */
const JOBS = /watcher-jobs$/
const DEAD_JOBS = /watcher-dead-jobs$/

const messageBody = z.object({ id: z.int().min(1), done: z.int().optional() })

/**
 * Handles a batch of messages side by side, each acked or retried on its own: one that fails, or hangs, holds nothing
 * up and takes no other with it.
 */
export const consumeBatch = async (batch: MessageBatch, env: Env, runners: Runners): Promise<void> => {
  const handle = handlerFor(batch.queue, env, runners)
  await Promise.all(batch.messages.map((message) => settle(message, handle)))
}

type Handle = (message: JobMessage) => Promise<Handled>

const handlerFor = (queue: string, env: Env, runners: Runners): Handle => {
  if (JOBS.test(queue)) return ({ id, done }) => (done === undefined ? runJob(id, env, runners) : recordAsDone(id, done, env))
  if (DEAD_JOBS.test(queue)) return ({ id }) => buryJob(id, env)
  throw new Error(`No consumer for the queue ${queue}: see wrangler.toml`)
}

const settle = async (message: Message, handle: Handle): Promise<void> => {
  const body = messageBody.safeParse(message.body)
  if (!body.success) {
    logEvent('error', 'a message that names no job was dropped', { message_id: message.id })
    message.ack()
    return
  }
  try {
    const handled = await handle(body.data)
    if (handled.ack) message.ack()
    else message.retry({ delaySeconds: handled.delaySeconds })
  } catch (error) {
    // Nothing could be recorded, the database is away: the queue keeps the job until it is back.
    const delaySeconds = retryDelaySeconds(message.attempts)
    logEvent('error', 'job message retried', { job_id: body.data.id, delivery: message.attempts, retry_after_s: delaySeconds }, error)
    message.retry({ delaySeconds })
  }
}

const recordAsDone = async (id: number, attempts: number, env: Env): Promise<Handled> => {
  try {
    await recordDone(createJobDatabase(env), id, attempts, instantOf(new Date()))
  } catch (error) {
    if (!(await rememberDone(id, attempts, env))) throw error
  }
  return { ack: true }
}

const buryJob = async (id: number, env: Env): Promise<Handled> => {
  const job = await settleDeadJob(createJobDatabase(env), id, instantOf(new Date()))
  const { kind, state, attempts, error } = job ?? {}
  logEvent('error', 'dead letter', { job_id: id, kind, state: state ?? 'gone', attempts, error })
  return { ack: true }
}
