-- Records an event of OpenLineage, as event.ts has read it. `outcome` is `recorded` or `repeated`: the same event came before. job_ids are the
-- recorded jobs.
CREATE FUNCTION :record_openlineage_event(p_event jsonb, p_create_rules boolean, p_now timestamptz, OUT outcome text, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM openlineage_event e WHERE e.hash = p_event ->> 'hash') THEN
    PERFORM :create_openlineage_names(p_event -> 'jobs', p_event -> 'datasets', p_create_rules, p_now);
  END IF;
  SELECT f.outcome, f.job_ids INTO outcome, job_ids FROM :fold_openlineage_event(p_event, p_now) f;
END
$$;
