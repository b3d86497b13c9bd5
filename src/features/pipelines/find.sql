-- A pipeline as JSON, with what applies to it (its own settings, else its type's, else the defaults of db/on-call.ts) in `effective`, and in
-- `interval_end` when the next run is due by its interval, counted from the last start. null if there is no such pipeline.
CREATE FUNCTION :find_pipeline(p_id bigint, p_now timestamptz) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_pipeline pipeline;
  v_type pipeline_type;
  v_interval_end timestamptz;
BEGIN
  SELECT * INTO v_pipeline FROM pipeline p WHERE p.id = p_id;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT * INTO v_type FROM pipeline_type t WHERE t.id = v_pipeline.pipeline_type_id;
  IF v_pipeline.active AND v_pipeline.schedule_number IS NOT NULL THEN
    -- Index Scan Backward on pipeline_execution_of_pipeline_by_start.
    SELECT (SELECT t.at FROM :interval_slots(max(e.start_date), v_pipeline.schedule_from, v_pipeline.schedule_number, v_pipeline.schedule_datepart, NULL, 1) t(at))
    INTO v_interval_end FROM pipeline_execution e WHERE e.pipeline_id = p_id AND e.start_date <= p_now;
  END IF;
  RETURN json_build_object('pipeline', row_to_json(v_pipeline), 'interval_end', v_interval_end, 'effective', json_build_object(
    'owner', coalesce(v_pipeline.owner, v_type.owner), 'runbook_url', coalesce(v_pipeline.runbook_url, v_type.runbook_url),
    'severity', coalesce(v_pipeline.severity, v_type.severity, 'warning'),
    'alert_after_failures', coalesce(v_pipeline.alert_after_failures, v_type.alert_after_failures, 1),
    'alert_delay_minutes', coalesce(v_pipeline.alert_delay_minutes, v_type.alert_delay_minutes, 0)));
END
$$;
