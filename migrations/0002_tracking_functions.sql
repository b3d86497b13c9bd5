-- The three calls that every run of every pipeline makes. They are functions because Neon's HTTP endpoint cannot
-- prepare a statement: PostgreSQL would plan each again at every call, which takes five times as long as running it.
-- In PL/pgSQL the plans stay with the pooled connection, and a race that is lost is settled without another round trip:
-- under READ COMMITTED each statement below sees what was committed while the one before waited.

-- Creates the pipeline, with its type where that is new and with a rule per metric where p_create_rules, or applies
-- what its code has changed. p_config holds the configuration fields that are given; it is written where p_config_hash
-- differs from the stored one, so that a change by hand survives the same post. p_next_watermark is stored whenever
-- given. An unchanged call takes no lock and writes no row; of a hundred identical calls exactly one creates.
CREATE FUNCTION create_or_get_pipeline(
  p_name text, p_type_name text, p_config jsonb, p_config_hash text, p_next_watermark text, p_create_rules boolean, p_now timestamptz,
  OUT was_created boolean, OUT id bigint, OUT active boolean, OUT load_lineage boolean, OUT watermark text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_pipeline pipeline;
  v_type_id bigint;
BEGIN
  LOOP
    SELECT * INTO v_pipeline FROM pipeline p WHERE lower(p.name) = lower(p_name);
    IF FOUND AND v_pipeline.config_hash = p_config_hash THEN
      IF p_next_watermark IS DISTINCT FROM v_pipeline.next_watermark AND p_next_watermark IS NOT NULL THEN
        UPDATE pipeline p SET next_watermark = p_next_watermark WHERE p.id = v_pipeline.id RETURNING * INTO v_pipeline;
      END IF;
      was_created := false;
      EXIT;
    END IF;

    SELECT t.id INTO v_type_id FROM pipeline_type t WHERE lower(t.name) = lower(p_type_name);
    IF NOT FOUND THEN
      INSERT INTO pipeline_type (name, created_at) VALUES (p_type_name, p_now) ON CONFLICT DO NOTHING RETURNING pipeline_type.id INTO v_type_id;
      CONTINUE WHEN NOT FOUND;
    END IF;

    IF v_pipeline.id IS NULL THEN
      INSERT INTO pipeline (
        name, pipeline_type_id, next_watermark, pipeline_metadata, freshness_number, freshness_datepart, mute_freshness_check,
        timeliness_number, timeliness_datepart, mute_timeliness_check, load_lineage, full_load, config_hash, created_at)
      VALUES (
        p_name, v_type_id, p_next_watermark, p_config -> 'pipeline_metadata', (p_config ->> 'freshness_number')::integer,
        p_config ->> 'freshness_datepart', coalesce((p_config ->> 'mute_freshness_check')::boolean, false),
        (p_config ->> 'timeliness_number')::integer, p_config ->> 'timeliness_datepart',
        coalesce((p_config ->> 'mute_timeliness_check')::boolean, false), coalesce((p_config ->> 'load_lineage')::boolean, false),
        coalesce((p_config ->> 'full_load')::boolean, false), p_config_hash, p_now)
      ON CONFLICT DO NOTHING
      RETURNING * INTO v_pipeline;
      CONTINUE WHEN NOT FOUND;
      IF p_create_rules THEN
        INSERT INTO anomaly_detection_rule (pipeline_id, metric_field, created_at)
        SELECT v_pipeline.id, metric, p_now
        FROM unnest(ARRAY['duration_seconds', 'inserts', 'updates', 'soft_deletes', 'total_rows', 'throughput']) metric;
      END IF;
      was_created := true;
      EXIT;
    END IF;

    UPDATE pipeline p SET
      pipeline_type_id = v_type_id,
      next_watermark = coalesce(p_next_watermark, p.next_watermark),
      pipeline_metadata = coalesce(p_config -> 'pipeline_metadata', p.pipeline_metadata),
      freshness_number = coalesce((p_config ->> 'freshness_number')::integer, p.freshness_number),
      freshness_datepart = coalesce(p_config ->> 'freshness_datepart', p.freshness_datepart),
      mute_freshness_check = coalesce((p_config ->> 'mute_freshness_check')::boolean, p.mute_freshness_check),
      timeliness_number = coalesce((p_config ->> 'timeliness_number')::integer, p.timeliness_number),
      timeliness_datepart = coalesce(p_config ->> 'timeliness_datepart', p.timeliness_datepart),
      mute_timeliness_check = coalesce((p_config ->> 'mute_timeliness_check')::boolean, p.mute_timeliness_check),
      load_lineage = coalesce((p_config ->> 'load_lineage')::boolean, p.load_lineage),
      full_load = coalesce((p_config ->> 'full_load')::boolean, p.full_load),
      config_hash = p_config_hash,
      updated_at = p_now
    WHERE p.id = v_pipeline.id AND p.config_hash IS DISTINCT FROM p_config_hash
    RETURNING * INTO v_pipeline;
    CONTINUE WHEN NOT FOUND; -- another call has written the same configuration
    was_created := false;
    EXIT;
  END LOOP;
  id := v_pipeline.id;
  active := v_pipeline.active;
  load_lineage := v_pipeline.load_lineage;
  watermark := v_pipeline.watermark;
END
$$;
--> statement-breakpoint
-- Starts an execution with its place in the closure, or finds the one that this start repeats: by its idempotency key
-- (p_key), or, where p_guards_start, by pipeline, parent and start_date while that execution runs and was recorded less
-- than five minutes before p_now. Answers which of pipeline and parent exist, and the id that was created or repeated.
CREATE FUNCTION start_pipeline_execution(
  p_pipeline_id bigint, p_pipeline_name text, p_parent_id bigint, p_start_date timestamptz, p_guards_start boolean, p_full_load boolean,
  p_watermark text, p_next_watermark text, p_metadata jsonb, p_key text, p_now timestamptz,
  OUT pipeline_id bigint, OUT parent_id bigint, OUT created_id bigint, OUT repeated_id bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_pipeline pipeline;
BEGIN
  IF p_pipeline_id IS NOT NULL THEN
    SELECT * INTO v_pipeline FROM pipeline p WHERE p.id = p_pipeline_id;
  ELSE
    SELECT * INTO v_pipeline FROM pipeline p WHERE lower(p.name) = lower(p_pipeline_name);
  END IF;
  pipeline_id := v_pipeline.id;
  IF p_parent_id IS NOT NULL THEN
    SELECT e.id INTO parent_id FROM pipeline_execution e WHERE e.id = p_parent_id;
  END IF;
  IF v_pipeline.id IS NULL OR parent_id IS DISTINCT FROM p_parent_id THEN
    RETURN;
  END IF;

  LOOP
    IF p_key IS NOT NULL THEN
      SELECT e.id INTO repeated_id FROM pipeline_execution e WHERE e.pipeline_id = v_pipeline.id AND e.idempotency_key = p_key;
      EXIT WHEN FOUND;
    END IF;
    IF p_guards_start THEN
      SELECT e.id INTO repeated_id FROM pipeline_execution e
      WHERE e.guards_start AND e.pipeline_id = v_pipeline.id AND e.start_date = p_start_date
        AND coalesce(e.parent_id, 0) = coalesce(p_parent_id, 0) AND e.created_at > p_now - interval '5 minutes';
      EXIT WHEN FOUND;
      -- One that has guarded its start for long enough makes room, or the unique index would refuse the new one.
      UPDATE pipeline_execution e SET guards_start = false
      WHERE e.guards_start AND e.pipeline_id = v_pipeline.id AND e.start_date = p_start_date
        AND coalesce(e.parent_id, 0) = coalesce(p_parent_id, 0) AND e.created_at <= p_now - interval '5 minutes';
    END IF;
    INSERT INTO pipeline_execution (
      pipeline_id, parent_id, start_date, full_load, watermark, next_watermark, execution_metadata, idempotency_key, guards_start, created_at)
    VALUES (
      v_pipeline.id, p_parent_id, p_start_date, coalesce(p_full_load, v_pipeline.full_load), coalesce(p_watermark, v_pipeline.watermark),
      coalesce(p_next_watermark, v_pipeline.next_watermark), p_metadata, p_key, p_guards_start, p_now)
    ON CONFLICT DO NOTHING
    RETURNING pipeline_execution.id INTO created_id;
    IF FOUND THEN
      INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth) VALUES (created_id, created_id, 0);
      IF p_parent_id IS NOT NULL THEN
        INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth)
        SELECT c.ancestor_id, created_id, c.depth + 1 FROM pipeline_execution_closure c WHERE c.descendant_id = p_parent_id;
      END IF;
      EXIT;
    END IF;
    -- The insert waited for a start that is now committed: the next turn finds it.
  END LOOP;
END
$$;
--> statement-breakpoint
-- Ends an execution: its metrics, and where it succeeded its pipeline's watermark, DML times and load_lineage, and the
-- job that looks for anomalies where the pipeline has an active rule. One that has ended stays as it is. Answers
-- whether it exists, whether this call ended it, and the outcome it had before; none of them: the end lies before the start.
CREATE FUNCTION end_pipeline_execution(
  p_id bigint, p_end_date timestamptz, p_succeeded boolean, p_inserts bigint, p_updates bigint, p_soft_deletes bigint, p_total_rows bigint,
  p_metadata jsonb, p_now timestamptz,
  OUT known boolean, OUT ended boolean, OUT outcome_before boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_execution pipeline_execution;
  v_duration bigint;
BEGIN
  ended := false;
  SELECT * INTO v_execution FROM pipeline_execution e WHERE e.id = p_id FOR NO KEY UPDATE;
  known := v_execution.id IS NOT NULL;
  outcome_before := v_execution.completed_successfully;
  -- Without an end the end is now; a client's clock may have put the start later than that.
  v_execution.end_date := coalesce(p_end_date, greatest(p_now, v_execution.start_date));
  IF NOT known OR outcome_before IS NOT NULL OR v_execution.end_date < v_execution.start_date THEN
    RETURN;
  END IF;

  v_duration := floor(extract(epoch FROM v_execution.end_date - v_execution.start_date));
  UPDATE pipeline_execution e SET
    end_date = v_execution.end_date, completed_successfully = p_succeeded, guards_start = false, inserts = p_inserts, updates = p_updates,
    soft_deletes = p_soft_deletes, total_rows = p_total_rows, duration_seconds = v_duration,
    throughput = p_total_rows::double precision / nullif(v_duration, 0),
    execution_metadata = CASE WHEN p_metadata IS NULL THEN e.execution_metadata ELSE coalesce(e.execution_metadata, '{}') || p_metadata END
  WHERE e.id = p_id;
  ended := true;
  IF NOT p_succeeded THEN
    RETURN;
  END IF;

  -- Runs of one pipeline end in any order; its row is locked only by those that change it.
  UPDATE pipeline p SET
    watermark = coalesce(v_execution.next_watermark, p.watermark),
    last_target_insert = CASE WHEN p_inserts > 0 THEN greatest(p.last_target_insert, v_execution.end_date) ELSE p.last_target_insert END,
    last_target_update = CASE WHEN p_updates > 0 THEN greatest(p.last_target_update, v_execution.end_date) ELSE p.last_target_update END,
    last_target_soft_delete =
      CASE WHEN p_soft_deletes > 0 THEN greatest(p.last_target_soft_delete, v_execution.end_date) ELSE p.last_target_soft_delete END,
    load_lineage = false
  WHERE p.id = v_execution.pipeline_id
    AND (p.load_lineage OR coalesce(v_execution.next_watermark, p.watermark) IS DISTINCT FROM p.watermark
      OR p_inserts > 0 AND v_execution.end_date > coalesce(p.last_target_insert, '-infinity')
      OR p_updates > 0 AND v_execution.end_date > coalesce(p.last_target_update, '-infinity')
      OR p_soft_deletes > 0 AND v_execution.end_date > coalesce(p.last_target_soft_delete, '-infinity'));

  INSERT INTO job (kind, payload, created_at)
  SELECT 'detect_anomalies', jsonb_build_object('pipeline_id', v_execution.pipeline_id, 'pipeline_execution_id', p_id), p_now
  WHERE EXISTS (SELECT FROM anomaly_detection_rule r WHERE r.pipeline_id = v_execution.pipeline_id AND r.active);
END
$$;
