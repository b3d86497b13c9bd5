-- Writes an event of an incident. If people are told of it (p_told), the event is the outbox: a job of the kind `notify` goes with it,
-- one for all events of this transaction. p_alerts are the original's messages about what opened it (see notifications/alert.ts), or
-- null. p_quiet: channels that people read hear nothing of it.
CREATE FUNCTION :record_incident_event(
  p_incident_id bigint, p_kind text, p_by text, p_text text, p_told boolean, p_quiet boolean, p_alerts jsonb, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_job_id bigint;
BEGIN
  IF p_told THEN
    v_job_id := :notify_job(p_now);
    IF v_job_id IS NULL THEN
      INSERT INTO job (kind, payload, unique_key, created_at, due_at)
      VALUES ('notify', jsonb_build_object('alerts', coalesce(p_alerts, '[]')), :notify_job_key(p_now), p_now, p_now)
      RETURNING id INTO v_job_id;
    END IF;
  END IF;
  INSERT INTO incident_event (incident_id, kind, at, by, text, quiet, notify_job_id)
  VALUES (p_incident_id, p_kind, p_now, p_by, p_text, p_quiet, v_job_id);
END
$$;
