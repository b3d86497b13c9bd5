import { sql } from 'drizzle-orm'
import { stringifyJson } from '../core/json.ts'
import type { Database } from '../db/client.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import { claimedJob, finishedJob, finishing } from './claim.ts'
import type { ClaimedJob } from './job.ts'
import { insertJobs } from './record.ts'

const CLAIMED = sql.raw('claimed')
const CONTINUED = sql.raw('continued')
const NOW = sql`${param('now')}::timestamptz`
const FINISH_AND_CONTINUE = prepare(sql`
  with ${claimedJob(CLAIMED)},
  ${CONTINUED} as (
    ${insertJobs(param('kind'), sql`select ${param('payload')}::jsonb as payload where exists (select from ${CLAIMED})`, NOW)}
    returning id),
  ${finishedJob(sql.raw('finished'), { claim: CLAIMED, work: CONTINUED })}
  select id from ${CONTINUED}`)

/** Ends a job that is not complete, and records the job that continues. Returns that job's id, for the caller to send. */
export const finishAndContinue = (
  db: Database,
  claimed: ClaimedJob,
  payload: Record<string, unknown>,
  now: string,
  finishedAt: string,
): Promise<number[]> =>
  readIds(db, FINISH_AND_CONTINUE, { ...finishing(claimed, finishedAt), kind: claimed.kind, payload: stringifyJson(payload), now })
