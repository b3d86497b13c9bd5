-- Ends an execution: its metrics, and where it succeeded its pipeline's watermark, DML times and load_lineage, and the
-- job that looks for anomalies where the pipeline has an active rule. One that has ended stays as it is. Answers
-- whether it exists, whether this call ended it, the outcome it had before (none of them: the end lies before the start),
-- and the job, which the caller sends to the queue. Its predecessor end_pipeline_execution did not answer the job; it
-- stays for workers of the version before.
CREATE FUNCTION end_pipeline_execution_v2(
  p_id bigint, p_end_date timestamptz, p_succeeded boolean, p_inserts bigint, p_updates bigint, p_soft_deletes bigint, p_total_rows bigint,
  p_metadata jsonb, p_now timestamptz,
  OUT known boolean, OUT ended boolean, OUT outcome_before boolean, OUT job_id bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_execution pipeline_execution;
  v_duration bigint;
BEGIN
  ended := false;
  SELECT * INTO v_execution FROM pipeline_execution e WHERE e.id = p_id FOR NO KEY UPDATE;
  known := v_execution.id IS NOT NULL;
  outcome_before := v_execution.completed_successfully;
  -- Without an end the end is now; a client's clock may have put the start later than that.
  v_execution.end_date := coalesce(p_end_date, greatest(p_now, v_execution.start_date));
  IF NOT known OR outcome_before IS NOT NULL OR v_execution.end_date < v_execution.start_date THEN
    RETURN;
  END IF;

  v_duration := floor(extract(epoch FROM v_execution.end_date - v_execution.start_date));
  UPDATE pipeline_execution e SET
    end_date = v_execution.end_date, completed_successfully = p_succeeded, guards_start = false, inserts = p_inserts, updates = p_updates,
    soft_deletes = p_soft_deletes, total_rows = p_total_rows, duration_seconds = v_duration,
    throughput = p_total_rows::double precision / nullif(v_duration, 0),
    execution_metadata = CASE WHEN p_metadata IS NULL THEN e.execution_metadata ELSE coalesce(e.execution_metadata, '{}') || p_metadata END
  WHERE e.id = p_id;
  ended := true;
  IF NOT p_succeeded THEN
    RETURN;
  END IF;

  -- Runs of one pipeline end in any order; its row is locked only by those that change it.
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

  INSERT INTO job (kind, payload, created_at, due_at)
  SELECT 'detect_anomalies', jsonb_build_object('pipeline_id', v_execution.pipeline_id, 'pipeline_execution_id', p_id), p_now, p_now
  WHERE EXISTS (SELECT FROM anomaly_detection_rule r WHERE r.pipeline_id = v_execution.pipeline_id AND r.active)
  RETURNING job.id INTO job_id;
END
$$;
