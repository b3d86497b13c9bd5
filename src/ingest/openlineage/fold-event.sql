-- Keeps an event, and folds it into its job, run, datasets and lineage, whose names exist: see record-event.sql.
CREATE FUNCTION :fold_openlineage_event(p_event jsonb, p_now timestamptz, OUT outcome text, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_at timestamptz := (p_event ->> 'at')::timestamptz;
  v_job record;
  v_run openlineage_run;
  v_parent openlineage_run;
  v_parent_job record;
  -- The datasets that the event names, each with its side and what is told of it.
  v_used bigint[];
  v_is_output boolean[];
  v_used_facts jsonb[];
  v_inputs bigint[];
  v_outputs bigint[];
  v_new_sources bigint[];
  v_job_id bigint;
BEGIN
  outcome := 'repeated';
  INSERT INTO openlineage_event (hash, at, received_at, body) VALUES (p_event ->> 'hash', v_at, p_now, p_event ->> 'body') ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  outcome := 'recorded';

  -- 1. Datasets: what is known of each, whoever tells it. Their ids are looked up one by one, here and below: a join reads all addresses.
  IF p_event -> 'datasets' @? '$[*].facts.*' THEN
    INSERT INTO openlineage_dataset AS known (address_id, facts)
    SELECT told.id, told.facts FROM (
      SELECT (SELECT a.id FROM address a WHERE a.name = d ->> 'name') AS id, d -> 'facts' AS facts FROM jsonb_array_elements(p_event -> 'datasets') d) told
    WHERE told.facts <> '{}' ORDER BY told.id
    ON CONFLICT (address_id) DO UPDATE SET facts = :merge_facts(known.facts, excluded.facts)
    WHERE known.facts <> :merge_facts(known.facts, excluded.facts);
    UPDATE address a SET address_metadata = coalesce(a.address_metadata, '{}') || known.metadata
    FROM (
      SELECT k.address_id, jsonb_strip_nulls(jsonb_build_object('schema', k.facts -> 'schema' -> 'v', 'symlinks', k.facts -> 'symlinks' -> 'v')) AS metadata
      FROM openlineage_dataset k WHERE k.address_id = ANY (ARRAY(
        SELECT (SELECT o.id FROM address o WHERE o.name = d ->> 'name') FROM jsonb_array_elements(p_event -> 'datasets') d WHERE d -> 'facts' <> '{}'))) known
    WHERE a.id = known.address_id AND NOT coalesce(a.address_metadata, '{}') @> known.metadata;
  END IF;
  IF p_event -> 'job' IS NULL THEN
    RETURN;
  END IF;

  -- 2. The job.
  SELECT * INTO v_job FROM :learn_openlineage_job(p_event -> 'job' ->> 'key', p_event -> 'job' -> 'facts', p_now);
  SELECT coalesce(array_agg(u.id ORDER BY u.id, u.is_output), '{}'), array_agg(u.is_output ORDER BY u.id, u.is_output), array_agg(u.facts ORDER BY u.id, u.is_output)
  INTO v_used, v_is_output, v_used_facts
  FROM (
    SELECT (SELECT a.id FROM address a WHERE a.name = d ->> 'name') AS id, (d ->> 'is_output')::boolean AS is_output, d -> 'facts' AS facts
    FROM jsonb_array_elements(p_event -> 'used') d) u;

  -- 3. The run, with its parent and its datasets. A part is locked before its parent.
  IF p_event -> 'run' IS NOT NULL THEN
    v_run := :find_openlineage_run(v_job.pipeline_id, p_event -> 'run' ->> 'key', p_event -> 'run' ->> 'id', v_at, false, p_now);
    IF p_event -> 'parent' IS NOT NULL THEN
      SELECT * INTO v_parent_job FROM :learn_openlineage_job(p_event -> 'parent' ->> 'job_key', '{}', p_now);
      v_parent := CASE WHEN (v_parent_job.pipeline_id, p_event -> 'parent' ->> 'key') = (v_run.pipeline_id, v_run.key) THEN v_run
        ELSE :find_openlineage_run(v_parent_job.pipeline_id, p_event -> 'parent' ->> 'key', p_event -> 'parent' ->> 'id', v_at, true, p_now) END;
      IF v_run.stated_parent_id IS DISTINCT FROM v_parent.execution_id
        AND (v_run.facts -> 'parent' IS NULL OR p_event -> 'run' -> 'facts' -> 'parent' -> 'k' > v_run.facts -> 'parent' -> 'k') THEN
        PERFORM :attach_openlineage_run(v_run.execution_id, v_parent.execution_id, p_now);
      END IF;
      IF NOT v_parent.facts ? 'first' AND v_parent.execution_id <> v_run.execution_id THEN
        UPDATE openlineage_run r SET facts = :merge_facts(r.facts, p_event -> 'parent' -> 'facts') WHERE r.execution_id = v_parent.execution_id;
        job_ids := :settle_openlineage_run(v_parent.execution_id, p_now);
      END IF;
    END IF;
    UPDATE openlineage_run r SET facts = :merge_facts(r.facts, p_event -> 'run' -> 'facts') WHERE r.execution_id = v_run.execution_id;
    INSERT INTO openlineage_run_dataset AS used (execution_id, is_output, address_id, facts)
    SELECT v_run.execution_id, u.is_output, u.id, u.facts FROM unnest(v_used, v_is_output, v_used_facts) u(id, is_output, facts)
    ON CONFLICT (execution_id, is_output, address_id) DO UPDATE SET facts = :merge_facts(used.facts, excluded.facts)
    WHERE excluded.facts <> '{}' AND used.facts <> :merge_facts(used.facts, excluded.facts);
    job_ids := job_ids || :settle_openlineage_run(v_run.execution_id, p_now);
    -- The lineage of the run is gathered over all of its events.
    SELECT coalesce(array_agg(d.address_id ORDER BY d.address_id) FILTER (WHERE NOT d.is_output), '{}'),
      coalesce(array_agg(d.address_id ORDER BY d.address_id) FILTER (WHERE d.is_output), '{}'),
      (SELECT (r.facts -> 'seen' ->> 'v')::timestamptz FROM openlineage_run r WHERE r.execution_id = v_run.execution_id)
    INTO v_inputs, v_outputs, v_at
    FROM openlineage_run_dataset d WHERE d.execution_id = v_run.execution_id;
  ELSE
    SELECT coalesce(array_agg(u.id) FILTER (WHERE NOT u.is_output), '{}'), coalesce(array_agg(u.id) FILTER (WHERE u.is_output), '{}') INTO v_inputs, v_outputs
    FROM unnest(v_used, v_is_output) u(id, is_output);
  END IF;

  -- 4. Lineage. The closure of what is new is left to a job: see features/lineage/complete_closure.sql.
  IF cardinality(v_inputs) = 0 OR cardinality(v_outputs) = 0 THEN
    RETURN;
  END IF;
  WITH written AS (
    INSERT INTO address_lineage AS edge (pipeline_id, source_address_id, target_address_id, last_seen_at)
    SELECT v_job.pipeline_id, i.id, o.id, v_at FROM unnest(v_inputs) i(id) CROSS JOIN unnest(v_outputs) o(id)
    ON CONFLICT (pipeline_id, source_address_id, target_address_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
    WHERE edge.last_seen_at < excluded.last_seen_at
    RETURNING edge.source_address_id AS source, edge.target_address_id AS target, edge.xmax = 0 AS is_new)
  SELECT array_agg(DISTINCT w.source) INTO v_new_sources FROM written w
  WHERE w.is_new AND w.source <> w.target
    AND NOT EXISTS (SELECT FROM address_lineage_closure c WHERE c.source_address_id = w.source AND c.target_address_id = w.target AND c.depth = 1);
  IF v_new_sources IS NOT NULL THEN
    INSERT INTO address_lineage_pending (address_id) SELECT id FROM unnest(v_new_sources) id ORDER BY id
    ON CONFLICT (address_id) DO UPDATE SET is_expanded = false;
    INSERT INTO job (kind, payload, created_at, due_at) SELECT 'complete_closure', '{}', p_now, p_now
    WHERE NOT EXISTS (SELECT FROM job j WHERE j.kind = 'complete_closure' AND j.state = 'waiting' AND j.due_at <= p_now)
    RETURNING job.id INTO v_job_id;
    job_ids := array_remove(job_ids || v_job_id, NULL);
  END IF;
END
$$;
