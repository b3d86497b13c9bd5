import { type SQL, sql } from 'drizzle-orm'

/**
 * The rule that holds for a pipeline `p` of the type `t`: its own number and datepart, else its type's, else null; and
 * whether it is its own. One of the two having both is what the tables' constraints see to.
 */
export const effectiveRule = (what: 'freshness' | 'timeliness') => {
  const [own, parent] = [sql.raw(`p.${what}`), sql.raw(`t.${what}`)]
  return {
    number: sql`coalesce(${own}_number, ${parent}_number)`,
    datepart: sql`case when ${own}_number is null then ${parent}_datepart else ${own}_datepart end`,
    isOwn: sql`(${own}_number is not null)`,
    /** Active, not muted on either level, and with a rule. */
    isJudged: sql`p.active and not p.mute_${sql.raw(what)}_check and not t.mute_${sql.raw(what)}_check
      and coalesce(${own}_number, ${parent}_number) is not null`,
  }
}

/** The moment `from` plus the threshold, in UTC calendar arithmetic: 31 January plus a month is the last of February. */
export const deadlineAfter = (from: SQL, number: SQL, datepart: SQL): SQL =>
  sql`((${from} at time zone 'UTC') + ${number} * ('1 ' || ${datepart})::interval) at time zone 'UTC'`
