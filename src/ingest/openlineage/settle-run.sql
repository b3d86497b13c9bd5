-- Writes to an execution what is known of its run (openlineage_run.facts), and does what follows from a change: all that a start and an end
-- through the API do, but for the watermark. A success that turns into a failure takes back what it did. Returns the ids of the recorded jobs.
-- The caller holds the lock of the run.
CREATE FUNCTION :settle_openlineage_run(p_execution_id bigint, p_now timestamptz) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  v_facts jsonb;
  v_old pipeline_execution;
  v_new pipeline_execution;
  v_pipeline pipeline;
  v_counts record;
  v_seconds numeric;
  v_limit interval;
  v_late_at timestamptz;
  v_job_id bigint;
  v_job_ids bigint[] := '{}';
BEGIN
  SELECT r.facts INTO v_facts FROM openlineage_run r WHERE r.execution_id = p_execution_id;
  SELECT * INTO v_old FROM pipeline_execution e WHERE e.id = p_execution_id FOR NO KEY UPDATE;
  IF v_facts ? 'failed' THEN
    -- A job that turns out to be a step meanwhile waits, and then sees this failure.
    SELECT * INTO v_pipeline FROM pipeline p WHERE p.id = v_old.pipeline_id FOR SHARE;
  ELSE
    SELECT * INTO v_pipeline FROM pipeline p WHERE p.id = v_old.pipeline_id;
  END IF;
  SELECT sum((d.facts -> 'rows' ->> 'v')::numeric) FILTER (WHERE d.is_output) AS rows,
    sum((d.facts -> 'bytes' ->> 'v')::numeric) FILTER (WHERE d.is_output) AS output_bytes,
    sum((d.facts -> 'rows' ->> 'v')::numeric) FILTER (WHERE NOT d.is_output) AS input_rows,
    sum((d.facts -> 'bytes' ->> 'v')::numeric) FILTER (WHERE NOT d.is_output) AS input_bytes INTO v_counts
  FROM openlineage_run_dataset d WHERE d.execution_id = p_execution_id;

  -- 1. What the run is now.
  v_new := v_old;
  v_new.is_placeholder := NOT v_facts ? 'first';
  v_new.end_date := (v_facts -> 'end' ->> 'v')::timestamptz;
  v_new.start_date := least(coalesce((v_facts -> 'start' ->> 'v')::timestamptz, (v_facts -> 'first' ->> 'v')::timestamptz, (v_facts -> 'named' ->> 'v')::timestamptz), v_new.end_date);
  v_new.completed_successfully := CASE WHEN v_new.end_date IS NOT NULL THEN NOT v_facts ? 'failed' END;
  v_new.total_rows := CASE WHEN v_counts.rows <= 9007199254740992 THEN v_counts.rows END;
  v_seconds := extract(epoch FROM v_new.end_date - v_new.start_date);
  v_new.duration_seconds := round(v_seconds);
  v_new.throughput := v_new.total_rows::double precision / nullif(v_seconds, 0)::double precision;
  v_new.scheduled_for := (v_facts -> 'nominal' ->> 'v')::timestamptz;
  v_new.execution_metadata := nullif(jsonb_strip_nulls(jsonb_build_object('error', v_facts -> 'error' -> 'v', 'output_bytes', v_counts.output_bytes,
    'input_rows', v_counts.input_rows, 'input_bytes', v_counts.input_bytes)), '{}');
  v_new.openlineage_facets := v_facts -> 'last' -> 'v';
  IF v_new IS DISTINCT FROM v_old THEN
    UPDATE pipeline_execution e SET
      is_placeholder = v_new.is_placeholder, start_date = v_new.start_date, end_date = v_new.end_date, completed_successfully = v_new.completed_successfully,
      total_rows = v_new.total_rows, duration_seconds = v_new.duration_seconds, throughput = v_new.throughput, scheduled_for = v_new.scheduled_for,
      execution_metadata = v_new.execution_metadata, openlineage_facets = v_new.openlineage_facets
    WHERE e.id = p_execution_id;
  END IF;
  -- The days on which it was and is counted: see features/pipeline-days/count.ts.
  IF least(v_old.start_date, v_new.start_date) < p_now - interval '30 minutes'
    AND (v_old.start_date, v_old.end_date, v_old.completed_successfully, v_old.total_rows)
      IS DISTINCT FROM (v_new.start_date, v_new.end_date, v_new.completed_successfully, v_new.total_rows) THEN
    INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date, is_end)
    SELECT DISTINCT v_old.pipeline_id, p_execution_id, m.at, v_new.end_date IS NOT NULL FROM unnest(ARRAY[v_old.start_date, v_new.start_date]) m(at)
    WHERE m.at < p_now - interval '30 minutes';
  END IF;

  -- 2. The last change of data, also by a step. A success that no longer holds takes its time back.
  IF v_old.completed_successfully AND v_old.total_rows > 0 AND v_pipeline.last_target_insert = v_old.end_date
    AND (NOT v_new.completed_successfully OR v_new.end_date < v_old.end_date OR v_new.total_rows IS NULL OR v_new.total_rows = 0) THEN
    UPDATE pipeline p SET last_target_insert = (
      SELECT max(e.end_date) FROM pipeline_execution e
      WHERE e.pipeline_id = v_pipeline.id AND e.completed_successfully AND (e.inserts > 0 OR e.openlineage IS NOT NULL AND e.total_rows > 0))
    WHERE p.id = v_pipeline.id;
  END IF;
  IF v_new.completed_successfully AND v_new.total_rows > 0 THEN
    UPDATE pipeline p SET last_target_insert = v_new.end_date
    WHERE p.id = v_pipeline.id AND v_new.end_date > coalesce(p.last_target_insert, '-infinity');
  END IF;

  -- 3. Parts that were aborted with it are no news.
  IF v_old.completed_successfully IS DISTINCT FROM v_new.completed_successfully THEN
    PERFORM :reconcile_failures(part.pipeline_id, p_now)
    FROM (
      SELECT DISTINCT e.pipeline_id FROM pipeline_execution e JOIN openlineage_run r ON r.execution_id = e.id
      WHERE e.parent_id = p_execution_id AND e.completed_successfully = false AND NOT r.facts ? 'fail' ORDER BY e.pipeline_id) part;
  END IF;

  -- 4. A step has no thresholds and no incidents of its own. Its failure is one of the run that it belongs to.
  IF v_pipeline.is_step THEN
    IF v_new.completed_successfully = false THEN
      PERFORM pg_advisory_xact_lock_shared(hashtextextended('openlineage parents', 0));
      PERFORM :report_failed_step(:whole_run((SELECT e.parent_id FROM pipeline_execution e WHERE e.id = p_execution_id)), p_now);
      v_job_ids := array_append(v_job_ids, :notify_job(p_now));
    END IF;
    RETURN array_remove(v_job_ids, NULL);
  END IF;
  IF v_new.is_placeholder THEN
    RETURN v_job_ids;
  END IF;

  -- 5. It has begun.
  IF v_old.is_placeholder THEN
    IF v_pipeline.check_at IS NOT NULL THEN
      PERFORM :resolve_incident(i.id, 'auto', 'Run ' || p_execution_id || ' has started', p_now)
      FROM incident i
      WHERE coalesce(i.pipeline_id, 0) = v_pipeline.id AND i.kind = 'missed' AND i.resolved_at IS NULL
        AND CASE WHEN v_pipeline.schedule_number IS NULL THEN coalesce(v_new.scheduled_for, v_new.start_date) ELSE v_new.start_date END
          >= (i.details ->> 'covers_from')::timestamptz;
    END IF;
    SELECT coalesce(p.timeliness_number, t.timeliness_number)
      * ('1 ' || CASE WHEN p.timeliness_number IS NULL THEN t.timeliness_datepart ELSE p.timeliness_datepart END)::interval INTO v_limit
    FROM pipeline p JOIN pipeline_type t ON t.id = p.pipeline_type_id WHERE p.id = v_pipeline.id;
    v_late_at := ((v_new.start_date AT TIME ZONE 'UTC') + v_limit) AT TIME ZONE 'UTC';
    IF v_late_at <= p_now + interval '15 minutes' AND v_late_at > p_now - interval '1 day' AND v_new.end_date IS NULL
      AND v_pipeline.active AND NOT v_pipeline.mute_timeliness_check AND NOT v_pipeline.is_streaming THEN
      v_job_ids := array_append(v_job_ids, :request_deadline(greatest(v_late_at, p_now + interval '1 second'), p_now));
    END IF;
  END IF;

  -- 6. A success that was none: what was flagged is withdrawn.
  IF v_old.completed_successfully AND NOT v_new.completed_successfully THEN
    DELETE FROM anomaly_detection_result f WHERE f.pipeline_execution_id = p_execution_id;
    PERFORM :settle_anomalies(v_pipeline.id, p_execution_id, '{}', 'Run ' || p_execution_id || ' has failed', p_now);
  END IF;

  -- 7. It has ended, or ended otherwise than was known: also an abort may turn out to be a failure.
  IF v_facts ? 'failed' OR (v_old.completed_successfully, v_old.end_date) IS DISTINCT FROM (v_new.completed_successfully, v_new.end_date) THEN
    IF v_new.completed_successfully THEN
      IF EXISTS (SELECT FROM pipeline_execution part WHERE part.parent_id = p_execution_id) THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('openlineage parents', 0));
        PERFORM :report_failed_step(p_execution_id, p_now);
      END IF;
      -- Not shared, as an end does: reconcile_failures takes it alone, and two that share it would wait for each other.
      PERFORM pg_advisory_xact_lock(hashtextextended('end of a run', v_pipeline.id));
    END IF;
    IF v_facts ? 'failed' AND NOT v_facts ? 'fail' THEN
      -- Whether it is news that a part was aborted depends on its run: nobody else changes that meanwhile.
      PERFORM FROM pipeline_execution e WHERE e.id = v_old.parent_id FOR SHARE;
    END IF;
    IF NOT v_new.completed_successfully OR v_old.completed_successfully IS NOT NULL
      OR (SELECT e.has_failed_step FROM pipeline_execution e WHERE e.id = p_execution_id)
      OR EXISTS (SELECT FROM incident i WHERE coalesce(i.pipeline_id, 0) = v_pipeline.id AND i.resolved_at IS NULL) THEN
      PERFORM :reconcile_failures(v_pipeline.id, p_now);
    END IF;
    IF v_new.completed_successfully AND EXISTS (
        SELECT FROM incident i WHERE coalesce(i.pipeline_id, 0) = v_pipeline.id AND i.kind IN ('late', 'stale') AND i.resolved_at IS NULL) THEN
      PERFORM :settle_incidents(v_pipeline.id, p_execution_id, v_new.start_date, v_new.end_date, p_now);
      PERFORM :reconcile_failures(v_pipeline.id, p_now);
    END IF;
    v_job_ids := array_append(v_job_ids, :notify_job(p_now));
  END IF;
  IF v_new.completed_successfully
    AND (v_old.completed_successfully, v_old.end_date, v_old.total_rows) IS DISTINCT FROM (true, v_new.end_date, v_new.total_rows) THEN
    INSERT INTO job (kind, payload, created_at, due_at)
    SELECT 'detect_anomalies', jsonb_build_object('pipeline_id', v_pipeline.id, 'pipeline_execution_id', p_execution_id), p_now, p_now
    WHERE EXISTS (SELECT FROM anomaly_detection_rule r WHERE r.pipeline_id = v_pipeline.id AND r.active)
    RETURNING job.id INTO v_job_id;
    v_job_ids := array_append(v_job_ids, v_job_id);
  END IF;
  RETURN array_remove(v_job_ids, NULL);
END
$$;
