import { type SQL, sql } from 'drizzle-orm'

/** Why a run failed, if the metadata of the row `execution` says so under one of the names that clients use. */
export const reason = (execution: SQL): SQL =>
  sql`coalesce(${execution}.execution_metadata ->> 'error', ${execution}.execution_metadata ->> 'error_message', ${execution}.execution_metadata ->> 'message')`
