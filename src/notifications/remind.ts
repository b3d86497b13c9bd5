import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { FUNCTIONS } from '../db/functions.ts'
import { jsonOf } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { RunJob } from '../jobs/job.ts'
import { kindsThat } from './notify.ts'

const REMIND = prepare(sql`
  select array_to_json(${sql.raw(FUNCTIONS.remind)}(p_job_id => ${param('job_id')}, p_attempt => ${param('attempts')}, p_singles => ${param('singles')}::text[],
    p_renewing => ${param('renewing')}::text[], p_now => ${param('now')}, p_finished_at => ${param('finished_at')})) as job_ids`)

/** The `check_reminders` job: it reminds people of what is open and nobody has (see remind.sql). */
export const remind: RunJob = async (job, { db, now, clock }) => {
  const [row] = await db.rows(REMIND, z.object({ job_ids: jsonOf(z.array(z.number())).nullable() }), {
    job_id: job.id,
    attempts: job.attempts,
    singles: kindsThat('isSingle'),
    renewing: kindsThat('isRenewed'),
    now,
    finished_at: clock(),
  })
  return row?.job_ids ?? []
}
