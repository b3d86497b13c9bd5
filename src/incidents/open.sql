-- Opens an incident; or extends the open one of the same pipeline (or none), kind and subject; or reopens the last one, if that
-- resolved by itself less than 15 minutes before p_now. p_opened_at is when it happened, p_execution_id the run, if there is one.
-- `outcome` is `opened`, `occurred` or `reopened`, with the `id` of the incident. Its event is written too; after ten
-- occurrences only the number grows.
CREATE FUNCTION :open_incident(
  p_pipeline_id bigint, p_kind text, p_subject text, p_severity text, p_opened_at timestamptz, p_execution_id bigint,
  p_occurrences integer, p_last_success_at timestamptz, p_details jsonb, p_now timestamptz,
  OUT outcome text, OUT id bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_occurrences integer;
BEGIN
  LOOP
    UPDATE incident i SET
      occurrences = i.occurrences + p_occurrences, last_occurrence_at = greatest(i.last_occurrence_at, p_opened_at),
      last_execution_id = coalesce(p_execution_id, i.last_execution_id), details = p_details,
      severity = CASE WHEN 'critical' IN (i.severity, p_severity) THEN 'critical' ELSE 'warning' END
    WHERE coalesce(i.pipeline_id, 0) = coalesce(p_pipeline_id, 0) AND i.kind = p_kind AND i.subject = p_subject AND i.resolved_at IS NULL
    RETURNING i.id, i.occurrences INTO id, v_occurrences;
    IF FOUND THEN
      outcome := 'occurred';
      EXIT;
    END IF;

    UPDATE incident i SET
      state = 'open', resolved_at = NULL, resolved_by = NULL, acknowledged_at = NULL, acknowledged_by = NULL,
      occurrences = i.occurrences + p_occurrences, last_occurrence_at = greatest(i.last_occurrence_at, p_opened_at),
      last_execution_id = coalesce(p_execution_id, i.last_execution_id), details = p_details
    WHERE i.id = (
        SELECT last.id FROM incident last
        WHERE coalesce(last.pipeline_id, 0) = coalesce(p_pipeline_id, 0) AND last.kind = p_kind AND last.subject = p_subject
        ORDER BY last.id DESC LIMIT 1)
      AND i.resolved_by = 'auto' AND i.resolved_at > p_now - interval '15 minutes'
    RETURNING i.id, 0 INTO id, v_occurrences;
    IF FOUND THEN
      outcome := 'reopened';
      EXIT;
    END IF;

    INSERT INTO incident (
      kind, subject, pipeline_id, severity, opened_at, detected_at, occurrences, last_occurrence_at, first_execution_id, last_execution_id,
      last_success_at, details)
    VALUES (
      p_kind, p_subject, p_pipeline_id, p_severity, p_opened_at, p_now, p_occurrences, p_opened_at, p_execution_id, p_execution_id,
      p_last_success_at, p_details)
    ON CONFLICT DO NOTHING
    RETURNING incident.id, 0 INTO id, v_occurrences;
    IF FOUND THEN
      outcome := 'opened';
      EXIT;
    END IF;
  END LOOP;
  IF v_occurrences <= 10 THEN
    INSERT INTO incident_event (incident_id, kind, at, text) VALUES (id, outcome, p_now, NULL);
  END IF;
END
$$;
