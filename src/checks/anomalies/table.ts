import { sql } from 'drizzle-orm'
import { bigint, check, doublePrecision, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant, jsonObject, reference } from '../../db/columns.ts'
import { between, METRIC_FIELDS, oneOf } from '../../db/constraints.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { METHODS } from './methods/index.ts'
import { ACCEPT_LEVEL_AFTER, DIRECTIONS, MIN_CHANGE_PERCENT, RULE_BOUNDS, RULE_DEFAULTS, SEASONS } from './rule.ts'

/** A setting's bounds as SQL text: constraints cannot have parameters. */
const within = (name: keyof typeof RULE_BOUNDS) => sql.raw(`${RULE_BOUNDS[name].min} and ${RULE_BOUNDS[name].max}`)

export const anomalyDetectionRule = pgTable(
  'anomaly_detection_rule',
  {
    id: id(),
    pipeline_id: reference(() => pipeline.id).notNull(),
    metric_field: text().notNull(),
    std_deviation_threshold_multiplier: doublePrecision().notNull().default(RULE_DEFAULTS.std_deviation_threshold_multiplier),
    lookback_days: integer().notNull().default(RULE_DEFAULTS.lookback_days),
    minimum_executions: integer().notNull().default(RULE_DEFAULTS.minimum_executions),
    active: flag(true),
    method: text().notNull().default('zscore'),
    direction: text().notNull().default('both'),
    season: text().notNull().default('hour'),
    min_change_percent: doublePrecision().notNull().default(0),
    /** Hard limits. */
    min_value: doublePrecision(),
    max_value: doublePrecision(),
    /** Nothing before counts: a new level was accepted. */
    baseline_from: instant(),
    /** After so many flags in a row on one side the new level is accepted by itself; null: a person does it. */
    accept_level_after: integer(),
    /** The last run that the rule has judged, in the order of (end, id), and the last one of them that was normal. */
    judged_end: instant(),
    judged_id: bigint({ mode: 'number' }),
    clean_end: instant(),
    clean_id: bigint({ mode: 'number' }),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // Ending an execution looks up the pipeline's active rules. It also makes a rule unique per pipeline and metric.
    uniqueIndex('anomaly_detection_rule_metric_unique').on(table.pipeline_id, table.metric_field),
    oneOf('anomaly_detection_rule_metric_known', table.metric_field, METRIC_FIELDS),
    check(
      'anomaly_detection_rule_multiplier_range',
      sql`std_deviation_threshold_multiplier between ${within('std_deviation_threshold_multiplier')}`,
    ),
    check('anomaly_detection_rule_lookback_range', sql`lookback_days between ${within('lookback_days')}`),
    oneOf('anomaly_detection_rule_method_known', table.method, Object.keys(METHODS)),
    oneOf('anomaly_detection_rule_direction_known', table.direction, DIRECTIONS),
    oneOf('anomaly_detection_rule_season_known', table.season, SEASONS),
    between('anomaly_detection_rule_min_change_range', table.min_change_percent, MIN_CHANGE_PERCENT),
    between('anomaly_detection_rule_accept_range', table.accept_level_after, ACCEPT_LEVEL_AFTER),
    check('anomaly_detection_rule_limits', sql`min_value <= max_value`),
    check('anomaly_detection_rule_minimum_range', sql`minimum_executions between ${within('minimum_executions')}`),
  ],
)

export const anomalyDetectionResult = pgTable(
  'anomaly_detection_result',
  {
    id: id(),
    pipeline_execution_id: reference(() => pipelineExecution.id, { onDelete: 'cascade' }).notNull(),
    rule_id: reference(() => anomalyDetectionRule.id).notNull(),
    violation_value: doublePrecision().notNull(),
    baseline_value: doublePrecision().notNull(),
    deviation_percentage: doublePrecision(),
    confidence_score: doublePrecision().notNull(),
    context: jsonObject().notNull(),
    /** One sentence; null in results of earlier versions. */
    explanation: text(),
    detected_at: instant().notNull().default(sql`now()`),
  },
  (table) => [
    // Detection records a finding once per execution and rule; unflagging finds it by execution.
    uniqueIndex('anomaly_detection_result_once').on(table.pipeline_execution_id, table.rule_id),
    // GET /anomaly_detection_result?rule_id= and ?pipeline_id=; the baseline excludes what a rule has flagged.
    index('anomaly_detection_result_rule_id').on(table.rule_id, table.id),
    // The overview's anomalies of the last 24 hours, and GET /anomaly_detection_result?detected_after=: Index Scan.
    index('anomaly_detection_result_detected_at').on(table.detected_at),
    check('anomaly_detection_result_confidence_range', sql`confidence_score between 0 and 1`),
  ],
)
