-- Opens the incident that Watcher itself was away, unless it is open: nothing was checked from p_from to p_now.
CREATE FUNCTION :open_absence(p_from timestamptz, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM incident i WHERE coalesce(i.pipeline_id, 0) = 0 AND i.kind = 'queue' AND i.subject = 'tick' AND i.resolved_at IS NULL) THEN
    PERFORM :open_incident(
      p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'tick', p_severity => 'warning', p_opened_at => p_from, p_execution_id => NULL,
      p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('from', p_from, 'to', p_now), p_now => p_now);
  END IF;
END
$$;
