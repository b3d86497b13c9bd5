-- Begins to send the notifications of the job p_job_id to the channel p_channel_id (0: the channel of the environment). `outcome` is
-- `send`, with what is needed for it; `wait` (an earlier message about one of these incidents is still on its way to this channel:
-- the order is kept); or `nothing` (all are dropped: the incident is over, or the channel is gone).
CREATE FUNCTION :begin_sending(
  p_job_id bigint, p_channel_id bigint, p_now timestamptz,
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

  -- "Resolved" makes no sense to whom nothing was told.
  UPDATE notification n SET state = 'dropped'
  WHERE n.job_id = p_job_id AND n.event = 'resolved' AND n.state = 'waiting' AND 'failed' = (
    SELECT j.state FROM notification before JOIN job j ON j.id = before.job_id
    WHERE before.incident_id = n.incident_id AND before.channel_id = n.channel_id AND before.id < n.id AND before.state <> 'dropped'
    ORDER BY before.id DESC LIMIT 1);

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
  SELECT jsonb_agg(to_jsonb(told) ORDER BY told.notification_id) INTO notifications
  FROM (
    SELECT n.id AS notification_id, n.event, e.at, e.by, e.text, i.id, i.kind, i.subject, i.severity, i.state, i.pipeline_id,
      p.name AS pipeline_name, coalesce(p.owner, t.owner) AS owner, coalesce(p.runbook_url, t.runbook_url) AS runbook_url,
      i.opened_at, i.detected_at, i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolved_by, i.occurrences,
      i.last_occurrence_at, i.first_execution_id, i.last_execution_id, i.last_success_at, i.details, i.caused_by,
      -- Pipelines that read what this one writes, at any distance: index scans on the closure.
      CASE WHEN row_number() OVER (ORDER BY n.id) <= 20 THEN (
        SELECT count(DISTINCT reader.pipeline_id) FROM (SELECT DISTINCT w.target_address_id FROM address_lineage w WHERE w.pipeline_id = i.pipeline_id) written
        JOIN address_lineage_closure c ON c.source_address_id = written.target_address_id
        JOIN address_lineage reader ON reader.source_address_id = c.target_address_id
        WHERE reader.pipeline_id <> i.pipeline_id) END AS downstream
    FROM notification n JOIN incident_event e ON e.id = n.incident_event_id JOIN incident i ON i.id = n.incident_id
    LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
    WHERE n.job_id = p_job_id AND n.state <> 'dropped') told;
END
$$;
