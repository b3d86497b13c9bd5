-- Starts an execution and adds it to the closure, or finds the execution that this start repeats. A start is a repeat if
-- the idempotency key (p_key) is the same. With p_guards_start it is also a repeat if pipeline, parent and start_date are
-- those of an execution that still runs and was recorded less than five minutes before p_now. A new start ends the incident
-- `missed` whose time it covers, and records the job that looks whether the run is late, if that may be before the next tick. `outcome` is `created` or `repeated`, with the execution's `id` and the recorded jobs or null; with p_tells
-- one of them tells another service. Without an `id` it is `unknown_pipeline`, `other_pipeline` (p_pipeline_id and
-- p_pipeline_name name two pipelines) or `unknown_parent`.
CREATE FUNCTION :start_pipeline_execution(
  p_pipeline_id bigint, p_pipeline_name text, p_parent_id bigint, p_start_date timestamptz, p_guards_start boolean, p_full_load boolean,
  p_watermark text, p_next_watermark text, p_metadata jsonb, p_key text, p_now timestamptz, p_tells boolean DEFAULT false,
  OUT outcome text, OUT id bigint, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_pipeline pipeline;
  v_id bigint;
  v_limit interval;
  v_late_at timestamptz;
BEGIN
  IF p_pipeline_id IS NOT NULL THEN
    SELECT * INTO v_pipeline FROM pipeline p WHERE p.id = p_pipeline_id;
  ELSE
    SELECT * INTO v_pipeline FROM pipeline p WHERE lower(p.name) = lower(p_pipeline_name);
  END IF;
  IF v_pipeline.id IS NULL THEN
    outcome := 'unknown_pipeline';
  ELSIF p_pipeline_id IS NOT NULL AND p_pipeline_name IS NOT NULL AND lower(v_pipeline.name) <> lower(p_pipeline_name) THEN
    outcome := 'other_pipeline';
  ELSIF p_parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM pipeline_execution e WHERE e.id = p_parent_id) THEN
    outcome := 'unknown_parent';
  END IF;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;

  outcome := 'repeated';
  LOOP
    -- Insert first: almost every start is new, and the unique indexes know better than a look whether it is.
    INSERT INTO pipeline_execution (
      pipeline_id, parent_id, start_date, full_load, watermark, next_watermark, execution_metadata, idempotency_key, guards_start, created_at)
    VALUES (
      v_pipeline.id, p_parent_id, p_start_date, coalesce(p_full_load, v_pipeline.full_load), coalesce(p_watermark, v_pipeline.watermark),
      coalesce(p_next_watermark, v_pipeline.next_watermark), p_metadata, p_key, p_guards_start, p_now)
    ON CONFLICT DO NOTHING
    RETURNING pipeline_execution.id INTO v_id;
    IF FOUND THEN
      outcome := 'created';
      INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth) VALUES (v_id, v_id, 0);
      -- Runs that started then may be counted already: see features/pipeline-days/count.ts.
      IF p_start_date < p_now - interval '30 minutes' THEN
        INSERT INTO pipeline_day_mark (pipeline_id, pipeline_execution_id, start_date) VALUES (v_pipeline.id, v_id, p_start_date);
      END IF;
      IF p_parent_id IS NOT NULL THEN
        INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth)
        SELECT c.ancestor_id, v_id, c.depth + 1 FROM pipeline_execution_closure c WHERE c.descendant_id = p_parent_id;
      END IF;
      IF v_pipeline.check_at IS NOT NULL THEN
        PERFORM :resolve_incident(i.id, 'auto', 'Run ' || v_id || ' has started', p_now)
        FROM incident i
        WHERE coalesce(i.pipeline_id, 0) = v_pipeline.id AND i.kind = 'missed' AND i.resolved_at IS NULL
          AND p_start_date >= (i.details ->> 'covers_from')::timestamptz;
        IF FOUND THEN
          job_ids := array_remove(ARRAY[:notify_job(p_now)], NULL);
        END IF;
      END IF;
      -- A run that must end before the next tick is looked at when it is late.
      IF v_pipeline.timeliness_number IS NOT NULL THEN
        v_limit := v_pipeline.timeliness_number * ('1 ' || v_pipeline.timeliness_datepart)::interval;
      ELSE
        SELECT t.timeliness_number * ('1 ' || t.timeliness_datepart)::interval INTO v_limit
        FROM pipeline_type t WHERE t.id = v_pipeline.pipeline_type_id AND t.timeliness_number IS NOT NULL;
      END IF;
      v_late_at := ((p_start_date AT TIME ZONE 'UTC') + v_limit) AT TIME ZONE 'UTC';
      IF v_late_at <= p_now + interval '15 minutes' AND v_late_at > p_now - interval '1 day'
        AND v_pipeline.active AND NOT v_pipeline.mute_timeliness_check THEN
        -- A start that is reported late may be late already.
        job_ids := array_remove(job_ids || :request_deadline(greatest(v_late_at, p_now + interval '1 second'), p_now), NULL);
      END IF;
      IF p_tells THEN
        job_ids := job_ids || :tell_run(v_id, 'START', p_now);
      END IF;
      EXIT;
    END IF;

    IF p_key IS NOT NULL THEN
      SELECT e.id INTO v_id FROM pipeline_execution e WHERE e.pipeline_id = v_pipeline.id AND e.idempotency_key = p_key;
      EXIT WHEN FOUND;
    END IF;
    IF p_guards_start THEN
      SELECT e.id INTO v_id FROM pipeline_execution e
      WHERE e.guards_start AND e.pipeline_id = v_pipeline.id AND e.start_date = p_start_date
        AND coalesce(e.parent_id, 0) = coalesce(p_parent_id, 0) AND e.created_at > p_now - interval '5 minutes';
      EXIT WHEN FOUND;
      -- After five minutes an execution no longer guards its start: the next pass inserts.
      UPDATE pipeline_execution e SET guards_start = false
      WHERE e.guards_start AND e.pipeline_id = v_pipeline.id AND e.start_date = p_start_date
        AND coalesce(e.parent_id, 0) = coalesce(p_parent_id, 0) AND e.created_at <= p_now - interval '5 minutes';
    END IF;
    -- What the insert met has ended meanwhile, or guards its start no longer: the next pass inserts, or meets another.
  END LOOP;
  id := v_id;
END
$$;
