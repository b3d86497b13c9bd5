import { type SQL, sql } from 'drizzle-orm'

/** Why a run failed, as far as the metadata of `execution` (the name of its row) says: under the names that clients use. */
export const reason = (execution: SQL): SQL =>
  sql`coalesce(${execution}.execution_metadata ->> 'error', ${execution}.execution_metadata ->> 'error_message', ${execution}.execution_metadata ->> 'message')`
