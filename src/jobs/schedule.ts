import { instantOf } from '../core/instant.ts'
import { logEvent } from '../core/log.ts'
import type { Database } from '../db/client.ts'
import { readSettings, type Settings } from '../env.ts'
import { collectSpans } from '../tracing/export.ts'
import { Trace } from '../tracing/trace.ts'
import { CRONS, type Cron } from './crons.ts'
import { sendJobs } from './dispatch.ts'
import type { JobKind } from './job.ts'
import { recordTick, recordTickFault } from './record.ts'
import { resendLostJobs } from './recover.ts'
import { createJobDatabase, type Runners, tryRunJob } from './run.ts'

/** A job that a Cron Trigger records once each time it fires. */
export interface Sweep {
  cron: Cron
  kind: JobKind
  payload: (settings: Settings) => Record<string, unknown>
}

/** Runs with each quarter-hourly tick. Returns the ids of jobs to run at once, without the queue. */
export type Watch = (db: Database, now: string) => Promise<number[]>

/** One firing of a Cron Trigger. */
interface Tick {
  cron: string
  env: Env
  now: string
  trace: Trace
}

/**
 * Handles a Cron Trigger, which may fire twice, or after its time. Its sweeps are recorded once per (cron, scheduled time)
 * and sent. The quarter-hourly trigger also searches for lost jobs and runs the `watches`. If a task fails, the others
 * still run, and the trigger is reported as failed.
 */
export const runSchedule = async (
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  env: Env,
  context: ExecutionContext,
  sweeps: readonly Sweep[],
  watches: readonly Watch[],
  runners: Runners,
): Promise<void> => {
  if (!Object.values(CRONS).includes(cron as Cron)) throw new Error(`No schedule for the cron ${cron}: see src/jobs/crons.ts`)
  const sink = collectSpans(env, context)
  const trace = Trace.begin(sink, { name: `cron ${cron}`, kind: 'internal', attributes: { 'watcher.cron': cron } })
  const tick: Tick = { cron, env, now: instantOf(new Date()), trace }
  const dueAt = new Date(scheduledTime).toISOString()
  const tasks = [recordSweeps(tick, dueAt, sweeps)]
  if (cron === CRONS.quarterHourly) {
    tasks.push(resendLost(tick))
    for (const watch of watches) tasks.push(runWatch(watch, tick, (id) => tryRunJob(id, env, runners, { sink, parent: trace.parent })))
  }
  const faults = (await Promise.allSettled(tasks)).flatMap((task) => (task.status === 'rejected' ? [task.reason] : []))
  for (const fault of faults) logEvent('error', 'a scheduled task failed', { cron }, fault)
  trace.describe(undefined, {}, faults.length > 0 ? 'tasks failed' : undefined)
  trace.end()
  sink.send()
  if (faults.length === 0) return
  const fault = `${faults.length} of ${tasks.length} scheduled tasks failed; the log says why`
  await recordTickFault(createJobDatabase(env), { cron, dueAt }, fault).catch(() => {}) // the database may be the reason
  throw new Error(fault)
}

const recordSweeps = async ({ cron, env, now, trace }: Tick, scheduledFor: string, sweeps: readonly Sweep[]): Promise<void> => {
  const settings = readSettings(env)
  const due = sweeps
    .filter((sweep) => sweep.cron === cron)
    .map(({ kind, payload }) => ({ kind, payload: payload(settings), key: `${kind} ${cron} ${scheduledFor}` }))
  const ids = await recordTick(createJobDatabase(env, trace), { cron, dueAt: scheduledFor }, due, now)
  await sendJobs(env.JOBS, ids, trace)
  logEvent('info', 'cron', { trace_id: trace.id, cron, scheduled_for: scheduledFor, job_ids: ids })
}

const runWatch = async (watch: Watch, { env, now, trace }: Tick, runNow: (id: number) => Promise<void>): Promise<void> => {
  for (const id of await watch(createJobDatabase(env, trace), now)) await runNow(id)
}

const resendLost = async ({ env, now, trace }: Tick): Promise<void> => {
  const count = await resendLostJobs(createJobDatabase(env, trace), env.JOBS, now, trace)
  if (count > 0) logEvent('warning', 'lost jobs sent again', { count })
}
