import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { addSeconds } from '../../core/instant.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { truth, whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { finishJob } from '../../jobs/claim.ts'
import { finishAndContinue } from '../../jobs/continue.ts'
import type { RunJob } from '../../jobs/job.ts'

const MAX_ROWS = 5_000
/** Statements of one job: a free plan allows 50 requests. */
const MAX_STEPS = 30
const DAY_SECONDS = 86_400

const CLEAN = prepare(sql`select "left", job_id from ${sql.raw(FUNCTIONS.clean_openlineage)}(
  p_cutoff => ${param('cutoff')}::timestamptz, p_limit => ${sql.raw(String(MAX_ROWS))}, p_now => ${param('now')}::timestamptz)`)

/** The `clean_openlineage` job: deletes old events, and lineage that is not seen any more. If there is much, it records another job that goes on. */
export const cleanOpenlineage: RunJob = async (job, { db, settings, now, clock }) => {
  const cutoff = addSeconds(now, -settings.WATCHER_OPENLINEAGE_RETENTION_DAYS * DAY_SECONDS)
  const jobIds: number[] = []
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const [row] = await db.rows(CLEAN, z.object({ left: truth, job_id: whole.nullable() }), { cutoff, now })
    if (row && row.job_id !== null) jobIds.push(row.job_id)
    if (row?.left) continue
    await finishJob(db, job, clock())
    return jobIds
  }
  return [...jobIds, ...(await finishAndContinue(db, job, {}, now, clock()))]
}
