-- The last successful run of a pipeline, in the order of (end, id); nulls if there is none. One Index Scan Backward on
-- pipeline_execution_baseline for each hour of the day.
CREATE FUNCTION :last_success(p_pipeline_id bigint, OUT end_date timestamptz, OUT id bigint)
LANGUAGE sql STABLE AS $$
  SELECT e.end_date, e.id
  FROM generate_series(0, 23) hour
  CROSS JOIN LATERAL (
    SELECT r.end_date, r.id FROM pipeline_execution r
    WHERE r.pipeline_id = p_pipeline_id AND r.hour_recorded = hour AND r.completed_successfully AND NOT r.has_failed_step
    ORDER BY r.end_date DESC, r.id DESC LIMIT 1) e
  ORDER BY e.end_date DESC, e.id DESC LIMIT 1
$$;
