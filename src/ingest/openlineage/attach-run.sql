-- Notes that a run states another parent, and puts it there. The caller holds the locks of both runs. A run with parts moves alone: two that
-- move at once, one above the other, would each miss a part of the way. Runs without parts do not disturb each other.
CREATE FUNCTION :attach_openlineage_run(p_execution_id bigint, p_parent_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_old_parent bigint;
  v_ids bigint[];
BEGIN
  IF EXISTS (SELECT FROM openlineage_run r WHERE r.stated_parent_id = p_execution_id) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('openlineage parents', 0));
  ELSE
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('openlineage parents', 0));
  END IF;
  SELECT r.stated_parent_id INTO v_old_parent FROM openlineage_run r WHERE r.execution_id = p_execution_id;
  -- All that the old and the new parent lead to: a cycle that opens or closes is among them.
  WITH RECURSIVE above(id) AS (
    SELECT unnest(ARRAY[v_old_parent, p_parent_id])
    UNION
    SELECT o.stated_parent_id FROM above JOIN openlineage_run o ON o.execution_id = above.id)
  SELECT array_agg(above.id) INTO v_ids FROM above WHERE above.id IS NOT NULL;
  UPDATE openlineage_run r SET stated_parent_id = p_parent_id WHERE r.execution_id = p_execution_id;
  PERFORM :place_openlineage_runs(v_ids || p_execution_id);
  -- Failed steps may have come to another run.
  PERFORM :report_failed_step(whole.id, p_now)
  FROM (SELECT DISTINCT :whole_run(u.id) AS id FROM unnest(ARRAY[v_old_parent, p_parent_id] || v_ids || p_execution_id) u(id) OFFSET 0) whole;
  -- A part that was aborted is no news if its run has failed.
  PERFORM :reconcile_failures(moved.pipeline_id, p_now)
  FROM (
    SELECT DISTINCT e.pipeline_id FROM pipeline_execution e WHERE e.id = ANY (v_ids || p_execution_id) AND e.completed_successfully = false
    ORDER BY e.pipeline_id) moved;
END
$$;
