-- Opens or extends the incident `failed` of a pipeline whose run p_execution_id has ended at p_end without success. An end before
-- the last success, in the order of (end, id), is no news: a backfill that fails wakes nobody. Neither does a run of an inactive
-- pipeline, nor one before the number of failures in a row that the pipeline or its type allows. The failure also ends the
-- incident `late` of this run: one message is enough.
CREATE FUNCTION :report_failure(p_pipeline_id bigint, p_execution_id bigint, p_end timestamptz, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_success record;
  v_late bigint;
  v_pipeline record;
  v_row record;
BEGIN
  SELECT * INTO v_success FROM :last_success(p_pipeline_id);
  SELECT p.active, coalesce(p.alert_after_failures, t.alert_after_failures, 1) AS allowed INTO v_pipeline
  FROM pipeline p JOIN pipeline_type t ON t.id = p.pipeline_type_id WHERE p.id = p_pipeline_id;
  IF (v_success.end_date, v_success.id) > (p_end, p_execution_id) OR NOT v_pipeline.active THEN
    RETURN;
  END IF;
  IF NOT EXISTS (
      SELECT FROM incident i WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'failed' AND i.resolved_at IS NULL) THEN
    -- The failures in a row, at most the last 1,000: Index Scan Backward on pipeline_execution_failed_of_pipeline.
    SELECT count(*)::integer AS count, (array_agg(f.id ORDER BY f.end_date, f.id))[1] AS first_id, min(f.end_date) AS first_end,
      (array_agg(f.id ORDER BY f.end_date DESC, f.id DESC))[1] AS last_id, max(f.end_date) AS last_end INTO v_row
    FROM (
      SELECT e.id, e.end_date FROM pipeline_execution e WHERE e.pipeline_id = p_pipeline_id AND e.completed_successfully = false
      ORDER BY e.id DESC LIMIT 1000) f
    WHERE v_success.id IS NULL OR (f.end_date, f.id) > (v_success.end_date, v_success.id);
    IF v_row.count < v_pipeline.allowed THEN
      RETURN;
    END IF;
  ELSE
    SELECT 1 AS count, p_execution_id AS first_id, p_end AS first_end, p_execution_id AS last_id, p_end AS last_end INTO v_row;
  END IF;
  PERFORM :open_incident(
    p_pipeline_id => p_pipeline_id, p_kind => 'failed', p_subject => '', p_severity => NULL, p_opened_at => v_row.first_end,
    p_execution_id => v_row.last_id, p_occurrences => v_row.count, p_last_success_at => v_success.end_date,
    p_first_execution_id => v_row.first_id, p_occurred_at => v_row.last_end,
    p_details => (
      SELECT jsonb_build_object('pipeline_execution_id', e.id, 'why',
        left(coalesce(e.execution_metadata ->> 'error', e.execution_metadata ->> 'error_message', e.execution_metadata ->> 'message'), 500))
      FROM pipeline_execution e WHERE e.id = v_row.last_id),
    p_now => p_now);
  SELECT i.id INTO v_late FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'late' AND i.resolved_at IS NULL AND i.last_execution_id = p_execution_id;
  IF FOUND THEN
    PERFORM :resolve_incident(v_late, 'auto', 'Run ' || p_execution_id || ' has failed', p_now, p_quiet => true);
  END IF;
END
$$;
