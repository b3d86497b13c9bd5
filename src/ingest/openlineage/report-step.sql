-- Looks again whether a step of the run p_execution_id has failed, and notes it. A run that has succeeded with a failed step is no clean success:
-- people must know that a part of the work was not done.
CREATE FUNCTION :report_failed_step(p_execution_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_run pipeline_execution;
BEGIN
  UPDATE pipeline_execution e SET has_failed_step = NOT e.has_failed_step
  WHERE e.id = p_execution_id AND NOT EXISTS (SELECT FROM pipeline p WHERE p.id = e.pipeline_id AND p.is_step)
    AND e.has_failed_step <> ((SELECT s.id FROM :failed_step(p_execution_id) s) IS NOT NULL)
  RETURNING * INTO v_run;
  IF v_run.completed_successfully THEN
    PERFORM :reconcile_failures(v_run.pipeline_id, p_now);
  END IF;
END
$$;
