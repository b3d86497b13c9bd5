-- Creates the pipelines of jobs and the addresses of datasets that are not known yet. Who creates takes turns, and comes here before it
-- locks anything else; where nothing is new it takes no lock. A pipeline's name is a label, chosen now: the first of the job's labels
-- that is free.
CREATE FUNCTION :create_openlineage_names(p_jobs jsonb, p_datasets jsonb, p_create_rules boolean, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_new record;
  v_label text;
  v_id bigint;
  v_type_id bigint;
BEGIN
  -- Looked up one by one: a join reads all addresses.
  IF NOT EXISTS (SELECT FROM jsonb_array_elements(p_jobs) j WHERE (SELECT o.pipeline_id FROM openlineage_job o WHERE o.key = j ->> 'key') IS NULL)
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(p_datasets) d WHERE (SELECT a.id FROM address a WHERE a.name = d ->> 'name') IS NULL) THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('openlineage names', 0));

  FOR v_new IN
    SELECT DISTINCT ON (j ->> 'key') j AS job, coalesce(j -> 'facts' -> 'type' ->> 'v', 'openlineage') AS type_name
    FROM jsonb_array_elements(p_jobs) j
    WHERE NOT EXISTS (SELECT FROM openlineage_job o WHERE o.key = j ->> 'key')
    ORDER BY j ->> 'key', j -> 'facts' -> 'type' -> 'k' DESC NULLS LAST
  LOOP
    v_type_id := :openlineage_type(v_new.type_name, p_now);
    v_id := NULL;
    FOR v_label IN SELECT l FROM jsonb_array_elements_text(v_new.job -> 'labels' || to_jsonb('openlineage ' || gen_random_uuid())) l LOOP
      INSERT INTO pipeline (name, pipeline_type_id, load_lineage, freshness_from, openlineage, created_at)
      VALUES (v_label, v_type_id, false, p_now, jsonb_build_object('namespace', v_new.job -> 'namespace', 'name', v_new.job -> 'name'), p_now)
      ON CONFLICT DO NOTHING
      RETURNING id INTO v_id;
      EXIT WHEN v_id IS NOT NULL;
    END LOOP;
    INSERT INTO openlineage_job (key, pipeline_id, type_id, facts) VALUES (v_new.job ->> 'key', v_id, v_type_id, '{}');
    IF p_create_rules AND v_new.job -> 'facts' -> 'step' IS NULL THEN
      PERFORM :create_default_rules(v_id, p_now);
    END IF;
  END LOOP;

  INSERT INTO address_type (name, group_name, created_at)
  SELECT DISTINCT ON (lower(d ->> 'type')) d ->> 'type', d ->> 'group', p_now FROM jsonb_array_elements(p_datasets) d
  WHERE NOT EXISTS (SELECT FROM address_type t WHERE lower(t.name) = lower(d ->> 'type')) ORDER BY lower(d ->> 'type'), d ->> 'type', d ->> 'group'
  ON CONFLICT DO NOTHING;
  WITH made AS (
    INSERT INTO address (name, address_type_id, created_at)
    SELECT DISTINCT ON (d ->> 'name') d ->> 'name', (SELECT t.id FROM address_type t WHERE lower(t.name) = lower(d ->> 'type')), p_now
    FROM jsonb_array_elements(p_datasets) d
    WHERE (SELECT a.id FROM address a WHERE a.name = d ->> 'name') IS NULL ORDER BY d ->> 'name', d ->> 'type'
    ON CONFLICT DO NOTHING RETURNING id)
  INSERT INTO address_lineage_closure (source_address_id, target_address_id, depth) SELECT id, id, 0 FROM made;
END
$$;
