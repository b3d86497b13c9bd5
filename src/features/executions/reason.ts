import { type SQL, sql } from 'drizzle-orm'

/** Why a run failed, as far as the metadata of execution `e` says: under the names that clients use. */
export const reason: SQL = sql`coalesce(e.execution_metadata ->> 'error', e.execution_metadata ->> 'error_message', e.execution_metadata ->> 'message')`
