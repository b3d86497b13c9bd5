import { copy, enumerated, has, type ImportedTable, isThreshold, kept, notesOf, object, orElse } from './columns.ts'

/** Executions, lineage, results and logs: what pipelines and checks have done. */

export const COUNTS = ['inserts', 'updates', 'soft_deletes', 'total_rows']

/** A count that ours can have: one below 0 is none. */
export const okCount = (count: string): string => `CASE WHEN ${count} >= 0 THEN ${count} END`
/** How long the run of the row `given` took, to its end in the row `ended`. */
export const okSeconds = (given: string, ended: string): string =>
  `coalesce(${okCount(`${given}.duration_seconds`)}, round(extract(epoch FROM ${ended}.ok_end_date - ${given}.start_date)))`

/** A parent with a greater id is given later (see finish.ts): it may not be there yet, and only so can nesting go in circles. */
export const executions = (): ImportedTable => {
  const { reason, from } = kept('pipeline_execution', 'taken.pipeline_id = g.pipeline_id AND taken.start_date = g.start_date', [
    `WHEN NOT ${has('pipeline', 'pipeline_id')} THEN 'its pipeline is not there'`,
  ])
  const marks = 'watermark, next_watermark'
  return {
    name: 'pipeline_execution',
    key: 'id',
    day: `(start_date AT TIME ZONE 'UTC')::date`,
    columns: (has) => ({
      ...copy({ id: 'bigint', parent_id: 'bigint', pipeline_id: 'bigint', start_date: 'timestamptz', end_date: 'timestamptz' }),
      ...copy({
        completed_successfully: 'boolean',
        duration_seconds: 'bigint',
        ...Object.fromEntries(COUNTS.map((name) => [name, 'bigint'])),
      }),
      ...copy({ watermark: 'text', next_watermark: 'text', execution_metadata: 'jsonb' }),
      full_load: orElse(has, 'pipeline_execution', 'full_load', 'boolean', 'NULL::boolean'),
      throughput: orElse(
        has,
        'pipeline_execution',
        'throughput',
        'double precision',
        'total_rows / nullif(extract(epoch FROM end_date - start_date), 0)',
      ),
    }),
    judged: `SELECT g.*, ${reason}, ended.*,
        CASE WHEN g.parent_id < g.id THEN coalesce(parent.id, early.id) END AS ok_parent_id,
        ${notesOf([
          "CASE WHEN g.parent_id < g.id AND parent.id IS NULL AND early.id IS NULL THEN 'its parent is not there: it stands alone' END",
          "CASE WHEN g.end_date < g.start_date THEN 'its end is before its start: ended when it started' END",
          "CASE WHEN g.end_date IS NOT NULL AND g.completed_successfully IS NULL THEN 'it ended without an outcome: failed' END",
          "CASE WHEN g.end_date IS NULL AND g.completed_successfully IS NOT NULL THEN 'an outcome without an end: its end follows from its duration' END",
          `CASE WHEN least(${COUNTS.map((name) => `g.${name}`).join(', ')}) < 0 THEN 'a count below 0: left out' END`,
        ])}
      ${from}
      LEFT JOIN pipeline_execution parent ON parent.id = g.parent_id
      LEFT JOIN given early ON early.id = g.parent_id AND early.id < g.id AND EXISTS (SELECT FROM pipeline p WHERE p.id = early.pipeline_id)
      CROSS JOIN LATERAL (${endOf('g')}) ended`,
    written: `INSERT INTO pipeline_execution (id, pipeline_id, parent_id, start_date, end_date, completed_successfully, ${COUNTS.join(', ')}, duration_seconds, throughput, full_load,
        ${marks}, execution_metadata, created_at) OVERRIDING SYSTEM VALUE
      SELECT id, pipeline_id, ok_parent_id, start_date, ok_end_date, ok_completed, ${COUNTS.map((name) => okCount(`j.${name}`)).join(', ')}, ${okSeconds('j', 'j')}, CASE WHEN throughput >= 0 THEN throughput END, coalesce(full_load, false),
        ${marks}, ${object('execution_metadata')}, start_date
      FROM judged j WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING 1`,
  }
}

/** The end and outcome that a run `g` of the original has here: both or none. */
export const endOf = (g: string): string => `
  SELECT e.ok_end_date, CASE WHEN e.ok_end_date IS NOT NULL THEN coalesce(${g}.completed_successfully, false) END AS ok_completed
  FROM (SELECT CASE WHEN ${g}.end_date IS NOT NULL THEN greatest(${g}.end_date, ${g}.start_date)
    WHEN ${g}.completed_successfully IS NOT NULL THEN ${g}.start_date + make_interval(secs => greatest(${g}.duration_seconds, 0)) END AS ok_end_date) e`

export const edges = (): ImportedTable => ({
  name: 'address_lineage',
  key: 'id',
  columns: () => copy({ id: 'bigint', pipeline_id: 'bigint', source_address_id: 'bigint', target_address_id: 'bigint' }),
  judged: `SELECT g.*, CASE WHEN NOT ${has('pipeline', 'pipeline_id')} THEN 'its pipeline is not there'
      WHEN NOT ${has('address', 'source_address_id')} OR NOT ${has('address', 'target_address_id')} THEN 'its address is not there' END AS reason, ${notesOf([])} FROM given g`,
  written: `INSERT INTO address_lineage (pipeline_id, source_address_id, target_address_id)
    SELECT DISTINCT pipeline_id, source_address_id, target_address_id FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING
    RETURNING 1`,
})

const EXECUTION_MISSING = `WHEN g.pipeline_execution_id IS NULL OR NOT ${has('pipeline_execution', 'pipeline_execution_id')} THEN 'its execution is not there'`

/** From Page's approximation of the normal distribution (1977): off by at most 0.0003. From 8 deviations the rest is 0. */
const Z = 'least(abs(z_score), 8)::double precision'
const TAIL = `exp(-(1.5976 * ${Z} + 0.070566 * ${Z} ^ 3))`

export const results = (): ImportedTable => ({
  name: 'anomaly_detection_result',
  key: 'pipeline_execution_id',
  columns: (has) => {
    const isLatest = has('anomaly_detection_result', 'historical_mean')
    const mean = isLatest ? 'historical_mean' : 'baseline_value'
    return {
      ...copy({ pipeline_execution_id: 'bigint', rule_id: 'bigint', violation_value: 'double precision', detected_at: 'timestamptz' }),
      baseline_value: [mean, 'double precision'],
      deviation_percentage: [
        isLatest ? `(violation_value - ${mean}) / nullif(${mean}, 0) * 100` : 'deviation_percentage',
        'double precision',
      ],
      // The latest original keeps no confidence: it is the normal probability of its z score, in a form that every PostgreSQL has.
      confidence_score: [isLatest ? `(1 - ${TAIL}) / (1 + ${TAIL})` : 'confidence_score', 'double precision'],
      context: [
        isLatest
          ? `coalesce(to_jsonb(context), '{}') || jsonb_build_object('z_score', z_score, 'baseline_std', std_deviation_value, 'threshold_multiplier', z_threshold,
              'lower_threshold', threshold_min_value, 'upper_threshold', threshold_max_value, 'direction', CASE WHEN z_score < 0 THEN 'below' ELSE 'above' END)`
          : 'context',
        'jsonb',
      ],
    }
  },
  judged: `SELECT g.*, CASE ${EXECUTION_MISSING} WHEN NOT ${has('anomaly_detection_rule', 'rule_id')} THEN 'its rule is not there'
      WHEN num_nonnulls(g.violation_value, g.baseline_value) < 2 THEN 'it has no value' END AS reason, ${notesOf([])} FROM given g`,
  written: `INSERT INTO anomaly_detection_result (pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, confidence_score, context, detected_at)
    SELECT pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, least(greatest(coalesce(confidence_score, 1), 0), 1),
      coalesce(${object('context')}, '{}'), detected_at
    FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING 1`,
})

export const freshnessLogs = (): ImportedTable => ({
  name: 'freshness_pipeline_log',
  key: 'id',
  columns: () => ({
    ...copy({
      id: 'bigint',
      pipeline_id: 'bigint',
      last_dml_timestamp: 'timestamptz',
      evaluation_timestamp: 'timestamptz',
      freshness_number: 'bigint',
    }),
    ...copy({ used_child_config: 'boolean', created_at: 'timestamptz' }),
    freshness_datepart: enumerated('freshness_datepart'),
  }),
  judged: `SELECT g.*, CASE WHEN NOT ${has('pipeline', 'pipeline_id')} THEN 'its pipeline is not there' WHEN g.last_dml_timestamp IS NULL THEN 'nothing had been loaded yet'
      WHEN NOT ${isThreshold('freshness')} THEN 'its threshold is none' END AS reason, ${notesOf([])} FROM given g`,
  written: `INSERT INTO freshness_pipeline_log (pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart, used_child_config, created_at)
    SELECT DISTINCT ON (pipeline_id, last_dml_timestamp) pipeline_id, last_dml_timestamp, coalesce(evaluation_timestamp, created_at), freshness_number, freshness_datepart, used_child_config, created_at
    FROM judged WHERE reason IS NULL ORDER BY pipeline_id, last_dml_timestamp, id ON CONFLICT DO NOTHING
    RETURNING 1`,
})

export const timelinessLogs = (): ImportedTable => ({
  name: 'timeliness_pipeline_execution_log',
  key: 'pipeline_execution_id',
  columns: () => ({
    ...copy({ pipeline_execution_id: 'bigint', duration_seconds: 'bigint', seconds_threshold: 'bigint' }),
    ...copy({ timely_number: 'bigint', used_child_config: 'boolean', created_at: 'timestamptz' }),
    execution_status: enumerated('execution_status'),
    timely_datepart: enumerated('timely_datepart'),
  }),
  judged: `SELECT g.*, CASE ${EXECUTION_MISSING} WHEN g.execution_status NOT IN ('running', 'completed') THEN 'its status is not known' END AS reason, ${notesOf([])} FROM given g`,
  written: `INSERT INTO timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config, created_at)
    SELECT DISTINCT ON (pipeline_execution_id) pipeline_execution_id, (SELECT e.pipeline_id FROM pipeline_execution e WHERE e.id = pipeline_execution_id), duration_seconds, seconds_threshold,
      execution_status, timely_number, timely_datepart, used_child_config, created_at
    FROM judged WHERE reason IS NULL ORDER BY pipeline_execution_id, created_at ON CONFLICT DO NOTHING RETURNING 1`,
})
