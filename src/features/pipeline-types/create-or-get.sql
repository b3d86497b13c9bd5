-- Creates the pipeline type, or applies what its code has changed. p_config holds the given configuration fields. They are
-- written if p_config_hash differs from the stored one; but an empty configuration changes nothing in a type that a pipeline
-- has created in passing. An unchanged call takes no lock and writes no row. Of a hundred identical calls at once, exactly one
-- creates the type. `outcome` is `created` or `existing`. job_ids is the job that looks at deadlines
-- which may be nearer now, or null.
CREATE FUNCTION :create_or_get_pipeline_type(
  p_name text, p_config jsonb, p_config_hash text, p_now timestamptz,
  OUT outcome text, OUT id bigint, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_type pipeline_type;
  v_given pipeline_type;
BEGIN
  outcome := 'existing';
  LOOP
    SELECT * INTO v_type FROM pipeline_type t WHERE lower(t.name) = lower(p_name);
    IF NOT FOUND THEN
      v_given := jsonb_populate_record(v_type, '{"mute_freshness_check": false, "mute_timeliness_check": false}' || p_config);
      INSERT INTO pipeline_type (
        name, freshness_number, freshness_datepart, mute_freshness_check, timeliness_number, timeliness_datepart, mute_timeliness_check,
        owner, runbook_url, severity, alert_after_failures, alert_delay_minutes, config_hash, created_at)
      VALUES (
        p_name, v_given.freshness_number, v_given.freshness_datepart, v_given.mute_freshness_check, v_given.timeliness_number,
        v_given.timeliness_datepart, v_given.mute_timeliness_check, v_given.owner, v_given.runbook_url, v_given.severity,
        v_given.alert_after_failures, v_given.alert_delay_minutes, p_config_hash, p_now)
      ON CONFLICT DO NOTHING
      RETURNING pipeline_type.id INTO id;
      CONTINUE WHEN NOT FOUND;
      outcome := 'created';
      RETURN;
    END IF;

    id := v_type.id;
    EXIT WHEN v_type.config_hash = p_config_hash OR v_type.config_hash IS NULL AND p_config = '{}';
    v_given := jsonb_populate_record(v_type, p_config);
    UPDATE pipeline_type t SET
      freshness_number = v_given.freshness_number, freshness_datepart = v_given.freshness_datepart,
      mute_freshness_check = v_given.mute_freshness_check, timeliness_number = v_given.timeliness_number,
      timeliness_datepart = v_given.timeliness_datepart, mute_timeliness_check = v_given.mute_timeliness_check,
      owner = v_given.owner, runbook_url = v_given.runbook_url, severity = v_given.severity,
      alert_after_failures = v_given.alert_after_failures, alert_delay_minutes = v_given.alert_delay_minutes,
      config_hash = p_config_hash, updated_at = p_now
    -- Unless another call has changed the row since it was read: then it is read again.
    WHERE t.id = v_type.id AND t IS NOT DISTINCT FROM v_type;
    IF FOUND THEN
      IF v_given.timeliness_number IS NOT NULL THEN
        job_ids := ARRAY[:request_deadlines(p_now)];
      END IF;
      EXIT;
    END IF;
  END LOOP;
END
$$;
