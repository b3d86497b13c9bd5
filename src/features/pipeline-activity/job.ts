import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { FUNCTIONS } from '../../db/functions.ts'
import { whole } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { finishJob } from '../../jobs/claim.ts'
import { finishAndContinue } from '../../jobs/continue.ts'
import type { RunJob } from '../../jobs/job.ts'

/** One statement looks at this many pipelines: about a third of a second if all have run. */
const MAX_PIPELINES = 2_000
/** Statements of one job: a free plan allows 50 requests. */
const MAX_STEPS = 20

const KEEP = prepare(sql`select ${sql.raw(FUNCTIONS.keep_activity)}(p_after => ${param('after')}, p_limit => ${param('limit')},
  p_now => ${param('now')}) as last`)

/** The `keep_activity` job: it reads the latest runs of all pipelines. If there are many, it records another job that goes on. */
export const keepActivity: RunJob = async (job, { db, now, clock }) => {
  let { after } = z.object({ after: z.number().default(0) }).parse(job.payload)
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const [row] = await db.rows(KEEP, z.object({ last: whole.nullable() }), { after, limit: MAX_PIPELINES, now })
    if (!row || row.last === null) {
      await finishJob(db, job, clock())
      return []
    }
    after = row.last
  }
  return finishAndContinue(db, job, { after }, now, clock())
}
