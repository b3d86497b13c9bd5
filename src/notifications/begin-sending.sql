-- Begins to send the notifications of the job p_job_id to the channel p_channel_id (0: the channel of the environment). `outcome` is
-- `send`, with what is needed for it; `wait` (an earlier message about one of these incidents is still on its way to this channel:
-- the order is kept); or `nothing` (all are dropped: the incident is over, or the channel is gone).
CREATE FUNCTION :begin_sending(
  p_job_id bigint, p_channel_id bigint,
  OUT outcome text, OUT channel jsonb, OUT notifications jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM notification n WHERE n.job_id = p_job_id AND n.state <> 'dropped' ORDER BY n.id FOR UPDATE;
  SELECT to_jsonb(c) INTO channel FROM channel c WHERE c.id = p_channel_id AND c.active;
  IF channel IS NULL AND p_channel_id <> 0 THEN
    UPDATE notification n SET state = 'dropped' WHERE n.job_id = p_job_id;
    outcome := 'nothing';
    RETURN;
  END IF;

  -- "Resolved" makes no sense to whom nothing was told since the last one.
  UPDATE notification n SET state = 'dropped'
  WHERE n.job_id = p_job_id AND n.event = 'resolved' AND n.state = 'waiting' AND 'resolved' = coalesce((
    SELECT before.event FROM notification before LEFT JOIN job j ON j.id = before.job_id
    WHERE before.incident_id = n.incident_id AND before.channel_id = n.channel_id AND before.id < n.id AND before.state <> 'dropped'
      AND before.event <> 'acknowledged' AND j.state IS DISTINCT FROM 'failed'
    ORDER BY before.id DESC LIMIT 1), 'resolved');
  -- Nor does the beginning of what is over, for whom no end follows: a replay, long after it had failed.
  UPDATE notification n SET state = 'dropped'
  WHERE n.job_id = p_job_id AND n.event IN ('opened', 'reopened', 'raised', 'reminded') AND n.state <> 'dropped'
    AND EXISTS (
      SELECT FROM incident i JOIN incident_event e ON e.incident_id = i.id AND e.kind = 'resolved' JOIN job told ON told.id = e.notify_job_id
      WHERE i.id = n.incident_id AND i.resolved_at IS NOT NULL AND e.id > n.incident_event_id AND told.state = 'succeeded'
        AND e.id = (SELECT max(last.id) FROM incident_event last WHERE last.incident_id = i.id AND last.kind = 'resolved'))
    AND NOT EXISTS (
      SELECT FROM notification r WHERE r.incident_id = n.incident_id AND r.channel_id = n.channel_id AND r.id > n.id AND r.event = 'resolved' AND r.state <> 'dropped')
    AND coalesce((channel ->> 'send_resolved')::boolean, true);

  IF EXISTS (
      SELECT FROM notification n
      JOIN notification before ON before.incident_id = n.incident_id AND before.channel_id = n.channel_id AND before.id < n.id
      JOIN job j ON j.id = before.job_id
      WHERE n.job_id = p_job_id AND n.state <> 'dropped' AND before.state <> 'dropped' AND before.job_id <> p_job_id
        AND j.state IN ('waiting', 'running')) THEN
    outcome := 'wait';
    RETURN;
  END IF;

  UPDATE notification n SET state = 'sending', attempts = n.attempts + 1 WHERE n.job_id = p_job_id AND n.state <> 'dropped';
  IF NOT FOUND THEN
    outcome := 'nothing';
    RETURN;
  END IF;
  outcome := 'send';
  SELECT jsonb_agg(:told_incident(n.incident_id) || jsonb_build_object(
      'notification_id', n.id, 'event', n.event, 'at', e.at, 'by', e.by, 'text', e.text) ORDER BY n.id) INTO notifications
  FROM notification n JOIN incident_event e ON e.id = n.incident_event_id
  WHERE n.job_id = p_job_id AND n.state <> 'dropped';
END
$$;
