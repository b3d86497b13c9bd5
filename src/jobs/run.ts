import { ApiError } from '../core/errors.ts'
import { addSeconds, instantOf } from '../core/instant.ts'
import { logEvent, versionOf } from '../core/log.ts'
import { outboundOf } from '../core/outbound.ts'
import { JOBS } from '../db/applications.ts'
import { createDatabase, type Database, sumTrips } from '../db/client.ts'
import { describeDatabaseFailure } from '../db/failures.ts'
import { readSettings } from '../env.ts'
import type { SpanSink } from '../tracing/export.ts'
import { Trace } from '../tracing/trace.ts'
import { claimJob, failJob } from './claim.ts'
import { type JobMessage, measureSend, trySendJobs } from './dispatch.ts'
import { type ClaimedJob, JobFailure, type JobKind, type RunJob } from './job.ts'
import { retryDelaySeconds } from './retry.ts'

/** The function that runs each kind of job. */
export type Runners = Readonly<Partial<Record<JobKind, RunJob>>>

/** A job's round trip may take longer than a request's. Neon ends a statement after 15 seconds. */
const TRIP_MILLIS = 14_000

/** The database for background work. Each round trip has its own time limit, and is a span of the trace. */
export const createJobDatabase = (env: Env, trace?: Trace): Database => {
  const db = createDatabase(readSettings(env), { tripMillis: TRIP_MILLIS, application: JOBS })
  trace?.follow(db.trips)
  return db
}

/** The delay before finished work is recorded again. It is much shorter than a claim holds. */
const RECORD_DELAY_SECONDS = 15

/** What the queue should do with the message. */
export type Settlement = { ack: true } | { ack: false; delaySeconds: number }

const DONE: Settlement = { ack: true }
/**
 * A job that is due later than this is not kept in the queue, whose messages wait at most half a day: the tick before it is due sends it
 * (recover.ts).
 */
const FAR_SECONDS = 43_200
const retryIn = (delaySeconds: number): Settlement => ({ ack: false, delaySeconds: Math.max(1, Math.ceil(delaySeconds)) })

/**
 * Claims the job with this id, runs it and records the outcome. It is safe to call any number of times, also in parallel:
 * only one attempt holds the job, only that attempt can finish it, and results are written together with its success.
 * `sendRecorded` gets the jobs that it recorded. Throws only if the database does not answer.
 */
export const runJob = async (
  id: number,
  env: Env,
  runners: Runners,
  trace: Trace,
  sendRecorded: (ids: readonly number[]) => Promise<void> = (ids) => trySendJobs(env.JOBS, ids, trace),
): Promise<Settlement> => {
  const begunMillis = Date.now()
  const clock = () => instantOf(new Date())
  const now = clock()
  const db = createJobDatabase(env, trace)
  const claim = await claimJob(db, id, now)
  if (claim.outcome === 'later') return claim.waitSeconds > FAR_SECONDS ? DONE : retryIn(claim.waitSeconds)
  if (claim.outcome === 'unknown' || claim.outcome === 'over') return DONE
  const { job } = claim
  trace.describe(`job ${job.kind}`, { 'watcher.job.id': job.id, 'watcher.job.kind': job.kind, 'watcher.job.attempt': job.attempts })
  const log = (level: 'info' | 'error', state: string, fault?: unknown) => {
    trace.describe(undefined, { 'watcher.job.state': state }, level === 'error' ? state : undefined)
    logEvent(
      level,
      'job',
      {
        version: versionOf(env),
        trace_id: trace.id,
        job_id: job.id,
        kind: job.kind,
        attempt: job.attempts,
        state,
        duration_ms: Date.now() - begunMillis,
        ...sumTrips(db.trips),
      },
      fault,
    )
  }
  if (claim.outcome === 'failed') {
    log('error', 'failed', new Error(claim.error))
    return DONE
  }
  try {
    const run = runners[job.kind]
    if (!run) throw new JobFailure(`This version cannot run jobs of the kind ${job.kind}: deploy a version that can`)
    const recorded = await run(job, { settings: readSettings(env), db, now, clock, outbound: outboundOf(env), trace })
    await sendRecorded(recorded)
    log('info', 'succeeded')
    return DONE
  } catch (error) {
    if (error instanceof JobFailure && error.done && (await rememberDone(job.id, job.attempts, env, trace))) {
      log('error', 'done, to be recorded', error)
      return DONE
    }
    const { state, delaySeconds } = await recordFailure(db, job, error, clock())
    log('error', state ?? 'taken over by another attempt', error)
    // After the last attempt the message is retried until it reaches the dead letters. A delivery before that finds the job over.
    return state === 'failed' && error instanceof JobFailure && error.permanent ? DONE : retryIn(delaySeconds)
  }
}

/**
 * Keeps in the queue that the work is done, while the database does not answer. Each call sends a new message: its
 * deliveries never run out. Returns false if the queue does not answer either.
 */
export const rememberDone = async (id: number, attempts: number, env: Env, trace: Trace): Promise<boolean> => {
  try {
    await measureSend(trace, 1, (traceparent) =>
      env.JOBS.send({ id, done: attempts, traceparent } satisfies JobMessage, { delaySeconds: RECORD_DELAY_SECONDS }),
    )
    return true
  } catch (error) {
    logEvent('error', 'this job is done, but neither the database nor the queue could record it', { job_id: id }, error)
    return false
  }
}

const recordFailure = async (db: Database, job: ClaimedJob, error: unknown, at: string) => {
  const failure = error instanceof JobFailure ? error : undefined
  const delaySeconds = failure?.retryAfterSeconds ? spread(failure.retryAfterSeconds) : retryDelaySeconds(job.attempts)
  const state = await failJob(
    db,
    job,
    {
      error: describeFailure(error).slice(0, 1000),
      permanent: failure?.permanent ?? false,
      uncounted: failure?.retryAfterSeconds !== undefined,
      interrupted: failure?.interrupted ?? false,
      dueAt: addSeconds(at, delaySeconds),
    },
    at,
  )
  return { state, delaySeconds }
}

/** Many jobs may be asked to wait at once. They come back at different times, none of them too early. */
const spread = (seconds: number): number => Math.ceil(seconds + Math.random() * 2 * Math.max(seconds, 15))

/** The text for the job's `error` field. People read it: it contains neither SQL nor values from requests. */
const describeFailure = (error: unknown): string => {
  if (error instanceof JobFailure || error instanceof ApiError) return error.message
  return describeDatabaseFailure(error) ?? (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

/** Runs a job, and those that it records, without the queue. What must be tried again goes to the queue, or is found by the search for lost jobs. */
export const tryRunJob = async (
  id: number,
  env: Env,
  runners: Runners,
  begun: { sink: SpanSink; parent?: string | undefined },
): Promise<void> => {
  const trace = Trace.begin(begun.sink, { name: 'job', kind: 'internal', parent: begun.parent })
  try {
    const settlement = await runJob(id, env, runners, trace, async (recorded) => {
      for (const next of recorded) await tryRunJob(next, env, runners, begun)
    })
    if (settlement.ack) return
    await env.JOBS.send({ id }, { delaySeconds: settlement.delaySeconds }).catch((error: unknown) => {
      logEvent('error', 'the queue did not take this job; the search for lost jobs will send it', { job_id: id }, error)
    })
  } catch (error) {
    logEvent('error', 'the database did not answer for this job; the search for lost jobs will send it', { job_id: id }, error)
    trace.describe(undefined, {}, 'the database does not answer')
  } finally {
    trace.end()
  }
}
