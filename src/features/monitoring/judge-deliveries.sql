-- Opens and resolves the incidents of Watcher itself that are about what failed for good: the subject `failed_jobs` while jobs failed in the last
-- 24 hours, and `channel <id>` for a channel that is failing (0 is the channel of the environment). What a person has resolved opens again
-- only when another job fails, or when the channel has worked and fails again. Returns the job that tells people, or null.
CREATE FUNCTION :judge_deliveries(p_environment text, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_incident incident;
  v_failed jsonb;
  v_total bigint;
  v_checked timestamptz;
BEGIN
  SELECT * INTO v_incident FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'failed_jobs' ORDER BY i.id DESC LIMIT 1;
  -- Index Scan on job_failed: people replay failed jobs, and the cleanup deletes them.
  SELECT coalesce(jsonb_object_agg(f.kind, f.count), '{}'), coalesce(sum(f.count), 0) INTO v_failed, v_total
  FROM (
    SELECT j.kind, count(*) FROM job j
    WHERE j.state = 'failed' AND j.finished_at > p_now - interval '24 hours'
      AND (v_incident.resolved_by IS NULL OR v_incident.resolved_by = 'auto' OR j.finished_at > v_incident.resolved_at)
    GROUP BY j.kind) f;
  IF v_total > (CASE WHEN v_incident.resolved_at IS NULL THEN coalesce((v_incident.details ->> 'total_failed')::bigint, 0) ELSE 0 END) THEN
    PERFORM :open_incident(
      p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'failed_jobs', p_severity => 'warning', p_opened_at => p_now, p_execution_id => NULL,
      p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('total_failed', v_total, 'failed', v_failed), p_now => p_now);
  ELSIF v_total = 0 AND v_incident.id IS NOT NULL AND v_incident.resolved_at IS NULL THEN
    PERFORM :resolve_incident(v_incident.id, 'auto', 'No job has failed in the last 24 hours', p_now);
  ELSIF v_incident.resolved_at IS NULL AND v_failed IS DISTINCT FROM v_incident.details -> 'failed' THEN
    UPDATE incident i SET details = jsonb_build_object('total_failed', v_total, 'failed', v_failed) WHERE i.id = v_incident.id;
  END IF;

  -- Nothing was checked for two ticks: the ticks were silent, or the queue is. The next check of schedules ends it.
  SELECT max(j.finished_at) INTO v_checked FROM job j WHERE j.kind = 'check_schedules' AND j.finished_at IS NOT NULL AND j.state = 'succeeded';
  IF v_checked < p_now - interval '30 minutes' THEN
    PERFORM :open_absence(v_checked, p_now);
  END IF;

  PERFORM :open_incident(
    p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'channel ' || r.id, p_severity => 'warning', p_opened_at => p_now, p_execution_id => NULL,
    p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('channel_id', r.id, 'channel_name', r.name), p_now => p_now)
  FROM (
    SELECT c.id, c.name FROM (SELECT c.id, c.name FROM channel c WHERE c.active UNION ALL SELECT 0, p_environment) c
    LEFT JOIN LATERAL (
      SELECT i.id, i.resolved_at, i.resolved_by FROM incident i
      WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'channel ' || c.id
      ORDER BY i.id DESC LIMIT 1) last ON true
    WHERE :channel_is_failing(c.id) AND (last.id IS NULL OR last.resolved_by = 'auto' OR EXISTS (
      SELECT FROM notification n JOIN job j ON j.id = n.job_id
      WHERE n.channel_id = c.id AND j.state = 'succeeded' AND j.finished_at > last.resolved_at))
    OFFSET 0) r;
  -- A channel that still tries, or that has nothing to send, has not come right.
  PERFORM :resolve_incident(r.id, 'auto', CASE WHEN r.has_worked THEN 'The channel takes messages again' ELSE 'The channel is no longer used' END, p_now)
  FROM (
    SELECT i.id, EXISTS (
        SELECT FROM notification n JOIN job j ON j.id = n.job_id
        WHERE n.channel_id = (i.details ->> 'channel_id')::bigint AND j.state = 'succeeded' AND j.finished_at > i.detected_at) AS has_worked,
      (i.details ->> 'channel_id')::bigint = 0 OR EXISTS (SELECT FROM channel c WHERE c.id = (i.details ->> 'channel_id')::bigint AND c.active) AS is_used
    FROM incident i
    WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.resolved_at IS NULL AND i.details ? 'channel_id' OFFSET 0) r
  WHERE r.has_worked OR NOT r.is_used;
  RETURN :notify_job(p_now);
END
$$;
