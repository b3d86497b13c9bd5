import type { Database } from '../db/client.ts'
import type { Settings } from '../env.ts'
import type { Trace } from '../tracing/trace.ts'
import type { JobKind } from './table.ts'

export type { JobKind }

/** A job that this attempt holds: until its claim ends nobody else runs it. */
export interface ClaimedJob {
  id: number
  kind: JobKind
  payload: Record<string, unknown>
  /** This attempt's number, from 1. Also the fence: who finishes a job names the attempt it was claimed with. */
  attempts: number
  /** An earlier attempt ended without a report: what it did outside the database may have happened. */
  interrupted: boolean
}

/** What a job has at hand while it runs. */
export interface JobScope {
  settings: Settings
  db: Database
  /** The moment the attempt began, as an instant (see core/instant.ts): all its rows agree on "now". */
  now: string
  /** The clock, for what is measured: when a job finished. */
  clock: () => string
  /** What it asks of others is a part of this. */
  trace: Trace
}

/**
 * Runs a job to its end. The last statement marks the job succeeded and writes its results in one transaction (see
 * `claimedJob` in claim.ts), so that both happen once or not at all. Answers the jobs that this transaction recorded,
 * to be sent. Throws to be tried again later, JobFailure to say how.
 */
export type RunJob = (job: ClaimedJob, scope: JobScope) => Promise<number[]>

/** A failure whose words are for the job's `error` field, and which knows how to go on. */
export class JobFailure extends Error {
  /** Trying again cannot help: the job is failed at once, to be replayed once the cause is mended. */
  readonly permanent: boolean
  /** The other side asks us to wait so long. That is no fault of the job's: the attempt does not count. */
  readonly retryAfterSeconds: number | undefined
  /** Whether the work happened is unknown, as after a timeout. */
  readonly interrupted: boolean
  /** The work is done and must not be done again; what failed is the record of it. */
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
