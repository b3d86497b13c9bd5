-- Decides whom to tell of the events of the job p_job_id (kind `notify`), and ends the job. It writes one notification per channel and
-- event, with the jobs that send them: one for all of a channel that people read, one for each where a kind of channel is in
-- p_singles. p_pagers are the kinds of channels that hear of everything. Those in p_sweepers hear of more than 20 incidents at once as one
-- event, which ends with the last of them. p_environment is the channel of the environment: `slack`, or
-- `log`, which is used only while there is no other one. What is delayed or silenced waits in a later job. An effect is folded under
-- its cause: a channel that hears of the cause does not hear of it. Returns the ids of the recorded jobs, or null if this attempt no
-- longer holds the job.
CREATE FUNCTION :notify(
  p_job_id bigint, p_attempt integer, p_environment text, p_pagers text[], p_singles text[], p_sweepers text[], p_now timestamptz, p_finished_at timestamptz,
  OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_alerts jsonb;
  v_held bigint[];
  v_sent_ids bigint[];
  v_begun timestamptz := clock_timestamp();
BEGIN
  SELECT j.payload -> 'alerts' INTO v_alerts FROM job j WHERE j.id = p_job_id AND j.state = 'running' AND j.attempts = p_attempt FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- What opens looks for its cause among all incidents: one `notify` at a time, so that each sees the causes that the others have found.
  IF EXISTS (SELECT FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened')) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('causes of incidents', 0));
  END IF;
  -- And one at a time for an incident: each sees whom the others have told.
  PERFORM FROM incident i WHERE i.id IN (SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id) ORDER BY i.id FOR NO KEY UPDATE;

  PERFORM :set_causes(p_job_id, p_now);
  -- A cause that comes right at this moment waits, and then sees what it has caused.
  PERFORM FROM incident r
  WHERE r.id IN (SELECT x.caused_by FROM incident_event e JOIN incident x ON x.id = e.incident_id WHERE e.notify_job_id = p_job_id)
  ORDER BY r.id FOR SHARE;
  -- What was held for a cause that was held itself, and that somebody has acknowledged meanwhile, is told on its own.
  UPDATE incident_event e SET notify_job_id = p_job_id
  FROM incident x, incident r, incident_event re
  WHERE re.notify_job_id = p_job_id AND re.kind IN ('opened', 'reopened') AND r.id = re.incident_id AND r.state = 'acknowledged'
    AND x.caused_by = r.id AND x.resolved_at IS NULL AND e.incident_id = x.id AND e.kind IN ('opened', 'reopened') AND e.notify_job_id <> p_job_id;

  -- 1. What must not be told yet.
  SELECT array_agg(DISTINCT i.pipeline_id) INTO v_held FROM incident_event e JOIN incident i ON i.id = e.incident_id
  WHERE e.notify_job_id = p_job_id AND i.pipeline_id IS NOT NULL;
  job_ids := :put_off(p_job_id, v_alerts, p_now);
  SELECT array_agg(h.id) INTO v_held FROM unnest(v_held) h(id)
  WHERE h.id NOT IN (
    SELECT i.pipeline_id FROM incident_event e JOIN incident i ON i.id = e.incident_id WHERE e.notify_job_id = p_job_id AND i.pipeline_id IS NOT NULL);
  IF v_held IS NOT NULL THEN
    v_alerts := :alerts_about(v_alerts, v_held, false);
  END IF;

  -- A pager that hears late of what somebody has already hears that too.
  UPDATE incident_event a SET notify_job_id = p_job_id
  FROM incident_event e JOIN incident i ON i.id = e.incident_id
  WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened') AND i.state = 'acknowledged' AND a.incident_id = i.id
    AND a.kind = 'acknowledged' AND a.id > e.id AND a.notify_job_id <> p_job_id
    AND EXISTS (SELECT FROM job j WHERE j.id = a.notify_job_id AND j.state = 'succeeded');

  -- 2. What is over before anybody heard of it: nobody hears of either.
  UPDATE notification n SET state = 'dropped'
  FROM incident_event e
  WHERE e.notify_job_id = p_job_id AND e.kind = 'resolved' AND n.incident_id = e.incident_id AND n.incident_event_id < e.id
    AND n.state = 'waiting' AND n.attempts = 0;

  -- 3. What a resolved incident has caused and is still open in half an hour is told on its own.
  WITH effect AS MATERIALIZED (
    SELECT e.id FROM incident_event e JOIN incident x ON x.id = e.incident_id
    WHERE e.kind IN ('opened', 'reopened') AND x.resolved_at IS NULL AND x.caused_by IN (
      SELECT r.id FROM incident_event re JOIN incident r ON r.id = re.incident_id
      WHERE re.notify_job_id = p_job_id AND re.kind = 'resolved' AND r.resolved_at IS NOT NULL)),
  recorded AS (
    INSERT INTO job (kind, payload, created_at, due_at)
    SELECT 'notify', '{"alerts": []}'::jsonb, p_now, greatest(p_now, (
      SELECT max(r.resolved_at) + interval '30 minutes' FROM incident_event re JOIN incident r ON r.id = re.incident_id
      WHERE re.notify_job_id = p_job_id AND re.kind = 'resolved'))
    WHERE EXISTS (SELECT FROM effect)
    RETURNING id),
  moved AS (UPDATE incident_event e SET notify_job_id = recorded.id FROM recorded WHERE e.id IN (SELECT id FROM effect))
  SELECT job_ids || coalesce(array_agg(recorded.id), '{}') INTO job_ids FROM recorded;

  -- 4. Whom to tell.
  WITH event AS MATERIALIZED (
    SELECT e.id, e.incident_id, e.quiet, CASE e.kind WHEN 'occurred' THEN 'raised' ELSE e.kind END AS kind, i.state, i.caused_by,
      (i.details ->> 'channel_id')::bigint AS failing_id, i.kind AS incident_kind, i.severity, coalesce(p.owner, t.owner) AS owner,
      coalesce(p.tags, '{}') AS tags, p.pipeline_type_id
    FROM incident_event e JOIN incident i ON i.id = e.incident_id
    LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
    WHERE e.notify_job_id = p_job_id
      -- A later event has taken its place.
      AND NOT EXISTS (
        SELECT FROM incident_event next WHERE next.incident_id = e.incident_id AND next.id > e.id
          AND (next.kind = 'reopened' OR next.kind = 'resolved' AND e.kind <> 'resolved'))),
  receiver AS MATERIALIZED (
    SELECT c.id, c.name, c.kind, c.kind = ANY (p_pagers) AS is_pager, c.kind = ANY (p_singles) AS is_single, c.kind = ANY (p_sweepers) AS is_sweeper, c.min_severity, c.kinds, c.owners,
      c.tags, c.pipeline_type_ids, c.send_resolved
    FROM channel c WHERE c.active
    UNION ALL
    SELECT 0, p_environment, p_environment, false, false, false, NULL, NULL, NULL, NULL, NULL, true
    WHERE p_environment <> 'log' OR NOT EXISTS (SELECT FROM channel c WHERE c.active)),
  -- Which causes a channel's filters let through: the same conditions as below, where a join of thousands of events would be a loop.
  cause AS MATERIALIZED (
    SELECT i.id, i.kind, i.state, i.severity, coalesce(p.owner, t.owner) AS owner, coalesce(p.tags, '{}') AS tags, p.pipeline_type_id
    FROM incident i LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
    WHERE i.id IN (SELECT e.caused_by FROM event e)),
  takes AS MATERIALIZED (
    SELECT r.id AS channel_id, s.id AS incident_id FROM receiver r CROSS JOIN cause s
    -- What somebody has, people do not hear of.
    WHERE (r.is_pager OR s.state = 'open') AND (r.min_severity IS DISTINCT FROM 'critical' OR s.severity = 'critical') AND (r.kinds IS NULL OR s.kind = ANY (r.kinds))
      AND (r.owners IS NULL OR s.owner = ANY (r.owners)) AND (r.tags IS NULL OR s.tags && r.tags)
      AND (r.pipeline_type_ids IS NULL OR s.pipeline_type_id = ANY (r.pipeline_type_ids))),
  wanted AS MATERIALIZED (
    SELECT r.id AS channel_id, e.caused_by, r.name, e.id AS event_id, e.incident_id,
      CASE WHEN e.kind = 'raised' AND last.event IS NULL THEN 'opened' ELSE e.kind END AS event,
      r.is_single, r.is_sweeper, last.sweep_id,
      NOT r.is_single AND coalesce(r.min_severity, 'warning') = 'warning'
        AND num_nonnulls(r.kinds, r.owners, r.tags, r.pipeline_type_ids) = 0 AS is_unfiltered
    FROM event e CROSS JOIN receiver r
    -- What this channel was last told of the incident, if that arrived or still may.
    LEFT JOIN LATERAL (
      SELECT n.event, n.sweep_id, n.incident_event_id FROM notification n LEFT JOIN job j ON j.id = n.job_id
      WHERE n.incident_id = e.incident_id AND n.channel_id = r.id AND n.state <> 'dropped' AND j.state IS DISTINCT FROM 'failed'
        AND n.event <> 'acknowledged'
      ORDER BY n.id DESC LIMIT 1) last ON true
    -- An event that comes here again, because its cause is over, is news only to those who have not heard of it.
    WHERE NOT EXISTS (SELECT FROM notification n WHERE n.incident_event_id = e.id AND n.channel_id = r.id)
      -- A failing channel is told of through the others.
      AND e.failing_id IS DISTINCT FROM r.id AND CASE
      WHEN e.kind = 'resolved' THEN last.event <> 'resolved' AND r.send_resolved AND (r.is_pager OR NOT e.quiet)
      WHEN e.kind = 'acknowledged' AND last.event IS NOT NULL THEN r.is_pager AND last.event <> 'resolved'
      WHEN e.kind = 'acknowledged' AND NOT EXISTS (SELECT FROM event b WHERE b.incident_id = e.incident_id AND b.kind IN ('opened', 'reopened')) THEN false
      ELSE (r.is_pager OR e.state = 'open' AND e.kind <> 'acknowledged' OR e.kind = 'raised')
        AND (e.kind IN ('raised', 'acknowledged') OR last.event IS NULL OR last.event = 'resolved' OR NOT r.send_resolved
          -- Its end was not told.
          OR EXISTS (
            SELECT FROM incident_event q
            WHERE q.incident_id = e.incident_id AND q.kind = 'resolved' AND q.quiet AND q.id > last.incident_event_id AND q.id < e.id)
          -- It was told as one of many, whose common event has ended.
          OR last.sweep_id IS NOT NULL AND EXISTS (
            SELECT FROM notification n WHERE n.sweep_id = last.sweep_id AND n.channel_id = r.id AND n.event = 'resolved' AND n.state <> 'dropped'))
        AND (r.min_severity IS DISTINCT FROM 'critical' OR e.severity = 'critical') AND (r.kinds IS NULL OR e.incident_kind = ANY (r.kinds))
        AND (r.owners IS NULL OR e.owner = ANY (r.owners)) AND (r.tags IS NULL OR e.tags && r.tags)
        AND (r.pipeline_type_ids IS NULL OR e.pipeline_type_id = ANY (r.pipeline_type_ids))
      END),
  -- A channel that hears of the cause, or will when it may, does not hear of the effect.
  root AS MATERIALIZED (
    SELECT DISTINCT i.id FROM wanted w JOIN incident i ON i.id = w.caused_by AND i.resolved_at IS NULL WHERE w.event IN ('opened', 'reopened', 'raised')),
  hears AS MATERIALIZED (
    SELECT w.channel_id, w.incident_id FROM wanted w
    -- IS TRUE: a hashed lookup, also where the planner expects one row.
    WHERE w.event IN ('opened', 'reopened', 'raised') AND (w.incident_id IN (SELECT id FROM root)) IS TRUE
    UNION
    SELECT n.channel_id, n.incident_id FROM root JOIN notification n ON n.incident_id = root.id LEFT JOIN job j ON j.id = n.job_id
    WHERE n.state <> 'dropped' AND j.state IS DISTINCT FROM 'failed'
    UNION
    SELECT k.channel_id, e.incident_id FROM root JOIN incident_event e ON e.incident_id = root.id JOIN job j ON j.id = e.notify_job_id
    JOIN takes k ON k.incident_id = root.id
    -- Its own job may be claimed already, and wait for this one.
    WHERE e.kind IN ('opened', 'reopened') AND (j.state = 'waiting' OR j.state = 'running' AND j.id <> p_job_id)),
  folded AS MATERIALIZED (
    SELECT w.event_id, w.channel_id, w.incident_id, w.caused_by FROM wanted w
    JOIN hears h ON h.channel_id = w.channel_id AND h.incident_id = w.caused_by
    WHERE w.event IN ('opened', 'reopened', 'raised')),
  unfolded AS MATERIALIZED (
    SELECT w.*, w.event IN ('opened', 'reopened', 'raised') AS begins FROM wanted w
    -- Hashed look-ups, as above.
    WHERE NOT ((w.channel_id, w.event_id) IN (SELECT f.channel_id, f.event_id FROM folded f))
      AND (w.event <> 'acknowledged' OR NOT ((w.channel_id, w.incident_id) IN (SELECT f.channel_id, f.incident_id FROM folded f)))),
  -- What belongs into one message has the same `part`.
  told AS MATERIALIZED (
    SELECT u.*, CASE
      WHEN NOT u.is_single THEN CASE u.event WHEN 'resolved' THEN 'resolved' ELSE 'open' END
      WHEN u.sweep_id IS NOT NULL AND (NOT u.begins OR u.event = 'raised') THEN 'sweep ' || u.sweep_id
      WHEN u.is_sweeper AND u.begins AND count(*) FILTER (WHERE u.begins) OVER (PARTITION BY u.channel_id) > 20 THEN 'sweep'
      ELSE 'event ' || u.event_id END AS part
    FROM unfolded u
    -- Of incidents that were told as one, only the end of the last is told.
    WHERE u.begins OR u.sweep_id IS NULL OR u.event = 'resolved' AND NOT EXISTS (
      SELECT FROM notification n JOIN incident x ON x.id = n.incident_id
      WHERE n.sweep_id = u.sweep_id AND n.channel_id = u.channel_id AND n.state <> 'dropped' AND (x.resolved_at IS NULL OR n.event = 'resolved'))),
  noted AS (
    INSERT INTO incident_event (incident_id, kind, at, text)
    SELECT DISTINCT f.incident_id, 'folded', p_now, 'under incident ' || f.caused_by FROM folded f),
  message AS MATERIALIZED (
    SELECT m.*, CASE WHEN m.part = 'sweep' THEN m.job_id WHEN m.part LIKE 'sweep %' THEN m.earlier_id END AS sweep_id
    FROM (
      SELECT t.channel_id, t.part, bool_and(t.is_unfiltered) AS is_unfiltered, min(t.sweep_id) AS earlier_id,
        nextval(pg_get_serial_sequence('job', 'id')) AS job_id
      FROM told t GROUP BY t.channel_id, t.part) m),
  recorded AS (
    INSERT INTO job (id, kind, payload, created_at, due_at) OVERRIDING SYSTEM VALUE
    SELECT m.job_id, 'send_alert', jsonb_build_object('channel_id', m.channel_id,
      'alerts', CASE WHEN m.is_unfiltered AND m.part = 'open' THEN v_alerts ELSE '[]' END,
      'sweep', m.sweep_id), p_now, p_now
    FROM message m ORDER BY m.job_id),
  written AS (
    INSERT INTO notification (channel_id, channel_name, incident_id, incident_event_id, event, job_id, sweep_id, created_at)
    SELECT t.channel_id, t.name, t.incident_id, t.event_id, t.event, m.job_id, m.sweep_id, p_now
    FROM told t JOIN message m ON m.channel_id = t.channel_id AND m.part = t.part
    ORDER BY t.event_id, t.channel_id)
  SELECT array_agg(m.job_id ORDER BY m.job_id) INTO v_sent_ids FROM message m;

  UPDATE job j SET state = 'succeeded', error = NULL, finished_at = p_finished_at + (clock_timestamp() - v_begun) WHERE j.id = p_job_id;
  job_ids := job_ids || coalesce(v_sent_ids, '{}');
END
$$;
