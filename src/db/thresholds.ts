import { type SQL, sql } from 'drizzle-orm'

/**
 * The threshold that holds for a pipeline: its own number and datepart, else its type's, else null; and whether it is its
 * own. The tables' constraints make sure that one of the two has both. `pipeline` and `type` are the names of their rows in the statement.
 */
export const effectiveThreshold = (what: 'freshness' | 'timeliness', { pipeline, type }: { pipeline: SQL; type: SQL }) => {
  const number = sql.raw(`${what}_number`)
  const datepart = sql.raw(`${what}_datepart`)
  const mute = sql.raw(`mute_${what}_check`)
  return {
    number: sql`coalesce(${pipeline}.${number}, ${type}.${number})`,
    datepart: sql`case when ${pipeline}.${number} is null then ${type}.${datepart} else ${pipeline}.${datepart} end`,
    isOwn: sql`(${pipeline}.${number} is not null)`,
    /** Active, not muted on either level, and with a threshold. */
    isJudged: sql`${pipeline}.active and not ${pipeline}.${mute} and not ${type}.${mute} and coalesce(${pipeline}.${number}, ${type}.${number}) is not null`,
  }
}

/** The moment `from` plus the threshold, in UTC calendar arithmetic: 31 January plus a month is the last of February. */
export const deadlineAfter = (from: SQL, number: SQL, datepart: SQL): SQL =>
  sql`((${from} at time zone 'UTC') + ${number} * ('1 ' || ${datepart})::interval) at time zone 'UTC'`
