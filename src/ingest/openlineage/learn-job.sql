-- Merges what an event says of a job, and writes to its pipeline what follows: the type, owner, documentation and tags, whether it is a step or
-- never ends by itself. What a person has changed since stays: the type and the owner are written only over what was written here before.
CREATE FUNCTION :learn_openlineage_job(p_key text, p_facts jsonb, p_now timestamptz, OUT pipeline_id bigint, OUT is_step boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_job openlineage_job;
  v_facts jsonb;
  v_type_id bigint;
  v_owner text;
  v_metadata jsonb;
BEGIN
  SELECT * INTO STRICT v_job FROM openlineage_job j WHERE j.key = p_key;
  pipeline_id := v_job.pipeline_id;
  v_facts := :merge_facts(v_job.facts, p_facts);
  is_step := v_facts ? 'step';
  IF v_facts = v_job.facts THEN
    RETURN;
  END IF;
  SELECT * INTO v_job FROM openlineage_job j WHERE j.key = p_key FOR UPDATE;
  v_facts := :merge_facts(v_job.facts, p_facts);
  is_step := v_facts ? 'step';

  v_type_id := :openlineage_type(coalesce(v_facts -> 'type' ->> 'v', 'openlineage'), p_now);
  v_owner := v_facts -> 'owner' ->> 'v';
  v_metadata := jsonb_strip_nulls(jsonb_build_object(
    'documentation', v_facts -> 'documentation' -> 'v', 'tags', v_facts -> 'tags' -> 'v', 'owners', v_facts -> 'owners' -> 'v'));
  IF is_step AND NOT v_job.facts ? 'step' THEN
    -- Failures of steps are noted meanwhile by nobody.
    PERFORM pg_advisory_xact_lock(hashtextextended('openlineage parents', 0));
  END IF;
  UPDATE openlineage_job j SET facts = v_facts, type_id = v_type_id, owner = v_owner WHERE j.key = p_key;
  UPDATE pipeline p SET
    pipeline_type_id = CASE WHEN p.pipeline_type_id = v_job.type_id THEN v_type_id ELSE p.pipeline_type_id END,
    owner = CASE WHEN p.owner IS NOT DISTINCT FROM v_job.owner THEN v_owner ELSE p.owner END,
    pipeline_metadata = nullif(coalesce(p.pipeline_metadata, '{}') || v_metadata, '{}'),
    is_step = v_facts ? 'step', is_streaming = coalesce((v_facts -> 'is_streaming' -> 'v')::boolean, false)
  WHERE p.id = v_job.pipeline_id AND (
    p.pipeline_type_id = v_job.type_id AND v_type_id <> v_job.type_id OR p.owner IS NOT DISTINCT FROM v_job.owner AND v_owner IS DISTINCT FROM v_job.owner
    OR NOT coalesce(p.pipeline_metadata, '{}') @> v_metadata OR p.is_step <> (v_facts ? 'step')
    OR p.is_streaming <> coalesce((v_facts -> 'is_streaming' -> 'v')::boolean, false));

  IF is_step AND NOT v_job.facts ? 'step' THEN
    -- A step has no rules and no incidents of its own.
    DELETE FROM anomaly_detection_rule r WHERE r.pipeline_id = v_job.pipeline_id
      AND NOT EXISTS (SELECT FROM anomaly_detection_result f WHERE f.rule_id = r.id);
    UPDATE anomaly_detection_rule r SET active = false WHERE r.pipeline_id = v_job.pipeline_id AND r.active;
    PERFORM :resolve_incident(i.id, 'auto', 'The job is a step of another one', p_now, p_quiet => true)
    FROM incident i WHERE coalesce(i.pipeline_id, 0) = v_job.pipeline_id AND i.resolved_at IS NULL;
    -- What failed in its runs so far is a failure of the runs that they belong to.
    UPDATE pipeline_execution e SET has_failed_step = false WHERE e.pipeline_id = v_job.pipeline_id AND e.has_failed_step;
    PERFORM :report_failed_step(whole.id, p_now)
    FROM (
      SELECT DISTINCT :whole_run(r.id) AS id
      FROM (SELECT e.id FROM pipeline_execution e WHERE e.pipeline_id = v_job.pipeline_id ORDER BY e.id DESC LIMIT 1000) r OFFSET 0) whole;
  END IF;
END
$$;
