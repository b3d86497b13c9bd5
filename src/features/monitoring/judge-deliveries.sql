-- Opens and resolves the incidents of Watcher itself that are about what failed for good: the subject `failed_jobs` while jobs failed in the last
-- 24 hours, and `channel <id>` for a channel that is failing (0 is the channel of the environment). What a person has resolved opens again
-- only when more jobs fail, or when the channel has worked meanwhile. Returns the job that tells people, or null.
CREATE FUNCTION :judge_deliveries(p_environment text, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_failed jsonb;
  v_total bigint;
  v_known bigint;
BEGIN
  -- Index Scan on job_failed: people replay failed jobs, and the cleanup deletes them.
  SELECT coalesce(jsonb_object_agg(f.kind, f.count), '{}'), coalesce(sum(f.count), 0) INTO v_failed, v_total
  FROM (SELECT j.kind, count(*) FROM job j WHERE j.state = 'failed' AND j.finished_at > p_now - interval '24 hours' GROUP BY j.kind) f;
  SELECT (i.details ->> 'total_failed')::bigint INTO v_known FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'failed_jobs'
    AND (i.resolved_at IS NULL OR i.resolved_by <> 'auto' AND i.resolved_at > p_now - interval '24 hours')
  ORDER BY i.id DESC LIMIT 1;
  IF v_total > coalesce(v_known, 0) THEN
    PERFORM :open_incident(
      p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'failed_jobs', p_severity => 'warning', p_opened_at => p_now, p_execution_id => NULL,
      p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('total_failed', v_total, 'failed', v_failed), p_now => p_now);
  ELSIF v_total = 0 THEN
    PERFORM :resolve_incident(i.id, 'auto', 'No job has failed in the last 24 hours', p_now)
    FROM incident i
    WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'failed_jobs' AND i.resolved_at IS NULL;
  END IF;

  PERFORM CASE WHEN r.is_failing THEN (
      SELECT o.id FROM :open_incident(
        p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'channel ' || r.id, p_severity => 'warning', p_opened_at => p_now, p_execution_id => NULL,
        p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('channel_id', r.id, 'channel_name', r.name), p_now => p_now) o)
    ELSE (SELECT 0 WHERE :resolve_incident(r.incident_id, 'auto', 'The channel takes messages again', p_now)) END
  FROM (
    SELECT c.id, c.name, c.active AND :channel_is_failing(c.id) AS is_failing, i.id AS incident_id, i.resolved_by
    FROM (SELECT c.id, c.name, c.active FROM channel c UNION ALL SELECT 0, p_environment, true) c
    LEFT JOIN LATERAL (
      SELECT i.id, i.resolved_at, i.resolved_by FROM incident i
      WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'channel ' || c.id
      ORDER BY i.id DESC LIMIT 1) i ON true) r
  -- It fails and there is no incident, or there is one and it works.
  WHERE r.is_failing AND (r.incident_id IS NULL OR r.resolved_by = 'auto') OR NOT r.is_failing AND r.incident_id IS NOT NULL AND r.resolved_by IS NULL;
  RETURN :notify_job(p_now);
END
$$;
