import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import type { Database } from '../../db/client.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { jsonOf } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { misconfigured } from '../../env.ts'
import { isLate } from '../../jobs/crons.ts'
import { TICKS, ticksColumn } from '../../jobs/ticks.ts'

/** The functions in `names` that the database lacks, a look-up by index in PostgreSQL's catalogue, and the last ticks. */
const READINESS = prepare(sql`
  select
    (select coalesce(jsonb_agg(expected.name), '[]') from unnest(${param('names')}::text[]) expected(name)
      where not exists (select from pg_proc where proname = expected.name and pronamespace = current_schema()::regnamespace)) as missing,
    ${TICKS} as crons`)

const readinessRow = z.object({
  missing: jsonOf(z.array(z.string())),
  crons: ticksColumn,
})
/** What a deep health check asks the database. */
export type Readiness = z.output<typeof readinessRow>

export const readReadiness = async (db: Database): Promise<Readiness> => {
  const [row] = await db.rows(READINESS, readinessRow, { names: `{${Object.values(FUNCTIONS).join(',')}}` })
  if (!row) throw new Error('readiness must be one row')
  return row
}

/** Throws ApiError `misconfigured` if the database lacks functions of this version, and `cron_silent` if a cron does not fire. */
export const assertReady = ({ missing, crons }: Readiness, now: string): void => {
  if (missing.length > 0) {
    throw misconfigured([`the database lacks functions of this version (${missing.join(', ')}): run npm run db:migrate`])
  }
  const silent = crons.filter(({ cron, due_at }) => isLate(cron, due_at, now))
  if (silent.length === 0) return
  const list = silent.map(({ cron, due_at }) => `the cron ${cron} has not fired since ${due_at}`).join('; ')
  throw new ApiError('cron_silent', `Nothing is checked: ${list}`)
}
