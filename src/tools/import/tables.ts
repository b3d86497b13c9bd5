import { copy, type ImportedTable, THRESHOLD_TARGETS, THRESHOLD_VALUES, thresholdColumns, thresholdNotes, thresholds } from './columns.ts'
import { addresses, pipelines, rules, types } from './configuration.ts'
import { edges, executions, freshnessLogs, results, timelinessLogs } from './history.ts'

/** In the order in which they refer to each other. */
export const TABLES: readonly ImportedTable[] = [
  types('pipeline_type', {
    columns: thresholdColumns,
    ok: thresholds,
    notes: thresholdNotes,
    targets: THRESHOLD_TARGETS,
    values: THRESHOLD_VALUES,
  }),
  pipelines(),
  types('address_type', {
    columns: () => copy({ group_name: 'text' }),
    ok: `CASE WHEN g.group_name = '' THEN 'unknown' ELSE g.group_name END AS ok_group_name`,
    notes: [`CASE WHEN g.group_name = '' THEN 'without a group: unknown' END`],
    targets: 'group_name',
    values: 'ok_group_name',
  }),
  addresses(),
  edges(),
  executions(),
  rules(),
  results(),
  freshnessLogs(),
  timelinessLogs(),
]
