-- Judges scheduled times and ends the job p_job_id. p_plans is a list of {pipeline_id, from_read, slot_read, schedule, is_interval, slots:
-- [{at, from}], next_slot, next_check}: the times that are due, and what comes next. A time is missed if no run of the pipeline has started at
-- `from` or later: this time's run or any later one's. A run may say which time of a cron it covers (scheduled_for); an interval counts starts.
-- A start that a wrong clock has dated far ahead covers nothing yet. Nothing happens to a pipeline whose schedule has changed since it was read
-- (from_read, slot_read). It also resolves what a run has covered meanwhile.
-- p_away_from: nobody has checked since then, because Watcher was away; one incident about Watcher itself says so.
-- It records a job for each minute until the next tick in which a time becomes due, and with p_continues one for the rest, which tells people of
-- all. Returns the ids of
-- the recorded jobs, or null if this attempt no longer holds the job.
CREATE FUNCTION :judge_schedules(
  p_job_id bigint, p_attempt integer, p_plans jsonb, p_away_from timestamptz, p_continues boolean, p_now timestamptz, p_finished_at timestamptz,
  OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_begun timestamptz := clock_timestamp();
  v_missed integer;
  v_payload jsonb;
  v_notify_id bigint;
  v_first_id bigint;
BEGIN
  SELECT j.payload INTO v_payload FROM job j WHERE j.id = p_job_id AND j.state = 'running' AND j.attempts = p_attempt FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  WITH plan AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(p_plans) AS plan(
      pipeline_id bigint, from_read timestamptz, slot_read timestamptz, schedule text, is_interval boolean, slots jsonb, next_slot timestamptz, next_check timestamptz)),
  moved AS (
    UPDATE pipeline p SET schedule_slot_at = plan.next_slot, check_at = plan.next_check
    FROM plan
    WHERE p.id = plan.pipeline_id AND p.schedule_from = plan.from_read AND p.schedule_slot_at IS NOT DISTINCT FROM plan.slot_read
      AND p.check_at <= p_now
    RETURNING p.id, plan.schedule, plan.is_interval, plan.slots),
  missed AS MATERIALIZED (
    SELECT m.id, m.schedule, s.at, s."from"
    FROM moved m CROSS JOIN LATERAL jsonb_to_recordset(m.slots) AS s(at timestamptz, "from" timestamptz)
    WHERE NOT EXISTS (
        SELECT FROM pipeline_execution e
        WHERE e.pipeline_id = m.id AND e.start_date >= s."from" AND e.start_date <= p_now + interval '1 hour'
          AND (e.scheduled_for IS NULL OR m.is_interval) AND NOT e.is_placeholder)
      AND NOT (NOT m.is_interval AND EXISTS (SELECT FROM pipeline_execution e WHERE e.pipeline_id = m.id AND e.scheduled_for >= s."from"))
    ORDER BY m.id, s.at)
  SELECT count(o.id) INTO v_missed
  FROM missed m CROSS JOIN LATERAL :open_incident(
    p_pipeline_id => m.id, p_kind => 'missed', p_subject => '', p_severity => NULL, p_opened_at => m.at, p_execution_id => NULL,
    p_occurrences => 1, p_last_success_at => NULL,
    -- The run of an earlier time that still goes on is why a scheduler begins no other.
    p_details => jsonb_build_object('slot', m.at, 'covers_from', m."from", 'schedule', m.schedule, 'running_since', (
      SELECT last.start_date FROM (
        SELECT e.start_date, e.end_date FROM pipeline_execution e WHERE e.pipeline_id = m.id ORDER BY e.start_date DESC LIMIT 1) last
      WHERE last.end_date IS NULL)),
    p_now => p_now) o;
  PERFORM :resolve_incident(i.id, 'auto', 'A run has started', p_now)
  FROM incident i JOIN pipeline p ON p.id = i.pipeline_id
  WHERE i.kind = 'missed' AND i.resolved_at IS NULL AND EXISTS (
    SELECT FROM pipeline_execution e
    WHERE e.pipeline_id = i.pipeline_id AND NOT e.is_placeholder
      AND CASE WHEN p.schedule_number IS NULL THEN coalesce(e.scheduled_for, e.start_date) ELSE e.start_date END
        >= (i.details ->> 'covers_from')::timestamptz
      AND (e.scheduled_for IS NOT NULL OR e.start_date <= p_now + interval '1 hour')
      AND (e.start_date >= (i.details ->> 'covers_from')::timestamptz OR e.scheduled_for IS NOT NULL));
  IF v_payload ? 'away_from' THEN
    NULL; -- The first part of this check has said that Watcher was away.
  ELSIF p_away_from IS NULL THEN
    PERFORM :resolve_incident(i.id, 'auto', 'The checks run again', p_now)
    FROM incident i WHERE i.pipeline_id IS NULL AND i.kind = 'queue' AND i.subject = 'tick' AND i.resolved_at IS NULL;
  ELSE
    PERFORM :open_absence(p_away_from, p_now);
  END IF;
  -- All parts of a check are told as one: those after the first add what they found to the first one's job, and the last has it begin. If the
  -- rest never came, it would begin by itself.
  v_notify_id := :notify_job(p_now);
  SELECT j.id INTO v_first_id FROM job j
  WHERE j.id = (v_payload ->> 'notify_job_id')::bigint AND j.state = 'waiting' AND j.attempts = 0 FOR UPDATE;
  IF v_first_id IS NOT NULL AND v_notify_id IS NOT NULL THEN
    UPDATE incident_event e SET notify_job_id = v_first_id WHERE e.notify_job_id = v_notify_id;
    DELETE FROM job j WHERE j.id = v_notify_id;
  END IF;
  v_notify_id := coalesce(v_first_id, v_notify_id);
  UPDATE job j SET due_at = p_now + CASE WHEN p_continues THEN interval '2 minutes' ELSE interval '0' END WHERE j.id = v_notify_id;
  job_ids := CASE WHEN p_continues OR v_notify_id IS NULL THEN '{}' ELSE ARRAY[v_notify_id] END;

  WITH continued AS (
    INSERT INTO job (kind, payload, created_at, due_at) 
    SELECT 'check_schedules', jsonb_strip_nulls(jsonb_build_object('away_from', p_away_from, 'notify_job_id', v_notify_id)), p_now, p_now WHERE p_continues RETURNING id),
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
