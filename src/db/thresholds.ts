import { type SQL, sql } from 'drizzle-orm'

/**
 * The threshold of a pipeline: its own number and datepart, else its type's, else null. The tables' constraints keep
 * number and datepart together. `pipeline` and `type` are the names of the rows in the statement.
 */
export const effectiveThreshold = (what: 'freshness' | 'timeliness', { pipeline, type }: { pipeline: SQL; type: SQL }) => {
  const number = sql.raw(`${what}_number`)
  const datepart = sql.raw(`${what}_datepart`)
  const mute = sql.raw(`mute_${what}_check`)
  return {
    number: sql`coalesce(${pipeline}.${number}, ${type}.${number})`,
    datepart: sql`case when ${pipeline}.${number} is null then ${type}.${datepart} else ${pipeline}.${datepart} end`,
    /** True if the threshold is the pipeline's own, not its type's. */
    isOwn: sql`(${pipeline}.${number} is not null)`,
    /** True if the check applies: the pipeline is active and no step of another one, has a threshold, and neither it nor its type mutes the check. */
    isJudged: sql`${pipeline}.active and not ${pipeline}.is_step and not ${pipeline}.${mute} and not ${type}.${mute} and coalesce(${pipeline}.${number}, ${type}.${number}) is not null`,
  }
}

/** True if these changes of a pipeline or a type may make runs late that already run. */
export const mayMakeLate = (changes: {
  // null: then the type's threshold applies, which may be shorter.
  timeliness_number?: number | null | undefined
  timeliness_datepart?: string | null | undefined
  pipeline_type_id?: number | undefined
  mute_timeliness_check?: boolean | undefined
  active?: boolean | undefined
}): boolean =>
  changes.timeliness_number !== undefined ||
  changes.timeliness_datepart !== undefined ||
  changes.pipeline_type_id !== undefined ||
  changes.mute_timeliness_check === false ||
  changes.active === true

/** The moment `from` plus the threshold, in UTC calendar arithmetic: 31 January plus a month is the last day of February. */
export const deadlineAfter = (from: SQL, number: SQL, datepart: SQL): SQL =>
  sql`((${from} at time zone 'UTC') + ${number} * ('1 ' || ${datepart})::interval) at time zone 'UTC'`
