-- Opens, extends or resolves the incident `failed` of a pipeline by what its runs are now. Events come in any order, and move the end of a
-- run; so nothing is concluded from the run that has just changed. A run is bad if it has failed, or has succeeded with a failed step (then
-- the incident is a warning); a part that was aborted because its run failed is no news. The pipeline has failed if a bad run ended after its
-- last clean success, or with it, and there are as many in a row as it allows.
CREATE FUNCTION :reconcile_failures(p_pipeline_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_pipeline record;
  v_success record;
  v_bad record;
  v_step record;
  v_details jsonb;
  v_severity text;
  v_incident incident;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('end of a run', p_pipeline_id));
  SELECT p.active AND NOT p.is_step AS is_judged, coalesce(p.severity, t.severity, 'warning') AS severity,
    coalesce(p.alert_after_failures, t.alert_after_failures, 1) AS allowed INTO v_pipeline
  FROM pipeline p JOIN pipeline_type t ON t.id = p.pipeline_type_id WHERE p.id = p_pipeline_id;
  SELECT * INTO v_success FROM :last_success(p_pipeline_id);
  SELECT * INTO v_incident FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'failed' AND i.subject = '' AND i.resolved_at IS NULL FOR UPDATE;

  -- The last 1,000 failures: Index Scan Backward on pipeline_execution_failed_of_pipeline; those with a failed step by their own index.
  SELECT count(*)::integer AS count, min(b.end_date) AS first_end, max(b.end_date) AS last_end,
    (array_agg(b.id ORDER BY b.end_date, b.openlineage ->> 'run_id'))[1] AS first_id,
    (array_agg(b.id ORDER BY b.end_date DESC, b.openlineage ->> 'run_id' DESC))[1] AS last_id,
    (array_agg(b.completed_successfully ORDER BY b.end_date DESC, b.openlineage ->> 'run_id' DESC))[1] AS is_of_step,
    bool_or(NOT b.completed_successfully) AS has_failed INTO v_bad
  FROM (
    (SELECT e.* FROM pipeline_execution e WHERE e.pipeline_id = p_pipeline_id AND e.completed_successfully = false ORDER BY e.id DESC LIMIT 1000)
    UNION ALL
    (SELECT e.* FROM pipeline_execution e WHERE e.pipeline_id = p_pipeline_id AND e.has_failed_step AND e.completed_successfully
     ORDER BY e.id DESC LIMIT 1000)) b
  LEFT JOIN openlineage_run r ON r.execution_id = b.id
  LEFT JOIN pipeline_execution parent ON parent.id = b.parent_id
  WHERE (v_success.id IS NULL OR b.end_date >= v_success.end_date)
    AND NOT (b.completed_successfully = false AND r.facts IS NOT NULL AND NOT r.facts ? 'fail' AND parent.completed_successfully IS NOT DISTINCT FROM false);

  IF NOT v_pipeline.is_judged OR v_bad.count = 0 OR v_bad.count < v_pipeline.allowed AND v_incident.id IS NULL THEN
    IF v_incident.id IS NOT NULL THEN
      PERFORM :resolve_incident(v_incident.id, 'auto', coalesce('Run ' || v_success.id || ' has succeeded', 'No run has failed'), p_now);
    END IF;
    RETURN;
  END IF;
  -- What a person has resolved stays so for that run, whatever else is told of it.
  IF v_incident.id IS NULL AND EXISTS (
      SELECT FROM (
        SELECT i.* FROM incident i WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'failed' AND i.subject = '' ORDER BY i.id DESC LIMIT 1) last
      WHERE last.resolved_by NOT IN ('auto', 'muted') AND last.last_execution_id = v_bad.last_id) THEN
    RETURN;
  END IF;
  IF v_bad.is_of_step THEN
    SELECT * INTO v_step FROM :failed_step(v_bad.last_id);
    v_details := jsonb_build_object('pipeline_execution_id', v_bad.last_id, 'why', left('Step ' || v_step.name || ' has failed' || coalesce(': ' || v_step.why, ''), 500));
  ELSE
    SELECT jsonb_build_object('pipeline_execution_id', e.id, 'why', left(e.execution_metadata ->> 'error', 500)) INTO v_details
    FROM pipeline_execution e WHERE e.id = v_bad.last_id;
  END IF;
  -- The highest of all bad runs; a failed step is a warning.
  v_severity := CASE WHEN NOT v_bad.has_failed THEN 'warning' WHEN v_incident.severity = 'critical' THEN 'critical' ELSE v_pipeline.severity END;
  IF v_incident.id IS NULL OR v_incident.occurrences < v_bad.count THEN
    PERFORM :open_incident(
      p_pipeline_id => p_pipeline_id, p_kind => 'failed', p_subject => '', p_severity => v_severity,
      p_opened_at => v_bad.first_end, p_execution_id => v_bad.last_id, p_occurrences => v_bad.count - coalesce(v_incident.occurrences, 0),
      p_last_success_at => v_success.end_date, p_first_execution_id => v_bad.first_id, p_occurred_at => v_bad.last_end, p_details => v_details, p_now => p_now);
  ELSIF v_incident.severity = 'warning' AND v_severity = 'critical' THEN
    PERFORM :record_incident_event(v_incident.id, 'occurred', NULL, 'It is critical now', true, false, NULL, p_now);
  END IF;
  -- Something else than before may be the last failure now.
  UPDATE incident i SET last_execution_id = v_bad.last_id, last_occurrence_at = v_bad.last_end, details = v_details, severity = v_severity
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'failed' AND i.subject = '' AND i.resolved_at IS NULL
    AND (i.last_execution_id, i.details, i.severity) IS DISTINCT FROM (v_bad.last_id, v_details, v_severity);
  -- One message is enough of a run that was late and has failed.
  PERFORM :resolve_incident(i.id, 'auto', 'Run ' || v_bad.last_id || ' has failed', p_now, p_quiet => true)
  FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'late' AND i.resolved_at IS NULL AND i.last_execution_id = v_bad.last_id;
END
$$;
