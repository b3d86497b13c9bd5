/**
 * The tables of the original Watcher, as PostgreSQL's catalogue shows them after its own migrations: `seed` is its first schema, `latest` the
 * newest one. Without its materialized views, which the import does not read.
 */
const SHARED = {
  pipeline_type: `id serial PRIMARY KEY, name varchar(150) NOT NULL, freshness_number integer, freshness_datepart datepartenum, mute_freshness_check boolean NOT NULL DEFAULT false,
    timeliness_number integer, timeliness_datepart TIMELINESS, mute_timeliness_check boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
  address_type: `id serial PRIMARY KEY, name varchar(150) NOT NULL, group_name varchar(150) NOT NULL, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
  pipeline: `id serial PRIMARY KEY, name varchar(150) NOT NULL, pipeline_type_id integer NOT NULL REFERENCES pipeline_type (id), watermark varchar(50), next_watermark varchar(50),
    pipeline_metadata jsonb, last_target_insert timestamptz, last_target_update timestamptz, last_target_soft_delete timestamptz, freshness_number integer,
    freshness_datepart datepartenum, mute_freshness_check boolean NOT NULL DEFAULT false, timeliness_number integer, timeliness_datepart TIMELINESS,
    mute_timeliness_check boolean NOT NULL DEFAULT false, load_lineage boolean NOT NULL DEFAULT false, active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
  address: `id serial PRIMARY KEY, name varchar(150) NOT NULL, address_type_id integer NOT NULL REFERENCES address_type (id), database_name varchar(50), schema_name varchar(50),
    table_name varchar(50), primary_key varchar(50), created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
  address_lineage: `id bigserial PRIMARY KEY, pipeline_id integer NOT NULL REFERENCES pipeline (id), source_address_id integer NOT NULL REFERENCES address (id),
    target_address_id integer NOT NULL REFERENCES address (id)`,
  pipeline_execution: `id bigserial PRIMARY KEY, parent_id integer, pipeline_id integer NOT NULL REFERENCES pipeline (id), start_date timestamptz NOT NULL, date_recorded date NOT NULL,
    hour_recorded integer NOT NULL, end_date timestamptz, duration_seconds integer, completed_successfully boolean, inserts integer, updates integer, soft_deletes integer,
    total_rows integer, watermark varchar(50), next_watermark varchar(50), execution_metadata jsonb`,
  freshness_pipeline_log: `id bigserial PRIMARY KEY, pipeline_id integer NOT NULL REFERENCES pipeline (id), last_dml_timestamp timestamptz, evaluation_timestamp timestamptz,
    freshness_number integer NOT NULL, freshness_datepart datepartenum NOT NULL, used_child_config boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP`,
}
const LOG = `pipeline_id integer NOT NULL REFERENCES pipeline (id), duration_seconds integer NOT NULL, seconds_threshold integer NOT NULL, execution_status varchar NOT NULL,
    timely_number integer NOT NULL, timely_datepart TIMELINESS NOT NULL, used_child_config boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP`

const SCHEMAS = {
  seed: {
    version: '20250913174135',
    metrics: `'DURATION_SECONDS', 'INSERTS', 'UPDATES', 'SOFT_DELETES', 'TOTAL_ROWS'`,
    timeliness: 'timelinessdatepartenum',
    tables: {
      ...SHARED,
      address: `${SHARED.address}, deprecated boolean NOT NULL DEFAULT false`,
      pipeline_execution: `${SHARED.pipeline_execution}, full_load boolean`,
      address_lineage_closure: `source_address_id integer NOT NULL REFERENCES address (id), target_address_id integer NOT NULL REFERENCES address (id), depth integer NOT NULL, PRIMARY KEY (source_address_id, target_address_id)`,
      anomaly_detection_rule: `id serial PRIMARY KEY, pipeline_id integer NOT NULL REFERENCES pipeline (id), metric_field anomalymetricfieldenum NOT NULL, std_deviation_threshold_multiplier double precision NOT NULL,
        lookback_days integer NOT NULL, minimum_executions integer NOT NULL, active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
      anomaly_detection_result: `id bigserial PRIMARY KEY, rule_id integer NOT NULL REFERENCES anomaly_detection_rule (id), pipeline_execution_id bigint REFERENCES pipeline_execution (id), violation_value double precision NOT NULL,
        baseline_value double precision NOT NULL, deviation_percentage double precision NOT NULL, confidence_score double precision NOT NULL, context jsonb, detected_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP`,
      timeliness_pipeline_execution_log: `id bigserial PRIMARY KEY, pipeline_execution_id bigint REFERENCES pipeline_execution (id), ${LOG}`,
    },
  },
  latest: {
    version: '20251021195850',
    metrics: `'DURATION_SECONDS', 'INSERTS', 'UPDATES', 'SOFT_DELETES', 'TOTAL_ROWS', 'THROUGHPUT'`,
    timeliness: 'datepartenum',
    tables: {
      ...SHARED,
      pipeline: `${SHARED.pipeline}, input_hash varchar(20) NOT NULL`,
      address: `${SHARED.address}, address_metadata jsonb, input_hash varchar(20) NOT NULL`,
      pipeline_execution: `${SHARED.pipeline_execution}, anomaly_flags jsonb, throughput numeric`,
      pipeline_execution_closure: `parent_execution_id bigint NOT NULL REFERENCES pipeline_execution (id), child_execution_id bigint NOT NULL REFERENCES pipeline_execution (id), depth integer NOT NULL, PRIMARY KEY (parent_execution_id, child_execution_id)`,
      address_lineage_closure: `source_address_id integer NOT NULL REFERENCES address (id), target_address_id integer NOT NULL REFERENCES address (id), depth integer NOT NULL, lineage_path integer[] NOT NULL, PRIMARY KEY (source_address_id, target_address_id, depth)`,
      anomaly_detection_rule: `id serial PRIMARY KEY, pipeline_id integer NOT NULL REFERENCES pipeline (id), metric_field anomalymetricfieldenum NOT NULL, z_threshold numeric, lookback_days integer NOT NULL,
        minimum_executions integer NOT NULL, active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamptz`,
      anomaly_detection_result: `pipeline_execution_id bigint NOT NULL REFERENCES pipeline_execution (id), rule_id integer NOT NULL REFERENCES anomaly_detection_rule (id), violation_value numeric, z_score numeric, historical_mean numeric,
        std_deviation_value numeric, z_threshold numeric, threshold_min_value numeric, threshold_max_value numeric, context jsonb, detected_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (pipeline_execution_id, rule_id)`,
      timeliness_pipeline_execution_log: `pipeline_execution_id bigint PRIMARY KEY REFERENCES pipeline_execution (id), ${LOG}`,
    },
  },
} as const
export type Schema = keyof typeof SCHEMAS

/** The statements that make the original's tables in an empty database. */
export const schemaOf = (schema: Schema): string => {
  const { version, metrics, timeliness, tables } = SCHEMAS[schema]
  return `
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('${version}');
    CREATE TYPE anomalymetricfieldenum AS ENUM (${metrics});
    CREATE TYPE datepartenum AS ENUM ('MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR');
    CREATE TYPE timelinessdatepartenum AS ENUM ('MINUTE', 'HOUR');
    ${Object.entries(tables)
      .map(([name, columns]) => `CREATE TABLE ${name} (${columns.replaceAll('TIMELINESS', timeliness)});`)
      .join('\n')}`
}

/**
 * A house of made-up rows: `runs` executions of 40 pipelines in five levels of nesting, a lineage with a diamond and a cycle, rules, results
 * and logs; and what an old database has of everything odd.
 */
export const fillOriginal = (schema: Schema, runs: number): string => {
  const isSeed = schema === 'seed'
  const hash = isSeed ? ['', ''] : [', input_hash', `, 'h'`]
  return `
    SET TIME ZONE 'UTC';
    INSERT INTO pipeline_type (name, freshness_number, freshness_datepart, timeliness_number, timeliness_datepart, created_at)
      VALUES ('extraction', 12, 'HOUR', 30, 'MINUTE', '2024-01-01'), ('dbt', NULL, NULL, NULL, NULL, '2024-01-02'), ('DBT', 3, NULL, NULL, NULL, '2024-01-03');
    INSERT INTO pipeline (name, pipeline_type_id, watermark, next_watermark, pipeline_metadata, last_target_insert, load_lineage, active, created_at${hash[0]})
      SELECT 'pipe ' || i, 1 + i % 3, 'w' || i, 'n' || i, CASE WHEN i % 2 = 0 THEN jsonb_build_object('owner', 'team ' || i) END, '2025-01-01'::timestamptz + i * interval '1 hour',
        i % 2 = 0, i % 7 <> 0, '2024-01-01'::timestamptz + i * interval '1 minute'${hash[1]} FROM generate_series(1, 38) i;
    INSERT INTO pipeline (name, pipeline_type_id, pipeline_metadata, timeliness_number, timeliness_datepart, created_at${hash[0]})
      VALUES ('Pipe 1', 1, '["a list"]', 5, 'MINUTE', '2024-02-01'${hash[1]}), ('', 2, NULL, -1, 'HOUR', '2024-02-01'${hash[1]});
    INSERT INTO address_type (name, group_name, created_at) VALUES ('postgresql', 'database', '2024-01-01'), ('s3', '', '2024-01-01');
    INSERT INTO address (name, address_type_id, database_name, created_at${hash[0]})
      SELECT 'a' || i, 1 + i % 2, CASE WHEN i % 2 = 0 THEN 'db' END, '2024-01-01'${hash[1]} FROM generate_series(1, 60) i;
    INSERT INTO address (name, address_type_id, created_at${hash[0]}) VALUES ('a1', 1, '2024-01-01'${hash[1]});
    -- A chain, a diamond (1 to 4 over 2 and 3), a cycle (50, 51, 52), an edge of two pipelines, and one that is there twice.
    INSERT INTO address_lineage (pipeline_id, source_address_id, target_address_id)
      SELECT i, i + 4, i + 5 FROM generate_series(1, 30) i
      UNION ALL VALUES (31, 1, 2), (31, 1, 3), (32, 2, 4), (33, 3, 4), (34, 4, 5), (35, 50, 51), (36, 51, 52), (37, 52, 50), (38, 1, 2), (31, 1, 2), (31, 7, 7);
    INSERT INTO pipeline_execution (parent_id, pipeline_id, start_date, date_recorded, hour_recorded, end_date, duration_seconds, completed_successfully, inserts, updates, soft_deletes, total_rows,
        watermark, next_watermark, execution_metadata)
      SELECT CASE WHEN i % 5 <> 1 THEN i - 1 END, 1 + i % 38, at, at::date, extract(hour FROM at), CASE WHEN i % 97 <> 0 THEN at + i % 900 * interval '1 second' END,
        CASE WHEN i % 97 <> 0 THEN i % 900 END, CASE WHEN i % 97 <> 0 THEN i % 11 <> 0 END, i % 1000, i % 7, 0, i % 1000 + i % 7, 'w' || i, 'n' || i,
        CASE WHEN i % 11 = 0 THEN jsonb_build_object('error', 'failed ' || i) END
      FROM generate_series(1, ${runs}) i CROSS JOIN LATERAL (SELECT '2025-06-01'::timestamptz + i * interval '1 minute' AS at) x;
    -- Odd ones: two in a circle, a parent that is gone, one above with a greater id, an end before the start, without an outcome, and without an end.
    INSERT INTO pipeline_execution (id, parent_id, pipeline_id, start_date, date_recorded, hour_recorded, end_date, duration_seconds, completed_successfully, inserts, execution_metadata)
      SELECT ${runs} + i, parent, 1, at, at::date, 0, ended, seconds, ok, inserts, metadata
      FROM (VALUES (1, ${runs} + 2, '2025-09-01 00:01'::timestamptz, '2025-09-01 00:02'::timestamptz, 60, true, 1, NULL::jsonb),
        (2, ${runs} + 1, '2025-09-01 00:02', '2025-09-01 00:03', 60, true, 1, NULL), (3, 999999999, '2025-09-01 00:03', '2025-09-01 00:04', 60, true, 1, NULL),
        (4, ${runs} + 5, '2025-09-01 00:04', '2025-09-01 00:05', 60, true, -3, '7'), (5, NULL, '2025-09-01 00:05', '2025-09-01 00:01', -240, true, 1, NULL),
        (6, ${runs} + 6, '2025-09-01 00:06', '2025-09-01 00:07', 60, NULL, 1, NULL), (7, NULL, '2025-09-01 00:07', NULL, 90, false, 1, NULL)) o (i, parent, at, ended, seconds, ok, inserts, metadata);
    SELECT setval('pipeline_execution_id_seq', ${runs} + 7);
    INSERT INTO anomaly_detection_rule (pipeline_id, metric_field, ${isSeed ? 'std_deviation_threshold_multiplier' : 'z_threshold'}, lookback_days, minimum_executions, created_at)
      SELECT i, 'INSERTS'::anomalymetricfieldenum, 2.5, 30, 10, '2024-01-01'::timestamptz FROM generate_series(1, 20) i UNION ALL SELECT i, 'TOTAL_ROWS'::anomalymetricfieldenum, 99, 9999, 1, '2024-01-01'::timestamptz FROM generate_series(1, 3) i
      UNION ALL VALUES (1, 'INSERTS'::anomalymetricfieldenum, 3, 30, 10, '2024-01-01'::timestamptz);
    ${
      isSeed
        ? `INSERT INTO anomaly_detection_result (rule_id, pipeline_execution_id, violation_value, baseline_value, deviation_percentage, confidence_score, context, detected_at)
            SELECT 1 + i % 20, i, 500, 100, 400, 0.99, NULL::jsonb, '2025-07-01'::timestamptz FROM generate_series(1, 200) i UNION ALL VALUES (1, NULL::integer, 1, 1, 1, 1, NULL::jsonb, '2025-07-01'::timestamptz);
           INSERT INTO timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config)
            SELECT i, 1 + i % 38, 900, 300, 'completed', 5, 'MINUTE'::timelinessdatepartenum, true FROM generate_series(1, 100) i UNION ALL VALUES (100, 25, 901, 300, 'completed', 5, 'MINUTE'::timelinessdatepartenum, true), (NULL::integer, 1, 1, 1, 'running', 1, 'HOUR'::timelinessdatepartenum, false);`
        : `INSERT INTO anomaly_detection_result (rule_id, pipeline_execution_id, violation_value, z_score, historical_mean, std_deviation_value, z_threshold, threshold_min_value, threshold_max_value, context, detected_at)
            SELECT 1 + i % 20, i, 500, 4, 100, 100, 3, -200, 400, '{"hour": 3}'::jsonb, '2025-07-01'::timestamptz FROM generate_series(1, 200) i UNION ALL VALUES (1, 201, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::jsonb, '2025-07-01'::timestamptz);
           INSERT INTO timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config)
            SELECT i, 1 + i % 38, 900, 300, 'completed', 5, 'MINUTE', true FROM generate_series(1, 100) i;`
    }
    INSERT INTO freshness_pipeline_log (pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart, used_child_config)
      SELECT i, '2025-07-01'::timestamptz, '2025-07-02'::timestamptz, 12, 'HOUR'::datepartenum, false FROM generate_series(1, 30) i UNION ALL VALUES (1, NULL::timestamptz, '2025-07-02'::timestamptz, 12, 'HOUR'::datepartenum, false), (1, '2025-07-01'::timestamptz, '2025-07-03'::timestamptz, 12, 'HOUR'::datepartenum, false);`
}
