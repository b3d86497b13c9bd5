-- The execution of a run, and its row locked: FOR UPDATE, or, of a parent (p_is_parent) that is no placeholder, FOR SHARE. A run that is new is made: a placeholder
-- until an event of its own comes.
CREATE FUNCTION :find_openlineage_run(
  p_pipeline_id bigint, p_key text, p_run_id text, p_at timestamptz, p_is_parent boolean, p_now timestamptz)
RETURNS openlineage_run
LANGUAGE plpgsql AS $$
DECLARE
  v_run openlineage_run;
BEGIN
  LOOP
    -- Parts of one run do not wait for each other, but while it is a placeholder each of them may write it.
    IF p_is_parent AND EXISTS (SELECT FROM openlineage_run r WHERE r.pipeline_id = p_pipeline_id AND r.key = p_key AND r.facts ? 'first') THEN
      SELECT * INTO v_run FROM openlineage_run r WHERE r.pipeline_id = p_pipeline_id AND r.key = p_key FOR SHARE;
    ELSE
      SELECT * INTO v_run FROM openlineage_run r WHERE r.pipeline_id = p_pipeline_id AND r.key = p_key FOR UPDATE;
    END IF;
    EXIT WHEN FOUND;
    -- First the key, then the execution: of two that come at once the second one waits here for the first.
    INSERT INTO openlineage_run (pipeline_id, key, facts) VALUES (p_pipeline_id, p_key, '{}') ON CONFLICT DO NOTHING;
    CONTINUE WHEN NOT FOUND;
    INSERT INTO pipeline_execution (pipeline_id, start_date, full_load, is_placeholder, openlineage, created_at)
    SELECT p_pipeline_id, p_at, p.full_load, true, jsonb_build_object('run_id', p_run_id), p_now FROM pipeline p WHERE p.id = p_pipeline_id
    RETURNING id INTO v_run.execution_id;
    INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth) VALUES (v_run.execution_id, v_run.execution_id, 0);
    IF p_at < p_now - interval '30 minutes' THEN
      INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date) VALUES (p_pipeline_id, v_run.execution_id, p_at);
    END IF;
    UPDATE openlineage_run r SET execution_id = v_run.execution_id WHERE r.pipeline_id = p_pipeline_id AND r.key = p_key RETURNING * INTO v_run;
    EXIT;
  END LOOP;
  RETURN v_run;
END
$$;
