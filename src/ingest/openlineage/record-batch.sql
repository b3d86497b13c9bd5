-- Records a list of events, each for itself: one that fails leaves nothing behind, and the others stay. Returns the place and the SQLSTATE of
-- those that failed, and the ids of the recorded jobs.
CREATE FUNCTION :record_openlineage_batch(p_events jsonb, p_create_rules boolean, p_now timestamptz, OUT outcome text, OUT failed jsonb, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
DECLARE
  v_event record;
  v_call record;
BEGIN
  outcome := 'recorded';
  failed := '[]';
  PERFORM :create_openlineage_names(
    (SELECT coalesce(jsonb_agg(j), '[]') FROM jsonb_array_elements(p_events) e CROSS JOIN jsonb_array_elements(e -> 'jobs') j),
    (SELECT coalesce(jsonb_agg(d), '[]') FROM jsonb_array_elements(p_events) e CROSS JOIN jsonb_array_elements(e -> 'datasets') d), p_create_rules, p_now);
  -- The order does not matter, so that it can be one in which two batches seldom wait for each other.
  FOR v_event IN
    SELECT e, e ->> 'index' AS index FROM jsonb_array_elements(p_events) e ORDER BY e -> 'job' ->> 'key', e -> 'run' ->> 'key', (e ->> 'index')::integer
  LOOP
    BEGIN
      SELECT * INTO v_call FROM :fold_openlineage_event(v_event.e, p_now);
      job_ids := job_ids || v_call.job_ids;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
      failed := failed || jsonb_build_object('index', v_event.index::integer, 'code', SQLSTATE);
    END;
  END LOOP;
END
$$;
