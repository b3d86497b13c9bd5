-- Creates the pipeline, or applies what its code has changed. Creates its type if that is new, and with p_create_rules a
-- rule per metric for a new pipeline. p_config holds the given configuration fields. They are written if p_config_hash
-- differs from the stored one: a change by hand survives an unchanged post. p_next_watermark is stored whenever given. An
-- unchanged call takes no lock and writes no row. Of a hundred identical calls at once, exactly one creates the pipeline.
-- `outcome` is `created` or `existing`. job_ids are the recorded jobs: to tell others of incidents that a
-- mute has ended, to look at deadlines that may be nearer now; or null.
CREATE FUNCTION :create_or_get_pipeline(
  p_name text, p_type_name text, p_config jsonb, p_config_hash text, p_next_watermark text, p_create_rules boolean, p_now timestamptz,
  OUT outcome text, OUT id bigint, OUT active boolean, OUT load_lineage boolean, OUT watermark text, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_pipeline pipeline;
  v_given pipeline;
  v_type_id bigint;
  v_from timestamptz;
  v_is_new boolean;
  v_has_nearer boolean;
  v_has_other_grace boolean;
BEGIN
  LOOP
    SELECT * INTO v_pipeline FROM pipeline p WHERE lower(p.name) = lower(p_name);
    IF FOUND AND v_pipeline.config_hash = p_config_hash THEN
      IF p_next_watermark IS DISTINCT FROM v_pipeline.next_watermark AND p_next_watermark IS NOT NULL THEN
        UPDATE pipeline p SET next_watermark = p_next_watermark WHERE p.id = v_pipeline.id RETURNING * INTO v_pipeline;
      END IF;
      outcome := 'existing';
      EXIT;
    END IF;

    SELECT t.id INTO v_type_id FROM pipeline_type t WHERE lower(t.name) = lower(p_type_name);
    IF NOT FOUND THEN
      INSERT INTO pipeline_type (name, created_at) VALUES (p_type_name, p_now) ON CONFLICT DO NOTHING RETURNING pipeline_type.id INTO v_type_id;
      CONTINUE WHEN NOT FOUND;
    END IF;

    IF v_pipeline.id IS NULL THEN
      v_given := jsonb_populate_record(v_pipeline,
        '{"mute_freshness_check": false, "mute_timeliness_check": false, "load_lineage": true, "full_load": false, "tags": []}' || p_config);
      v_from := CASE WHEN v_given.schedule_cron IS NOT NULL OR v_given.schedule_number IS NOT NULL THEN p_now END;
      INSERT INTO pipeline (
        name, pipeline_type_id, next_watermark, pipeline_metadata, freshness_number, freshness_datepart, mute_freshness_check,
        timeliness_number, timeliness_datepart, mute_timeliness_check, load_lineage, full_load, owner, tags, runbook_url, severity,
        alert_after_failures, alert_delay_minutes, schedule_cron, schedule_timezone, schedule_number, schedule_datepart,
        schedule_grace_minutes, watermark_check, schedule_from, check_at, freshness_from, config_hash, created_at)
      VALUES (
        p_name, v_type_id, p_next_watermark, v_given.pipeline_metadata, v_given.freshness_number, v_given.freshness_datepart,
        v_given.mute_freshness_check, v_given.timeliness_number, v_given.timeliness_datepart, v_given.mute_timeliness_check,
        v_given.load_lineage, v_given.full_load, v_given.owner, v_given.tags, v_given.runbook_url, v_given.severity,
        v_given.alert_after_failures, v_given.alert_delay_minutes, v_given.schedule_cron, v_given.schedule_timezone, v_given.schedule_number,
        v_given.schedule_datepart, v_given.schedule_grace_minutes, v_given.watermark_check, v_from, v_from, p_now, p_config_hash, p_now)
      ON CONFLICT DO NOTHING
      RETURNING * INTO v_pipeline;
      CONTINUE WHEN NOT FOUND;
      IF v_from IS NOT NULL THEN
        job_ids := ARRAY[:request_deadlines(p_now)];
      END IF;
      IF p_create_rules THEN
        PERFORM :create_default_rules(v_pipeline.id, p_now);
      END IF;
      outcome := 'created';
      EXIT;
    END IF;

    v_given := jsonb_populate_record(v_pipeline, p_config);
    -- An interval takes the place of a cron, and the other way round.
    IF p_config ? 'schedule_number' AND NOT p_config ? 'schedule_cron' THEN
      v_given.schedule_cron := NULL;
    ELSIF p_config ? 'schedule_cron' AND NOT p_config ? 'schedule_number' THEN
      v_given.schedule_number := NULL;
      v_given.schedule_datepart := NULL;
    END IF;
    -- Another schedule begins now. A time zone is one only of a cron. Another grace moves only when to look.
    v_is_new := (v_given.schedule_cron, CASE WHEN v_given.schedule_cron IS NOT NULL THEN coalesce(v_given.schedule_timezone, 'UTC') END,
        v_given.schedule_number, v_given.schedule_datepart)
      IS DISTINCT FROM (v_pipeline.schedule_cron, CASE WHEN v_pipeline.schedule_cron IS NOT NULL THEN coalesce(v_pipeline.schedule_timezone, 'UTC') END,
        v_pipeline.schedule_number, v_pipeline.schedule_datepart);
    v_has_other_grace := v_pipeline.check_at IS NOT NULL AND v_given.schedule_grace_minutes IS DISTINCT FROM v_pipeline.schedule_grace_minutes;
    v_from := CASE WHEN v_pipeline.active AND (v_given.schedule_cron IS NOT NULL OR v_given.schedule_number IS NOT NULL) THEN p_now END;
    v_has_nearer := v_is_new AND v_from IS NOT NULL OR v_has_other_grace OR v_type_id <> v_pipeline.pipeline_type_id
      OR (v_given.timeliness_number, v_given.timeliness_datepart, v_given.mute_timeliness_check)
        IS DISTINCT FROM (v_pipeline.timeliness_number, v_pipeline.timeliness_datepart, v_pipeline.mute_timeliness_check);
    UPDATE pipeline p SET
      pipeline_type_id = v_type_id, next_watermark = coalesce(p_next_watermark, p.next_watermark),
      pipeline_metadata = v_given.pipeline_metadata, freshness_number = v_given.freshness_number,
      freshness_datepart = v_given.freshness_datepart, mute_freshness_check = v_given.mute_freshness_check,
      timeliness_number = v_given.timeliness_number, timeliness_datepart = v_given.timeliness_datepart,
      mute_timeliness_check = v_given.mute_timeliness_check, load_lineage = v_given.load_lineage, full_load = v_given.full_load,
      owner = v_given.owner, tags = v_given.tags, runbook_url = v_given.runbook_url, severity = v_given.severity,
      alert_after_failures = v_given.alert_after_failures, alert_delay_minutes = v_given.alert_delay_minutes,
      schedule_cron = v_given.schedule_cron, schedule_timezone = v_given.schedule_timezone, schedule_number = v_given.schedule_number,
      schedule_datepart = v_given.schedule_datepart, schedule_grace_minutes = v_given.schedule_grace_minutes,
      watermark_check = v_given.watermark_check,
      unmoved_runs = CASE WHEN v_given.watermark_check IS DISTINCT FROM p.watermark_check THEN 0 ELSE p.unmoved_runs END,
      schedule_from = CASE WHEN v_is_new THEN v_from ELSE p.schedule_from END,
      schedule_slot_at = CASE WHEN NOT v_is_new THEN p.schedule_slot_at END,
      check_at = CASE WHEN v_is_new THEN v_from WHEN v_has_other_grace THEN p_now ELSE p.check_at END,
      freshness_from = CASE
        WHEN (v_given.freshness_number, v_given.freshness_datepart) IS DISTINCT FROM (p.freshness_number, p.freshness_datepart) THEN p_now
        ELSE p.freshness_from END,
      config_hash = p_config_hash, updated_at = p_now
    -- Unless another call has changed the row since it was read: then it is read again.
    WHERE p.id = v_pipeline.id AND p IS NOT DISTINCT FROM v_pipeline
    RETURNING * INTO v_pipeline;
    CONTINUE WHEN NOT FOUND;
    PERFORM :end_by_settings(v_pipeline.id, p_now);
    job_ids := array_remove(ARRAY[:notify_job(p_now)], NULL);
    IF v_has_nearer THEN
      job_ids := job_ids || :request_deadlines(p_now);
    END IF;
    outcome := 'existing';
    EXIT;
  END LOOP;
  id := v_pipeline.id;
  active := v_pipeline.active;
  load_lineage := v_pipeline.load_lineage;
  watermark := v_pipeline.watermark;
END
$$;
