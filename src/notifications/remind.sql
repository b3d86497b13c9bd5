-- Reminds of what is open and nobody has, renews what Alertmanager would else take as over, and ends the job p_job_id. A channel with
-- `repeat_minutes` (for critical incidents 240 where it has none) is told again when it last was so long ago; an acknowledgement holds
-- reminders for 24 hours, a silence as long as it lasts. p_renewing are the kinds of channels to renew. p_environment is the channel of the
-- environment: `slack`, which reminds of critical incidents, or `log`, which does not. Returns the ids of the recorded jobs, or null if this
-- attempt no longer holds the job.
CREATE FUNCTION :remind(
  p_job_id bigint, p_attempt integer, p_environment text, p_singles text[], p_renewing text[], p_now timestamptz, p_finished_at timestamptz, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_begun timestamptz := clock_timestamp();
  v_renewed bigint[];
BEGIN
  PERFORM FROM job j WHERE j.id = p_job_id AND j.state = 'running' AND j.attempts = p_attempt FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- After an outage of the queue several ticks' jobs may come at once: each sees what the others have written.
  PERFORM pg_advisory_xact_lock(hashtextextended('reminders', 0));
  WITH receiver AS MATERIALIZED (
    SELECT c.id, c.name, c.kind, c.repeat_minutes FROM channel c WHERE c.active AND c.kind <> ALL (p_renewing)
    UNION ALL
    SELECT 0, p_environment, p_environment, NULL WHERE p_environment = 'slack'),
  due AS MATERIALIZED (
    SELECT c.id AS channel_id, c.name, i.id AS incident_id, c.kind = ANY (p_singles) AS is_single, last.sweep_id
    FROM incident i CROSS JOIN receiver c
    CROSS JOIN LATERAL (
      SELECT n.event, n.created_at, n.sweep_id FROM notification n LEFT JOIN job j ON j.id = n.job_id
      WHERE n.incident_id = i.id AND n.channel_id = c.id AND n.state <> 'dropped' AND j.state IS DISTINCT FROM 'failed' AND n.event <> 'acknowledged'
      ORDER BY n.id DESC LIMIT 1) last
    WHERE i.resolved_at IS NULL
      AND (i.acknowledged_at IS NULL OR i.acknowledged_at <= p_now - interval '24 hours')
      AND last.event <> 'resolved'
      AND last.created_at <= p_now - make_interval(mins => coalesce(c.repeat_minutes, CASE i.severity WHEN 'critical' THEN 240 END))
      AND NOT EXISTS (SELECT FROM :silenced_until(i.id, p_now) s WHERE s.until IS NOT NULL)
    -- What comes right at this moment waits: its end is told after this.
    ORDER BY i.id LIMIT 2000 FOR SHARE OF i),
  event AS (
    INSERT INTO incident_event (incident_id, kind, at) SELECT DISTINCT d.incident_id, 'reminded', p_now FROM due d
    RETURNING id, incident_id),
  -- What belongs into one message.
  part AS MATERIALIZED (
    SELECT d.*, CASE WHEN NOT d.is_single THEN 'all' WHEN d.sweep_id IS NULL THEN 'incident ' || d.incident_id ELSE 'sweep ' || d.sweep_id END AS part FROM due d),
  message AS MATERIALIZED (
    SELECT m.*, nextval(pg_get_serial_sequence('job', 'id')) AS job_id
    FROM (SELECT DISTINCT d.channel_id, d.part, d.sweep_id FROM part d) m),
  recorded AS (
    INSERT INTO job (id, kind, payload, created_at, due_at) OVERRIDING SYSTEM VALUE
    SELECT m.job_id, 'send_alert', jsonb_build_object('channel_id', m.channel_id, 'alerts', '[]'::jsonb, 'sweep', m.sweep_id), p_now, p_now FROM message m),
  written AS (
    INSERT INTO notification (channel_id, channel_name, incident_id, incident_event_id, event, job_id, sweep_id, created_at)
    SELECT d.channel_id, d.name, d.incident_id, e.id, 'reminded', m.job_id, d.sweep_id, p_now
    FROM part d JOIN event e ON e.incident_id = d.incident_id JOIN message m ON m.channel_id = d.channel_id AND m.part = d.part)
  SELECT array_agg(m.job_id) INTO job_ids FROM message m;

  WITH renewed AS (
    INSERT INTO job (kind, payload, created_at, due_at)
    SELECT 'send_alert', jsonb_build_object('channel_id', c.id, 'renews', true), p_now, p_now
    FROM channel c
    WHERE c.active AND c.kind = ANY (p_renewing) AND EXISTS (
      SELECT FROM incident i JOIN notification n ON n.incident_id = i.id AND n.channel_id = c.id AND n.state <> 'dropped' WHERE i.resolved_at IS NULL)
    RETURNING id)
  SELECT array_agg(r.id) INTO v_renewed FROM renewed r;
  job_ids := coalesce(job_ids, '{}') || coalesce(v_renewed, '{}');
  UPDATE job j SET state = 'succeeded', error = NULL, finished_at = p_finished_at + (clock_timestamp() - v_begun) WHERE j.id = p_job_id;
END
$$;
