-- Ends an execution and stores its metrics. If it succeeded, updates its pipeline's watermark, DML times and load_lineage, judges
-- the watermark, and records a job that detects anomalies if the pipeline has an active rule. It opens and resolves incidents. `outcome` is then
-- `ended`, with the ids of the recorded jobs; with p_tells one of them tells another service. With any other outcome nothing is written: `repeated` (the execution ended earlier, with this outcome),
-- `repeated_with_other_counts` (as `repeated`, but a given count differs from the stored one), `other_outcome` (it ended
-- earlier, with the other outcome), `before_start` (p_end_date is before start_date) or `unknown` (there is no such execution).
CREATE FUNCTION :end_pipeline_execution(
  p_id bigint, p_end_date timestamptz, p_succeeded boolean, p_inserts bigint, p_updates bigint, p_soft_deletes bigint, p_total_rows bigint,
  p_metadata jsonb, p_now timestamptz, p_tells boolean DEFAULT false,
  OUT outcome text, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_execution pipeline_execution;
  v_checked pipeline;
  v_has_check boolean;
  v_has_rule boolean;
  v_seconds numeric;
  v_has_news boolean := false;
  v_job_id bigint;
BEGIN
  SELECT * INTO v_execution FROM pipeline_execution e WHERE e.id = p_id FOR NO KEY UPDATE;
  IF v_execution.id IS NULL THEN
    outcome := 'unknown';
    RETURN;
  END IF;
  IF v_execution.completed_successfully IS NOT NULL THEN
    outcome := CASE
      WHEN v_execution.completed_successfully <> p_succeeded THEN 'other_outcome'
      WHEN p_inserts IS NOT NULL AND p_inserts IS DISTINCT FROM v_execution.inserts
        OR p_updates IS NOT NULL AND p_updates IS DISTINCT FROM v_execution.updates
        OR p_soft_deletes IS NOT NULL AND p_soft_deletes IS DISTINCT FROM v_execution.soft_deletes
        OR p_total_rows IS NOT NULL AND p_total_rows IS DISTINCT FROM v_execution.total_rows THEN 'repeated_with_other_counts'
      ELSE 'repeated' END;
    RETURN;
  END IF;
  -- Without p_end_date the end is now, or the start if a client's fast clock has put the start later than now.
  v_execution.end_date := coalesce(p_end_date, greatest(p_now, v_execution.start_date));
  IF v_execution.end_date < v_execution.start_date THEN
    outcome := 'before_start';
    RETURN;
  END IF;

  outcome := 'ended';
  v_seconds := extract(epoch FROM v_execution.end_date - v_execution.start_date);
  UPDATE pipeline_execution e SET
    end_date = v_execution.end_date, completed_successfully = p_succeeded, guards_start = false, inserts = p_inserts, updates = p_updates,
    soft_deletes = p_soft_deletes, total_rows = p_total_rows, duration_seconds = round(v_seconds),
    throughput = p_total_rows::double precision / nullif(v_seconds, 0)::double precision,
    execution_metadata = CASE WHEN p_metadata IS NULL THEN e.execution_metadata ELSE coalesce(e.execution_metadata, '{}') || p_metadata END
  WHERE e.id = p_id;
  -- The run may be counted already: see features/pipeline-days/count.ts.
  IF v_execution.start_date < p_now - interval '30 minutes' THEN
    INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date, is_end)
    VALUES (v_execution.pipeline_id, p_id, v_execution.start_date, true);
  END IF;
  IF p_tells THEN
    job_ids := ARRAY[:tell_run(p_id, 'END', p_now)];
  END IF;
  -- A failure and a success of one pipeline that end at once must see each other: the later one waits for the other's commit. Successes share.
  IF NOT p_succeeded THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('end of a run', v_execution.pipeline_id));
    PERFORM :report_failure(v_execution.pipeline_id, p_id, v_execution.end_date, p_now);
    job_ids := array_remove(job_ids || :notify_job(p_now), NULL);
    RETURN;
  END IF;

  -- Most pipelines have neither: one look-up, in the place of a statement for each.
  SELECT p.watermark_check IS NOT NULL, EXISTS (SELECT FROM anomaly_detection_rule r WHERE r.pipeline_id = p.id AND r.active)
  INTO v_has_check, v_has_rule FROM pipeline p WHERE p.id = v_execution.pipeline_id;
  IF v_has_check THEN
    SELECT * INTO v_checked FROM pipeline p WHERE p.id = v_execution.pipeline_id AND p.watermark_check IS NOT NULL FOR NO KEY UPDATE;
  END IF;
  -- Runs of one pipeline end in any order. Only a run that changes the pipeline's row, or whose watermark is judged, locks it.
  UPDATE pipeline p SET
    watermark = coalesce(v_execution.next_watermark, p.watermark),
    last_target_insert = CASE WHEN p_inserts > 0 THEN greatest(p.last_target_insert, v_execution.end_date) ELSE p.last_target_insert END,
    last_target_update = CASE WHEN p_updates > 0 THEN greatest(p.last_target_update, v_execution.end_date) ELSE p.last_target_update END,
    last_target_soft_delete =
      CASE WHEN p_soft_deletes > 0 THEN greatest(p.last_target_soft_delete, v_execution.end_date) ELSE p.last_target_soft_delete END,
    load_lineage = false
  WHERE p.id = v_execution.pipeline_id
    AND (p.load_lineage OR coalesce(v_execution.next_watermark, p.watermark) IS DISTINCT FROM p.watermark
      OR p_inserts > 0 AND v_execution.end_date > coalesce(p.last_target_insert, '-infinity')
      OR p_updates > 0 AND v_execution.end_date > coalesce(p.last_target_update, '-infinity')
      OR p_soft_deletes > 0 AND v_execution.end_date > coalesce(p.last_target_soft_delete, '-infinity'));

  PERFORM pg_advisory_xact_lock_shared(hashtextextended('end of a run', v_execution.pipeline_id));
  IF EXISTS (SELECT FROM incident i WHERE coalesce(i.pipeline_id, 0) = v_execution.pipeline_id AND i.resolved_at IS NULL) THEN
    PERFORM :settle_incidents(v_execution.pipeline_id, p_id, v_execution.start_date, v_execution.end_date, p_now);
    v_has_news := true;
  END IF;
  IF v_checked.id IS NOT NULL THEN
    PERFORM :judge_watermark(v_checked, v_execution, p_now);
    v_has_news := true;
  END IF;
  IF v_has_news THEN
    job_ids := array_remove(job_ids || :notify_job(p_now), NULL);
  END IF;

  IF v_has_rule THEN
    INSERT INTO job (kind, payload, created_at, due_at)
    VALUES ('detect_anomalies', jsonb_build_object('pipeline_id', v_execution.pipeline_id, 'pipeline_execution_id', p_id), p_now, p_now)
    RETURNING job.id INTO v_job_id;
    job_ids := job_ids || v_job_id;
  END IF;
END
$$;
