import { sql } from 'drizzle-orm'
import { FUNCTIONS } from '../../db/functions.ts'
import { readIds } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import type { Watch } from '../../jobs/schedule.ts'

const JUDGE = prepare(sql`
  select id from ${sql.raw(FUNCTIONS.judge_deliveries)}(p_environment => ${param('environment')}, p_now => ${param('now')}) id where id is not null`)

/** Opens and resolves the incidents about jobs and channels that fail (judge-deliveries.sql). Returns the ids of the jobs that tell people. */
export const judgeDeliveries: Watch = (db, now) => readIds(db, JUDGE, { environment: 'the channel of the environment', now })
