-- Opens or extends the incident `failed` of a pipeline whose run p_execution_id has ended at p_end without success. An end before
-- the last success, in the order of (end, id), is no news: a backfill that fails wakes nobody. Neither does a run of an inactive
-- pipeline. The failure also ends the incident `late` of this run: one message is enough.
CREATE FUNCTION :report_failure(p_pipeline_id bigint, p_execution_id bigint, p_end timestamptz, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_success record;
  v_late bigint;
BEGIN
  -- One Index Scan Backward on pipeline_execution_baseline for each hour of the day.
  SELECT e.end_date, e.id INTO v_success
  FROM generate_series(0, 23) hour
  CROSS JOIN LATERAL (
    SELECT r.end_date, r.id FROM pipeline_execution r
    WHERE r.pipeline_id = p_pipeline_id AND r.hour_recorded = hour AND r.completed_successfully
    ORDER BY r.end_date DESC, r.id DESC LIMIT 1) e
  ORDER BY e.end_date DESC, e.id DESC LIMIT 1;
  IF (v_success.end_date, v_success.id) > (p_end, p_execution_id) OR NOT (SELECT p.active FROM pipeline p WHERE p.id = p_pipeline_id) THEN
    RETURN;
  END IF;
  PERFORM :open_incident(
    p_pipeline_id => p_pipeline_id, p_kind => 'failed', p_subject => '', p_severity => 'warning', p_opened_at => p_end,
    p_execution_id => p_execution_id, p_occurrences => 1, p_last_success_at => v_success.end_date,
    p_details => (
      SELECT jsonb_build_object('pipeline_execution_id', e.id, 'why',
        left(coalesce(e.execution_metadata ->> 'error', e.execution_metadata ->> 'error_message', e.execution_metadata ->> 'message'), 500))
      FROM pipeline_execution e WHERE e.id = p_execution_id),
    p_now => p_now);
  SELECT i.id INTO v_late FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'late' AND i.resolved_at IS NULL AND i.last_execution_id = p_execution_id;
  IF FOUND THEN
    PERFORM :resolve_incident(v_late, 'auto', 'Run ' || p_execution_id || ' has failed', p_now);
  END IF;
END
$$;
