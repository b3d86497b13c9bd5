import { z } from 'zod'
import { instantOf } from '../core/instant.ts'
import { logEvent } from '../core/log.ts'
import { collectSpans, type SpanSink } from '../tracing/export.ts'
import { Trace } from '../tracing/trace.ts'
import { recordDone } from './claim.ts'
import { settleDeadJob } from './dead-letters.ts'
import type { JobMessage } from './dispatch.ts'
import { retryDelaySeconds } from './retry.ts'
import { createJobDatabase, type Runners, rememberDone, runJob, type Settlement } from './run.ts'

/** The ends of the queue names in wrangler.toml; an environment may add a prefix. */
const JOBS = /watcher-jobs$/
const DEAD_JOBS = /watcher-dead-jobs$/

const messageBody = z.object({ id: z.int().min(1), done: z.int().optional(), traceparent: z.string().max(200).optional() })

/** Handles the messages of a batch in parallel. Each is acked or retried on its own: a failing or hanging one affects no other. */
export const consumeBatch = async (batch: MessageBatch, env: Env, context: ExecutionContext, runners: Runners): Promise<void> => {
  const sink = collectSpans(env, context)
  const process = processorOf(batch.queue, env, runners)
  await Promise.all(batch.messages.map((message) => settle(message, process, (parent) => beginTrace(batch.queue, message, sink, parent))))
  sink.send()
}

type Process = (message: JobMessage, trace: Trace) => Promise<Settlement>

const processorOf = (queue: string, env: Env, runners: Runners): Process => {
  if (JOBS.test(queue)) {
    return ({ id, done }, trace) => (done === undefined ? runJob(id, env, runners, trace) : recordAsDone(id, done, env, trace))
  }
  if (DEAD_JOBS.test(queue)) return ({ id }, trace) => settleDeadLetter(id, env, trace)
  throw new Error(`No consumer for the queue ${queue}: see wrangler.toml`)
}

/** Begins the message's span in the trace of its sender (`parent`). */
const beginTrace = (queue: string, message: Message, sink: SpanSink, parent: string | undefined): Trace =>
  Trace.begin(sink, {
    name: `process ${queue}`,
    kind: 'consumer',
    parent,
    attributes: {
      'messaging.system': 'cloudflare_queues',
      'messaging.operation.type': 'process',
      'messaging.destination.name': queue,
      'messaging.message.id': message.id,
      'watcher.delivery': message.attempts,
    },
  })

const settle = async (message: Message, process: Process, begin: (parent: string | undefined) => Trace): Promise<void> => {
  const body = messageBody.safeParse(message.body)
  if (!body.success) {
    logEvent('error', 'message dropped: it has no valid job id', { message_id: message.id })
    message.ack()
    return
  }
  const trace = begin(body.data.traceparent)
  try {
    const settlement = await process(body.data, trace)
    if (settlement.ack) message.ack()
    else message.retry({ delaySeconds: settlement.delaySeconds })
  } catch (error) {
    // The database does not answer and nothing was recorded: the queue keeps the message until it does.
    const delaySeconds = retryDelaySeconds(message.attempts)
    logEvent('error', 'job message retried', { job_id: body.data.id, delivery: message.attempts, retry_after_s: delaySeconds }, error)
    trace.describe(undefined, {}, 'the database does not answer')
    message.retry({ delaySeconds })
  } finally {
    trace.end()
  }
}

const recordAsDone = async (id: number, attempts: number, env: Env, trace: Trace): Promise<Settlement> => {
  const db = createJobDatabase(env, trace)
  try {
    await recordDone(db, id, attempts, instantOf(new Date()))
  } catch (error) {
    if (!(await rememberDone(id, attempts, env, trace))) throw error
  }
  return { ack: true }
}

const settleDeadLetter = async (id: number, env: Env, trace: Trace): Promise<Settlement> => {
  const db = createJobDatabase(env, trace)
  const job = await settleDeadJob(db, id, instantOf(new Date()))
  const { kind, state, attempts, error } = job ?? {}
  logEvent('error', 'dead letter', { job_id: id, kind, state: state ?? 'gone', attempts, error })
  return { ack: true }
}
