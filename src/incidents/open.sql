-- Opens an incident; or extends the open one of the same pipeline (or none), kind and subject; or reopens the last one, if that
-- resolved by itself less than 15 minutes before p_now. p_opened_at is when it happened, p_execution_id the run, if there is one;
-- p_first_execution_id and p_occurred_at are its first run and its last time, where it is about several. p_severity null: as the
-- pipeline or its type says. p_alerts: see record-event.sql. `outcome` is `opened`, `occurred` or `reopened`, with the `id` of the
-- incident. Its event is written too; after ten occurrences only the number grows. People are told when it opens, reopens, or
-- becomes critical. A sweep calls this thousands of times in one transaction: plans that were made while the table was small must not read
-- all that it has inserted meanwhile.
CREATE FUNCTION :open_incident(
  p_pipeline_id bigint, p_kind text, p_subject text, p_severity text, p_opened_at timestamptz, p_execution_id bigint,
  p_occurrences integer, p_last_success_at timestamptz, p_details jsonb, p_now timestamptz, p_alerts jsonb DEFAULT NULL,
  p_first_execution_id bigint DEFAULT NULL, p_occurred_at timestamptz DEFAULT NULL,
  OUT outcome text, OUT id bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  v_severity text := coalesce(p_severity, (
    SELECT coalesce(p.severity, t.severity) FROM pipeline p JOIN pipeline_type t ON t.id = p.pipeline_type_id WHERE p.id = p_pipeline_id), 'warning');
  v_occurred_at timestamptz := coalesce(p_occurred_at, p_opened_at);
  v_incident incident;
  v_last_success_at timestamptz;
  v_is_last boolean;
BEGIN
  LOOP
    SELECT * INTO v_incident FROM incident i
    WHERE coalesce(i.pipeline_id, 0) = coalesce(p_pipeline_id, 0) AND i.kind = p_kind AND i.subject = p_subject AND i.resolved_at IS NULL
    FOR UPDATE;
    IF FOUND THEN
      v_is_last := (v_occurred_at, coalesce(p_execution_id, 0)) >= (v_incident.last_occurrence_at, coalesce(v_incident.last_execution_id, 0));
      -- What is reported late may lie before what is known.
      UPDATE incident i SET
        occurrences = i.occurrences + p_occurrences, opened_at = least(i.opened_at, p_opened_at),
        last_occurrence_at = greatest(i.last_occurrence_at, v_occurred_at),
        first_execution_id = CASE WHEN p_opened_at < i.opened_at THEN coalesce(p_first_execution_id, p_execution_id) ELSE i.first_execution_id END,
        last_execution_id = CASE WHEN v_is_last THEN coalesce(p_execution_id, i.last_execution_id) ELSE i.last_execution_id END,
        details = CASE WHEN v_is_last THEN p_details ELSE i.details END,
        severity = CASE WHEN v_severity = 'critical' THEN 'critical' ELSE i.severity END
      WHERE i.id = v_incident.id;
      outcome := 'occurred';
      EXIT;
    END IF;

    UPDATE incident i SET
      state = 'open', resolved_at = NULL, resolved_by = NULL, acknowledged_at = NULL, acknowledged_by = NULL, caused_by = NULL,
      occurrences = i.occurrences + p_occurrences, last_occurrence_at = greatest(i.last_occurrence_at, v_occurred_at),
      last_execution_id = coalesce(p_execution_id, i.last_execution_id), details = p_details,
      severity = CASE WHEN v_severity = 'critical' THEN 'critical' ELSE i.severity END
    WHERE i.id = (
        SELECT last.id FROM incident last
        WHERE coalesce(last.pipeline_id, 0) = coalesce(p_pipeline_id, 0) AND last.kind = p_kind AND last.subject = p_subject
        ORDER BY last.id DESC LIMIT 1)
      AND i.resolved_by = 'auto' AND i.resolved_at > p_now - interval '15 minutes'
    RETURNING i.* INTO v_incident;
    IF FOUND THEN
      outcome := 'reopened';
      EXIT;
    END IF;

    v_last_success_at := coalesce(p_last_success_at, (
      SELECT max(e.end_date) FROM (
        SELECT r.end_date, r.completed_successfully FROM pipeline_execution r WHERE r.pipeline_id = p_pipeline_id AND r.id IS DISTINCT FROM p_execution_id
        ORDER BY r.start_date DESC LIMIT 50) e
      WHERE e.completed_successfully));
    IF v_last_success_at IS NULL AND p_pipeline_id IS NOT NULL THEN
      -- Not among the last 50 runs.
      SELECT s.end_date INTO v_last_success_at FROM :last_success(p_pipeline_id) s WHERE s.id IS DISTINCT FROM p_execution_id;
    END IF;
    INSERT INTO incident (
      kind, subject, pipeline_id, severity, opened_at, detected_at, occurrences, last_occurrence_at, first_execution_id, last_execution_id,
      last_success_at, details)
    VALUES (
      p_kind, p_subject, p_pipeline_id, v_severity, p_opened_at, p_now, p_occurrences, v_occurred_at,
      coalesce(p_first_execution_id, p_execution_id), p_execution_id,
      v_last_success_at, p_details)
    ON CONFLICT DO NOTHING
    RETURNING * INTO v_incident;
    IF FOUND THEN
      outcome := 'opened';
      EXIT;
    END IF;
  END LOOP;
  id := v_incident.id;
  IF outcome = 'occurred' AND v_severity = 'critical' AND v_incident.severity <> 'critical' THEN
    PERFORM :record_incident_event(id, outcome, NULL, 'It is critical now', true, false, p_alerts, p_now);
  ELSIF outcome <> 'occurred' OR v_incident.occurrences + p_occurrences <= 10 THEN
    PERFORM :record_incident_event(id, outcome, NULL, NULL, outcome <> 'occurred', false, p_alerts, p_now);
  END IF;
END
$$;
