import { sql } from 'drizzle-orm'
import { FUNCTIONS } from '../db/functions.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { RunJob } from '../jobs/job.ts'
import { environmentChannel, kindsThat } from './notify.ts'

const REMIND = prepare(sql`
  select id from unnest(${sql.raw(FUNCTIONS.remind)}(p_job_id => ${param('job_id')}, p_attempt => ${param('attempts')}, p_environment => ${param('environment')}, p_singles => ${param('singles')}::text[],
    p_renewing => ${param('renewing')}::text[], p_now => ${param('now')}, p_finished_at => ${param('finished_at')})) id`)

/** The `check_reminders` job: it reminds people of what is open and nobody has (see remind.sql). */
export const remind: RunJob = (job, { db, now, clock, settings }) =>
  readIds(db, REMIND, {
    job_id: job.id,
    attempts: job.attempts,
    environment: environmentChannel(settings),
    singles: kindsThat('isSingle'),
    renewing: kindsThat('isRenewed'),
    now,
    finished_at: clock(),
  })
