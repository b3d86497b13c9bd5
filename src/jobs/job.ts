import type { Outbound } from '../core/outbound.ts'
import type { Database } from '../db/client.ts'
import type { Settings } from '../env.ts'
import type { Trace } from '../tracing/trace.ts'
import type { JobKind } from './table.ts'

export type { JobKind }

/** A job that this attempt holds: no other attempt runs it until the claim ends. */
export interface ClaimedJob {
  id: number
  kind: JobKind
  payload: Record<string, unknown>
  /** The number of this attempt, from 1. It is also the fence: only the attempt with this number can finish the job. */
  attempts: number
  /** An earlier attempt ended without a report: its effects outside the database may have happened. */
  interrupted: boolean
}

/** What a job can use while it runs. */
export interface JobScope {
  settings: Settings
  db: Database
  /** When the attempt began, as an instant (see core/instant.ts): all rows it writes have the same "now". */
  now: string
  /** The current time, for measurements: when a job finished. */
  clock: () => string
  outbound: Outbound
  /** The job's calls to other services are spans of this trace. */
  trace: Trace
}

/**
 * Runs a job to its end. The last statement writes the results and marks the job succeeded in one transaction (see
 * `claimedJob` in claim.ts): both happen once or not at all. Returns the ids of the jobs that this transaction recorded;
 * the caller sends them. If it throws, the job is tried again later; a JobFailure says how.
 */
export type RunJob = (job: ClaimedJob, scope: JobScope) => Promise<number[]>

/** A failure whose message is stored in the job's `error` field, and which says what happens next. */
export class JobFailure extends Error {
  /** Trying again cannot help: the job fails at once. A person replays it when the cause is fixed. */
  readonly permanent: boolean
  /** The other service asks to wait this many seconds. The job is not at fault, so the attempt does not count. */
  readonly retryAfterSeconds: number | undefined
  /** It is unknown whether the work was done, for example after a timeout. */
  readonly interrupted: boolean
  /** The work is done and must not be repeated; only the record of it failed. */
  readonly done: boolean

  constructor(
    message: string,
    options: { permanent?: boolean; retryAfterSeconds?: number; interrupted?: boolean; done?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.done = options.done ?? false
    this.permanent = options.permanent ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
    this.interrupted = options.interrupted ?? false
  }
}
