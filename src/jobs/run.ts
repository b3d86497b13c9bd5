import { ApiError } from '../core/errors.ts'
import { addSeconds, instantOf } from '../core/instant.ts'
import { logEvent, versionOf } from '../core/log.ts'
import { createDatabase, type Database, sumTrips } from '../db/client.ts'
import { describeDatabaseFailure } from '../db/failures.ts'
import { readSettings } from '../env.ts'
import type { SpanSink } from '../tracing/export.ts'
import { Trace } from '../tracing/trace.ts'
import { claimJob, failJob } from './claim.ts'
import { type JobMessage, measureSend, trySendJobs } from './dispatch.ts'
import { type ClaimedJob, JobFailure, type JobKind, type RunJob } from './job.ts'
import { retryDelaySeconds } from './retry.ts'

/** What runs each kind of job. */
export type Runners = Readonly<Partial<Record<JobKind, RunJob>>>

/** A job may take longer than a request; Neon ends a statement after 15 seconds. */
const TRIP_MILLIS = 14_000

/** The database of work in the background: each trip has its own time, and is a part of the trace. */
export const createJobDatabase = (env: Env, trace?: Trace): Database => {
  const db = createDatabase(readSettings(env), { tripMillis: TRIP_MILLIS })
  trace?.follow(db.trips)
  return db
}

/** Until the record of finished work is tried again: well before anybody takes the claim for run out. */
const RECORD_DELAY_SECONDS = 15

/** What the queue should do with the message. */
export type Settlement = { ack: true } | { ack: false; delaySeconds: number }

const DONE: Settlement = { ack: true }
const again = (delaySeconds: number): Settlement => ({ ack: false, delaySeconds: Math.max(1, Math.ceil(delaySeconds)) })

/**
 * Carries the job with this id as far as it goes: claims it, runs it, and records how that went. Safe to call any
 * number of times, at once or one after the other: only one attempt holds the job, only that one can finish it, and
 * results are written with its success. Throws only where the database could not be asked at all.
 */
export const runJob = async (id: number, env: Env, runners: Runners, trace: Trace): Promise<Settlement> => {
  const begunMillis = Date.now()
  const clock = () => instantOf(new Date())
  const now = clock()
  const db = createJobDatabase(env, trace)
  const claim = await claimJob(db, id, now)
  if (claim.outcome === 'later') return again(claim.waitSeconds)
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
    if (!run) throw new JobFailure(`This version does not know jobs of the kind ${job.kind}: deploy the one that does`)
    const recorded = await run(job, { settings: readSettings(env), db, now, clock, trace })
    await trySendJobs(env.JOBS, recorded, trace)
    log('info', 'succeeded')
    return DONE
  } catch (error) {
    if (error instanceof JobFailure && error.done && (await rememberDone(job.id, job.attempts, env, trace))) {
      log('error', 'done, to be recorded', error)
      return DONE
    }
    const { state, delaySeconds } = await recordFailure(db, job, error, clock())
    log('error', state ?? 'taken over by another attempt', error)
    // One that is failed for good goes on to the dead letters once its message is used up; redelivered before, it is over.
    return state === 'failed' && error instanceof JobFailure && error.permanent ? DONE : again(delaySeconds)
  }
}

/**
 * While the database is away the queue remembers that the work is done: as a new message each time, so that its
 * deliveries never run out. False where the queue is away too.
 */
export const rememberDone = async (id: number, attempts: number, env: Env, trace: Trace): Promise<boolean> => {
  try {
    await measureSend(trace, 1, (traceparent) =>
      env.JOBS.send({ id, done: attempts, traceparent } satisfies JobMessage, { delaySeconds: RECORD_DELAY_SECONDS }),
    )
    return true
  } catch (error) {
    logEvent('error', 'neither the database nor the queue could be told that this job is done', { job_id: id }, error)
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

/** Many are told to wait at once: they come back one after the other, none before it was told to. */
const spread = (seconds: number): number => Math.ceil(seconds + Math.random() * 2 * Math.max(seconds, 15))

/** For the job's `error` field, which people read: neither SQL nor values of other people's requests. */
const describeFailure = (error: unknown): string => {
  if (error instanceof JobFailure || error instanceof ApiError) return error.message
  return describeDatabaseFailure(error) ?? (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

/** The same without a queue behind it: where it fails, the search for lost jobs brings it to the queue. */
export const tryRunJob = async (
  id: number,
  env: Env,
  runners: Runners,
  begun: { sink: SpanSink; parent?: string | undefined },
): Promise<void> => {
  const trace = Trace.begin(begun.sink, { name: 'job', kind: 'internal', parent: begun.parent })
  try {
    await runJob(id, env, runners, trace)
  } catch (error) {
    logEvent('error', 'this job could not be asked for; the search for lost jobs will send it', { job_id: id }, error)
    trace.describe(undefined, {}, 'not asked for')
  } finally {
    trace.end()
  }
}
