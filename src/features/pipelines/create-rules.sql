-- Gives a new pipeline an anomaly rule with the defaults for each metric.
CREATE FUNCTION :create_default_rules(p_pipeline_id bigint, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO anomaly_detection_rule (pipeline_id, metric_field, created_at)
  SELECT p_pipeline_id, metric, p_now
  FROM unnest(ARRAY['duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput']) metric
$$;
