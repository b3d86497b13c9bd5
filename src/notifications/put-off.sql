-- Puts off what the job p_job_id would tell too early: incidents whose pipeline delays its messages, silenced ones, and those that flap: after
-- the second reopening in an hour, `resolved` and `reopened` are told when 15 minutes have passed without another change. Their events go to
-- a later job; those of one silence to the same one, so that its end is one digest. Returns the ids of the recorded jobs.
CREATE FUNCTION :put_off(p_job_id bigint, p_alerts jsonb, p_now timestamptz) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  v_later record;
  v_key text;
  v_job_id bigint;
  v_job_ids bigint[] := '{}';
BEGIN
  -- Who deletes a silence waits, and then sees what it holds.
  PERFORM FROM silence s WHERE s.starts_at <= p_now AND (s.ends_at IS NULL OR s.ends_at > p_now) ORDER BY s.id FOR SHARE;
  FOR v_later IN
    SELECT s.silence_id, due.at AS due_at, array_agg(e.id) AS event_ids, array_agg(DISTINCT e.incident_id) AS incident_ids,
      array_agg(DISTINCT i.pipeline_id) AS pipeline_ids
    FROM incident_event e JOIN incident i ON i.id = e.incident_id
    LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
    CROSS JOIN LATERAL (
      -- What opens again, and nobody has heard of, is delayed anew.
      SELECT CASE WHEN e.kind = 'reopened' AND NOT EXISTS (SELECT FROM notification n WHERE n.incident_id = i.id AND n.state <> 'dropped') THEN e.at ELSE i.detected_at END
        + make_interval(mins => coalesce(p.alert_delay_minutes, t.alert_delay_minutes, 0)) AS due_at) d
    CROSS JOIN LATERAL (
      SELECT CASE WHEN e.kind IN ('resolved', 'reopened') AND e.by IS NULL AND NOT e.quiet AND 2 <= (
          SELECT count(*) FROM incident_event r
          WHERE r.incident_id = e.incident_id AND r.kind = 'reopened' AND r.id < e.id AND r.at > e.at - interval '1 hour')
        THEN e.at + interval '15 minutes' END AS until) quiet
    LEFT JOIN LATERAL :silenced_until(i.id, p_now) s ON e.kind <> 'resolved'
    CROSS JOIN LATERAL (SELECT CASE e.kind WHEN 'resolved' THEN quiet.until ELSE greatest(d.due_at, s.until, quiet.until) END AS at) due
    WHERE e.notify_job_id = p_job_id AND due.at > p_now
      AND (e.kind = 'resolved' OR e.kind IN ('opened', 'reopened', 'occurred') AND i.resolved_at IS NULL)
    GROUP BY 1, 2
  LOOP
    v_key := 'silence ' || v_later.silence_id || ' ' || extract(epoch FROM v_later.due_at);
    -- The lock keeps the job from beginning before it has these events.
    SELECT j.id INTO v_job_id FROM job j WHERE j.unique_key = v_key AND j.state = 'waiting' AND j.attempts = 0 FOR UPDATE;
    IF NOT FOUND THEN
      INSERT INTO job (kind, payload, unique_key, created_at, due_at)
      VALUES ('notify', jsonb_build_object('alerts', CASE WHEN v_key IS NULL THEN :alerts_about(p_alerts, v_later.pipeline_ids, true) ELSE '[]' END),
        CASE WHEN NOT EXISTS (SELECT FROM job j WHERE j.unique_key = v_key) THEN v_key END, p_now, v_later.due_at)
      ON CONFLICT DO NOTHING
      RETURNING id INTO v_job_id;
      IF v_job_id IS NULL THEN
        INSERT INTO job (kind, payload, created_at, due_at) VALUES ('notify', '{"alerts": []}', p_now, v_later.due_at) RETURNING id INTO v_job_id;
      END IF;
      v_job_ids := v_job_ids || v_job_id;
    END IF;
    UPDATE incident_event e SET notify_job_id = v_job_id WHERE e.id = ANY (v_later.event_ids);
    IF v_later.silence_id IS NOT NULL THEN
      INSERT INTO incident_event (incident_id, kind, at, text)
      SELECT id, 'silenced', p_now, 'until ' || to_char(v_later.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
      FROM unnest(v_later.incident_ids) id;
    END IF;
  END LOOP;
  RETURN v_job_ids;
END
$$;
