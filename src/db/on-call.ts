import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, integer, text } from 'drizzle-orm/pg-core'
import { ALERT_AFTER_FAILURES, ALERT_DELAY_MINUTES } from '../core/bounds.ts'
import { between, lengthBetween, oneOf, SEVERITIES } from './constraints.ts'

/** The columns of a pipeline and of its type that say who handles its incidents, and how. null on a pipeline: as its type says. */
export const onCallColumns = () => ({
  owner: text(),
  runbook_url: text(),
  severity: text(),
  alert_after_failures: integer(),
  alert_delay_minutes: integer(),
})

type OnCallColumn = keyof ReturnType<typeof onCallColumns>

export const onCallConstraints = (table: 'pipeline' | 'pipeline_type', columns: Record<OnCallColumn, AnyPgColumn>) => [
  lengthBetween(`${table}_owner_length`, columns.owner, 1, 150),
  lengthBetween(`${table}_runbook_url_length`, columns.runbook_url, 1, 500),
  oneOf(`${table}_severity_known`, columns.severity, SEVERITIES),
  between(`${table}_alert_after_failures_range`, columns.alert_after_failures, ALERT_AFTER_FAILURES),
  between(`${table}_alert_delay_minutes_range`, columns.alert_delay_minutes, ALERT_DELAY_MINUTES),
]

/** What applies where neither a pipeline nor its type says anything. */
const DEFAULTS: Record<OnCallColumn, SQL> = {
  owner: sql`null`,
  runbook_url: sql`null`,
  severity: sql`'warning'`,
  alert_after_failures: sql.raw(String(ALERT_AFTER_FAILURES.default)),
  alert_delay_minutes: sql.raw(String(ALERT_DELAY_MINUTES.default)),
}

/** The value that applies to a pipeline: its own, else its type's, else the default. `pipeline` and `type` name the rows in the statement. */
export const effective = (column: OnCallColumn, { pipeline, type }: { pipeline: SQL; type: SQL }): SQL =>
  sql`coalesce(${pipeline}.${sql.raw(column)}, ${type}.${sql.raw(column)}, ${DEFAULTS[column]})`
