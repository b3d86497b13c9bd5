-- Records a ping: p_action is `start`, `success`, `fail` or `log`. `outcome` is `recorded`, `created` (with p_type_name the pipeline is made if
-- there is none; p_config_hash is that of its configuration), `unknown` or `ambiguous` (then names has the exact names, at most six).
--
-- p_rid pairs the pings of one run. Without it a start begins the run that the next success or failure ends; if one runs already, it is
-- ended as failed: superseded. A success or failure without a start is a run of length 0. With p_rid a repeat changes nothing, and the
-- first outcome stays. With p_tells the start and the end are told to another service. p_body is kept as the run's log; a failure's last lines say why it failed.
CREATE FUNCTION :ping(
  p_uuid uuid, p_slug text, p_action text, p_exit_status integer, p_rid text, p_type_name text, p_config_hash text, p_create_rules boolean,
  p_inserts bigint, p_updates bigint, p_soft_deletes bigint, p_total_rows bigint, p_watermark text, p_body text, p_now timestamptz,
  p_tells boolean,
  OUT outcome text, OUT names text[], OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids bigint[];
  v_pipeline_id bigint;
  v_key text := 'ping:' || p_rid;
  v_running_id bigint;
  v_id bigint;
  v_call record;
BEGIN
  SELECT array_agg(f.id), array_agg(f.name) INTO v_ids, names FROM :find_pinged(p_uuid, p_slug) f;
  outcome := 'recorded';
  IF cardinality(v_ids) > 1 THEN
    outcome := 'ambiguous';
    RETURN;
  ELSIF v_ids IS NULL AND (p_type_name IS NULL OR p_uuid IS NOT NULL) THEN
    outcome := 'unknown';
    RETURN;
  ELSIF v_ids IS NULL THEN
    SELECT * INTO v_call FROM :create_or_get_pipeline(p_name => p_slug, p_type_name => p_type_name, p_config => '{}', p_config_hash => p_config_hash,
      p_next_watermark => NULL, p_create_rules => p_create_rules, p_now => p_now);
    outcome := CASE v_call.outcome WHEN 'created' THEN 'created' ELSE outcome END;
    job_ids := v_call.job_ids;
    v_ids := ARRAY[v_call.id];
  END IF;
  names := NULL;
  v_pipeline_id := v_ids[1];

  IF p_rid IS NOT NULL THEN
    SELECT e.id INTO v_id FROM pipeline_execution e WHERE e.pipeline_id = v_pipeline_id AND e.idempotency_key = v_key;
  ELSE
    -- Pings of one pipeline without `rid` take turns: each must know which run is under way.
    INSERT INTO ping (pipeline_id) VALUES (v_pipeline_id) ON CONFLICT DO NOTHING;
    SELECT i.execution_id INTO v_running_id FROM ping i WHERE i.pipeline_id = v_pipeline_id FOR UPDATE;
    SELECT e.id INTO v_id FROM pipeline_execution e WHERE e.id = v_running_id AND e.end_date IS NULL;
    IF p_action = 'start' AND v_id IS NOT NULL THEN
      SELECT * INTO v_call FROM :end_pipeline_execution(p_id => v_id, p_end_date => NULL, p_succeeded => false, p_inserts => NULL, p_updates => NULL,
        p_soft_deletes => NULL, p_total_rows => NULL,
        p_metadata => '{"error": "superseded: another run has started before this one ended"}', p_now => p_now, p_tells => p_tells);
      job_ids := job_ids || v_call.job_ids;
      v_id := NULL;
    END IF;
  END IF;

  IF v_id IS NULL AND p_action <> 'log' THEN
    SELECT * INTO v_call FROM :start_pipeline_execution(
      p_pipeline_id => v_pipeline_id, p_pipeline_name => NULL, p_parent_id => NULL, p_start_date => p_now, p_guards_start => false,
      p_full_load => NULL, p_watermark => NULL, p_next_watermark => p_watermark, p_metadata => NULL, p_key => v_key, p_now => p_now, p_tells => p_tells);
    v_id := v_call.id;
    job_ids := job_ids || v_call.job_ids;
  END IF;
  IF p_action IN ('success', 'fail') THEN
    IF p_watermark IS NOT NULL THEN
      UPDATE pipeline_execution e SET next_watermark = p_watermark WHERE e.id = v_id AND e.end_date IS NULL;
    END IF;
    SELECT * INTO v_call FROM :end_pipeline_execution(
      p_id => v_id, p_end_date => NULL, p_succeeded => p_action = 'success', p_inserts => p_inserts, p_updates => p_updates,
      p_soft_deletes => p_soft_deletes, p_total_rows => p_total_rows,
      p_metadata => nullif(jsonb_strip_nulls(jsonb_build_object('exit_status', p_exit_status, 'error', CASE p_action WHEN 'fail' THEN
        coalesce(nullif(right(btrim(p_body, E' \n\r\t'), 1000), ''), 'exit status ' || p_exit_status, 'the job has reported a failure') END)), '{}'),
      p_now => p_now, p_tells => p_tells);
    job_ids := job_ids || v_call.job_ids;
  END IF;
  IF p_rid IS NULL AND p_action <> 'log' THEN
    UPDATE ping i SET execution_id = CASE p_action WHEN 'start' THEN v_id END
    WHERE i.pipeline_id = v_pipeline_id AND i.execution_id IS DISTINCT FROM CASE p_action WHEN 'start' THEN v_id END;
  END IF;

  IF p_body <> '' THEN
    IF v_id IS NULL THEN -- a log between two runs belongs to the last one
      SELECT e.id INTO v_id FROM pipeline_execution e WHERE e.pipeline_id = v_pipeline_id ORDER BY e.start_date DESC LIMIT 1;
    END IF;
    INSERT INTO pipeline_execution_log (pipeline_id, pipeline_execution_id, received_at, source, body)
    VALUES (v_pipeline_id, v_id, p_now, p_action, p_body);
  END IF;
END
$$;
