-- Resolves the open incidents of a pipeline that a good run ends: it ended at p_end, p_execution_id is its id. `failed`: no run has
-- failed after it, in the order of their ends. `late`: it is the late run itself, or it began later and was in time. `stale`: the
-- pipeline's last change, which the end has stored, is within the threshold. `watermark`: the pipeline has no check of it any more.
CREATE FUNCTION :settle_incidents(p_pipeline_id bigint, p_execution_id bigint, p_start timestamptz, p_end timestamptz, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_incident incident;
  v_last pipeline_execution;
  v_thresholds record;
BEGIN
  SELECT
    coalesce(p.timeliness_number, t.timeliness_number) AS timeliness_number,
    CASE WHEN p.timeliness_number IS NULL THEN t.timeliness_datepart ELSE p.timeliness_datepart END AS timeliness_datepart,
    coalesce(p.freshness_number, t.freshness_number) AS freshness_number,
    CASE WHEN p.freshness_number IS NULL THEN t.freshness_datepart ELSE p.freshness_datepart END AS freshness_datepart,
    greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete) AS last_dml,
    p.watermark_check IS NULL AS is_unchecked
  INTO v_thresholds
  FROM pipeline p JOIN pipeline_type t ON t.id = p.pipeline_type_id WHERE p.id = p_pipeline_id;

  FOR v_incident IN
    SELECT * FROM incident i
    WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind IN ('failed', 'late', 'stale', 'watermark') AND i.resolved_at IS NULL
  LOOP
    SELECT * INTO v_last FROM pipeline_execution e WHERE e.id = v_incident.last_execution_id;
    IF v_incident.kind = 'failed' AND (v_last.id IS NULL OR (p_end, p_execution_id) > (v_last.end_date, v_last.id)) THEN
      PERFORM :resolve_incident(v_incident.id, 'auto', 'Run ' || p_execution_id || ' has succeeded', p_now);
    ELSIF v_incident.kind = 'late' AND v_last.id = p_execution_id THEN
      PERFORM :resolve_incident(v_incident.id, 'auto', 'Run ' || p_execution_id || ' has succeeded, late', p_now);
    ELSIF v_incident.kind = 'late' AND (v_last.id IS NULL OR p_start > v_last.start_date)
      AND (v_thresholds.timeliness_number IS NULL OR p_end <= ((p_start AT TIME ZONE 'UTC')
        + v_thresholds.timeliness_number * ('1 ' || v_thresholds.timeliness_datepart)::interval) AT TIME ZONE 'UTC') THEN
      PERFORM :resolve_incident(v_incident.id, 'auto', 'Run ' || p_execution_id || ' has succeeded in time', p_now);
    ELSIF v_incident.kind = 'stale' AND (v_thresholds.freshness_number IS NULL OR p_now < ((v_thresholds.last_dml AT TIME ZONE 'UTC')
        + v_thresholds.freshness_number * ('1 ' || v_thresholds.freshness_datepart)::interval) AT TIME ZONE 'UTC') THEN
      PERFORM :resolve_incident(v_incident.id, 'auto', 'Run ' || p_execution_id || ' has changed data', p_now);
    ELSIF v_incident.kind = 'watermark' AND v_thresholds.is_unchecked THEN
      -- An end that was under way when the check was removed has opened it.
      PERFORM :resolve_incident(v_incident.id, 'auto', 'The watermark is not checked', p_now);
    END IF;
  END LOOP;
END
$$;
