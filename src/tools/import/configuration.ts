import { RULE_BOUNDS, RULE_DEFAULTS } from '../../checks/anomalies/rule.ts'
import { RUN_METRICS } from '../../db/constraints.ts'
import {
  copy,
  enumerated,
  has,
  type ImportedTable,
  isNamed,
  kept,
  named,
  notesOf,
  object,
  orElse,
  THRESHOLD_TARGETS,
  THRESHOLD_VALUES,
  TIMES,
  thresholdColumns,
  thresholdNotes,
  thresholds,
} from './columns.ts'

/** Types, pipelines, addresses and rules: what a person has set. */

export const types = (
  name: 'pipeline_type' | 'address_type',
  extra: Pick<ImportedTable, 'columns'> & { ok: string; notes: string[]; targets: string; values: string },
): ImportedTable => {
  const { reason, from } = kept(name, isNamed('taken'))
  const its = named(name)
  return {
    name,
    key: 'id',
    columns: (has) => ({ ...copy({ id: 'bigint', name: 'text', ...TIMES }), ...extra.columns(has) }),
    judged: `SELECT g.*, ${its.name}, ${extra.ok}, ${reason}, ${notesOf([its.note, ...extra.notes])} ${from}`,
    written: `INSERT INTO ${name} (id, name, ${extra.targets}, created_at, updated_at) OVERRIDING SYSTEM VALUE
      SELECT id, ok_name, ${extra.values}, created_at, updated_at FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING 1`,
  }
}

export const pipelines = (): ImportedTable => {
  const { reason, from } = kept('pipeline', isNamed('taken'), [
    `WHEN NOT ${has('pipeline_type', 'pipeline_type_id')} THEN 'its type is not there'`,
  ])
  const its = named('pipeline')
  const targets =
    'pipeline_type_id, watermark, next_watermark, last_target_insert, last_target_update, last_target_soft_delete, load_lineage, active'
  return {
    name: 'pipeline',
    key: 'id',
    columns: () => ({
      ...copy({
        id: 'bigint',
        name: 'text',
        pipeline_type_id: 'bigint',
        watermark: 'text',
        next_watermark: 'text',
        pipeline_metadata: 'jsonb',
      }),
      ...copy({ last_target_insert: 'timestamptz', last_target_update: 'timestamptz', last_target_soft_delete: 'timestamptz' }),
      ...copy({ load_lineage: 'boolean', active: 'boolean', ...TIMES }),
      ...thresholdColumns(),
    }),
    judged: `SELECT g.*, ${its.name}, ${thresholds}, ${reason}, ${notesOf([its.note, ...thresholdNotes])} ${from}`,
    written: `INSERT INTO pipeline (id, name, ${targets}, pipeline_metadata, ${THRESHOLD_TARGETS}, freshness_from, created_at, updated_at) OVERRIDING SYSTEM VALUE
      SELECT id, ok_name, ${targets}, ${object('pipeline_metadata')}, ${THRESHOLD_VALUES}, created_at, created_at, updated_at
      FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING 1`,
  }
}

export const addresses = (): ImportedTable => {
  const parts = 'database_name, schema_name, table_name, primary_key'
  const { reason, from } = kept('address', isNamed('taken', ''), [
    `WHEN NOT ${has('address_type', 'address_type_id')} THEN 'its type is not there'`,
  ])
  const its = named('address', '')
  return {
    name: 'address',
    key: 'id',
    columns: (has) => ({
      ...copy({
        id: 'bigint',
        name: 'text',
        address_type_id: 'bigint',
        ...Object.fromEntries(parts.split(', ').map((part) => [part, 'text'])),
        ...TIMES,
      }),
      deprecated: orElse(has, 'address', 'deprecated', 'boolean', 'false'),
      address_metadata: orElse(has, 'address', 'address_metadata', 'jsonb', 'NULL::jsonb'),
    }),
    judged: `SELECT g.*, ${its.name}, ${reason}, ${notesOf([its.note])} ${from}`,
    written: `INSERT INTO address (id, name, address_type_id, ${parts}, deprecated, address_metadata, created_at, updated_at) OVERRIDING SYSTEM VALUE
      SELECT id, ok_name, address_type_id, ${parts}, deprecated, ${object('address_metadata')}, created_at, updated_at
      FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING id),
    self AS (INSERT INTO address_lineage_closure (source_address_id, target_address_id, depth) SELECT id, id, 0 FROM written`,
  }
}

const clamped = (column: string, { min, max }: { min: number; max: number }, otherwise: number): string =>
  `least(greatest(coalesce(g.${column}, ${otherwise}), ${min}), ${max})`

export const rules = (): ImportedTable => {
  const { reason, from } = kept('anomaly_detection_rule', 'taken.pipeline_id = g.pipeline_id AND taken.metric_field = g.metric_field', [
    `WHEN NOT ${has('pipeline', 'pipeline_id')} THEN 'its pipeline is not there'`,
    `WHEN g.metric_field NOT IN (${RUN_METRICS.map((metric) => `'${metric}'`).join(', ')}) THEN 'its metric is not known'`,
    `WHEN row_number() OVER (PARTITION BY g.pipeline_id, g.metric_field ORDER BY g.id) > 1
      OR EXISTS (SELECT FROM anomaly_detection_rule o WHERE o.pipeline_id = g.pipeline_id AND o.metric_field = g.metric_field AND o.id <> g.id)
      THEN 'its pipeline has a rule for this metric'`,
  ])
  const settings = Object.entries(RULE_BOUNDS).map(
    ([name, bounds]) => [name, clamped(name, bounds, RULE_DEFAULTS[name as keyof typeof RULE_BOUNDS])] as const,
  )
  return {
    name: 'anomaly_detection_rule',
    key: 'id',
    columns: (has) => ({
      ...copy({
        id: 'bigint',
        pipeline_id: 'bigint',
        lookback_days: 'integer',
        minimum_executions: 'integer',
        active: 'boolean',
        ...TIMES,
      }),
      metric_field: enumerated('metric_field'),
      std_deviation_threshold_multiplier: [
        has('anomaly_detection_rule', 'z_threshold') ? 'z_threshold' : 'std_deviation_threshold_multiplier',
        'double precision',
      ],
    }),
    judged: `SELECT g.*, ${settings.map(([name, value]) => `${value} AS ok_${name}`).join(', ')}, ${reason},
      ${notesOf(settings.map(([name, value]) => `CASE WHEN g.${name} <> ${value} THEN 'its ${name} is out of bounds: the nearest is taken' END`))} ${from}`,
    written: `INSERT INTO anomaly_detection_rule (id, pipeline_id, metric_field, ${settings.map(([name]) => name).join(', ')}, active, created_at, updated_at) OVERRIDING SYSTEM VALUE
      SELECT id, pipeline_id, metric_field, ${settings.map(([name]) => `ok_${name}`).join(', ')}, active, created_at, updated_at
      FROM judged WHERE reason IS NULL ON CONFLICT DO NOTHING RETURNING 1`,
  }
}
