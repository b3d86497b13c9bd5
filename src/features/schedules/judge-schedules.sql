-- Judges scheduled times and ends the job p_job_id. p_plans is a list of {pipeline_id, slot_read, schedule, slots: [{at, from}], next_slot,
-- next_check}: the times that are due, and what comes next. A time is missed if no run of the pipeline has started at `from` or later: this
-- time's run or any later one's. Nothing happens to a pipeline whose schedule has changed since it was read (slot_read). It also resolves
-- what a run has covered meanwhile.
-- p_away_from: nobody has checked since then, because Watcher was away; one incident about Watcher itself says so.
-- It records a job for each minute until the next tick in which a time becomes due, and with p_continues one for the rest. Returns the ids of
-- the recorded jobs, or null if this attempt no longer holds the job.
CREATE FUNCTION :judge_schedules(
  p_job_id bigint, p_attempt integer, p_plans jsonb, p_away_from timestamptz, p_continues boolean, p_now timestamptz, p_finished_at timestamptz,
  OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_begun timestamptz := clock_timestamp();
  v_missed integer;
BEGIN
  PERFORM FROM job j WHERE j.id = p_job_id AND j.state = 'running' AND j.attempts = p_attempt FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  WITH plan AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(p_plans) AS plan(
      pipeline_id bigint, slot_read timestamptz, schedule text, slots jsonb, next_slot timestamptz, next_check timestamptz)),
  moved AS (
    UPDATE pipeline p SET schedule_slot_at = plan.next_slot, check_at = plan.next_check
    FROM plan WHERE p.id = plan.pipeline_id AND p.schedule_slot_at IS NOT DISTINCT FROM plan.slot_read AND p.check_at <= p_now
    RETURNING p.id, plan.schedule, plan.slots),
  missed AS MATERIALIZED (
    SELECT m.id, m.schedule, s.at, s."from"
    FROM moved m CROSS JOIN LATERAL jsonb_to_recordset(m.slots) AS s(at timestamptz, "from" timestamptz)
    WHERE NOT EXISTS (
        SELECT FROM pipeline_execution e WHERE e.pipeline_id = m.id AND e.start_date >= s."from" AND e.scheduled_for IS NULL AND NOT e.is_placeholder)
      AND NOT EXISTS (SELECT FROM pipeline_execution e WHERE e.pipeline_id = m.id AND e.scheduled_for >= s."from")
    ORDER BY m.id, s.at)
  SELECT count(o.id) INTO v_missed
  FROM missed m CROSS JOIN LATERAL :open_incident(
    p_pipeline_id => m.id, p_kind => 'missed', p_subject => '', p_severity => NULL, p_opened_at => m.at, p_execution_id => NULL,
    p_occurrences => 1, p_last_success_at => NULL,
    p_details => jsonb_build_object('slot', m.at, 'covers_from', m."from", 'schedule', m.schedule), p_now => p_now) o;
  PERFORM :resolve_incident(i.id, 'auto', 'A run has started', p_now)
  FROM incident i
  WHERE i.kind = 'missed' AND i.resolved_at IS NULL AND EXISTS (
    SELECT FROM pipeline_execution e WHERE e.pipeline_id = i.pipeline_id AND coalesce(e.scheduled_for, e.start_date) >= (i.details ->> 'covers_from')::timestamptz
      AND (e.start_date >= (i.details ->> 'covers_from')::timestamptz OR e.scheduled_for IS NOT NULL) AND NOT e.is_placeholder);
  IF p_away_from IS NULL THEN
    PERFORM :resolve_incident(i.id, 'auto', 'The checks run again', p_now)
    FROM incident i WHERE i.pipeline_id IS NULL AND i.kind = 'queue' AND i.subject = 'tick' AND i.resolved_at IS NULL;
  ELSE
    PERFORM :open_incident(
      p_pipeline_id => NULL, p_kind => 'queue', p_subject => 'tick', p_severity => 'warning', p_opened_at => p_away_from, p_execution_id => NULL,
      p_occurrences => 1, p_last_success_at => NULL, p_details => jsonb_build_object('from', p_away_from, 'to', p_now), p_now => p_now);
  END IF;
  job_ids := array_remove(ARRAY[:notify_job(p_now)], NULL);

  WITH continued AS (
    INSERT INTO job (kind, payload, created_at, due_at) SELECT 'check_schedules', '{}', p_now, p_now WHERE p_continues RETURNING id),
  ahead AS (
    SELECT :request_deadline(minute.at, p_now) AS id
    FROM (
      SELECT min(p.check_at) AS at FROM pipeline p
      WHERE p.check_at > p_now AND p.check_at <= p_now + interval '15 minutes' GROUP BY date_trunc('minute', p.check_at) ORDER BY 1 OFFSET 0) minute)
  SELECT job_ids || coalesce(array_agg(r.id), '{}') INTO job_ids
  FROM (SELECT c.id FROM continued c UNION ALL SELECT a.id FROM ahead a WHERE a.id IS NOT NULL) r;
  UPDATE job j SET state = 'succeeded', error = NULL, finished_at = p_finished_at + (clock_timestamp() - v_begun) WHERE j.id = p_job_id;
END
$$;
