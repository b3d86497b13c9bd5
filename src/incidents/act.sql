-- What a person does with an incident: p_action is `acknowledge`, `resolve` or `comment`, p_by the name of the token. `outcome` is
-- `done`; `repeated` (it is acknowledged, or resolved, already: only another note is written, as a comment); `resolved` (it cannot be acknowledged any
-- more); or `unknown` (there is no such incident). job_id is the job that tells others, or null.
CREATE FUNCTION :act_on_incident(p_id bigint, p_action text, p_by text, p_note text, p_now timestamptz, OUT outcome text, OUT job_id bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_incident incident;
BEGIN
  SELECT * INTO v_incident FROM incident i WHERE i.id = p_id FOR UPDATE;
  outcome := CASE
    WHEN v_incident.id IS NULL THEN 'unknown'
    WHEN p_action = 'comment' THEN 'done'
    WHEN v_incident.state = 'resolved' THEN CASE p_action WHEN 'resolve' THEN 'repeated' ELSE 'resolved' END
    WHEN v_incident.state = 'acknowledged' AND p_action = 'acknowledge' THEN 'repeated'
    ELSE 'done' END;
  IF outcome = 'repeated' AND p_note IS NOT NULL AND NOT EXISTS (
      SELECT FROM incident_event e WHERE e.incident_id = p_id AND e.by = p_by AND e.text = p_note) THEN
    PERFORM :record_incident_event(p_id, 'commented', p_by, p_note, false, false, NULL, p_now);
  END IF;
  IF outcome <> 'done' THEN
    RETURN;
  END IF;
  IF p_action = 'resolve' THEN
    PERFORM :resolve_incident(p_id, p_by, p_note, p_now);
    job_id := :notify_job(p_now);
    RETURN;
  END IF;
  IF p_action = 'acknowledge' THEN
    UPDATE incident i SET state = 'acknowledged', acknowledged_at = p_now, acknowledged_by = p_by WHERE i.id = p_id;
  END IF;
  PERFORM :record_incident_event(
    p_id, CASE p_action WHEN 'comment' THEN 'commented' ELSE 'acknowledged' END, p_by, p_note, p_action = 'acknowledge', false, NULL, p_now);
  job_id := :notify_job(p_now);
END
$$;
