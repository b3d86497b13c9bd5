-- Gives a new pipeline a robust anomaly rule for each metric. A metric that its runs do not report is never judged.
CREATE FUNCTION :create_default_rules(p_pipeline_id bigint, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO anomaly_detection_rule (pipeline_id, metric_field, method, std_deviation_threshold_multiplier, season, min_change_percent, created_at)
  SELECT p_pipeline_id, metric, 'robust', 3, 'auto', 10, p_now
  FROM unnest(ARRAY['duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput']) metric
$$;
