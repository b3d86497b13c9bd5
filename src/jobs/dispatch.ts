import { logEvent } from '../core/log.ts'
import { withinTime } from '../core/within-time.ts'
import type { Trace } from '../tracing/trace.ts'

/** What the queue carries. The job's row holds everything else. */
export interface JobMessage {
  id: number
  /** The attempt that did the job's work but could not record it: only the record is missing. */
  done?: number
  /** W3C `traceparent` of the sender, if it is traced. */
  traceparent?: string | undefined
}

/** The platform's limit for one `sendBatch`. */
const MAX_PER_BATCH = 100

/** A send that takes longer is abandoned: the work of its caller is already done. */
const SEND_MILLIS = 5_000

/** Sends the ids of recorded jobs. Throws if the queue does not take them. */
export const sendJobs = async (queue: Queue<JobMessage>, ids: readonly number[], trace: Trace): Promise<void> => {
  for (let from = 0; from < ids.length; from += MAX_PER_BATCH) {
    const batch = ids.slice(from, from + MAX_PER_BATCH)
    await measureSend(trace, batch.length, (traceparent) =>
      queue.sendBatch(batch.map((id) => ({ body: traceparent === undefined ? { id } : { id, traceparent } }))),
    )
  }
}

/** Measures a send as a span. The messages carry its `traceparent`, so the consumer continues the trace. */
export const measureSend = <Result>(trace: Trace, count: number, send: (traceparent?: string) => Promise<Result>): Promise<Result> =>
  trace.measure(
    'send watcher-jobs',
    {
      kind: 'producer',
      attributes: { 'messaging.system': 'cloudflare_queues', 'messaging.operation.type': 'send', 'messaging.batch.message_count': count },
    },
    send,
  )

/**
 * Sends the ids after the response went out or the work is done, so a failed send does not fail its caller. The jobs are
 * recorded, and the search for lost jobs (recover.ts) sends them again.
 */
export const trySendJobs = async (queue: Queue<JobMessage>, ids: readonly number[], trace: Trace): Promise<void> => {
  if (ids.length === 0) return
  try {
    await withinTime(sendJobs(queue, ids, trace), SEND_MILLIS, 'the queue did not answer')
  } catch (error) {
    logEvent('error', 'the queue did not take these jobs; the search for lost jobs will send them', { job_ids: ids }, error)
  }
}
