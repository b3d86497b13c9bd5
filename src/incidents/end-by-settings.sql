-- Resolves the open incidents that no longer apply as things are now: their pipeline, or all pipelines with p_pipeline_id null. A change of
-- settings calls it, and so does each sweep: for the settings of types, and for what opened at the very moment of a change. A mute or a
-- deactivation resolves by `muted`, another threshold or schedule by `auto`. A late run that was found only after its end is one for a day
-- at most. Returns how many it has resolved.
CREATE FUNCTION :end_by_settings(p_pipeline_id bigint, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_ids bigint[] := CASE
    WHEN p_pipeline_id IS NULL THEN ARRAY(SELECT i.id FROM incident i WHERE i.state <> 'resolved' AND i.pipeline_id IS NOT NULL)
    ELSE ARRAY(SELECT i.id FROM incident i WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.resolved_at IS NULL) END;
BEGIN
  IF v_ids = '{}' THEN
    RETURN 0;
  END IF;
  RETURN (
    WITH known AS (
      SELECT i.id, i.kind, i.details, i.detected_at, p.active, p.schedule_from, p.watermark_check, c.completed_successfully AS run_succeeded,
        i.kind = 'late' AND (p.mute_timeliness_check OR t.mute_timeliness_check)
          OR i.kind = 'stale' AND (p.mute_freshness_check OR t.mute_freshness_check) AS is_muted,
        -- Only another threshold ends it: a run that failed in time, by an end that was reported late, is what the person on call knows as late.
        i.details ->> 'timely_number' IS NOT DISTINCT FROM coalesce(p.timeliness_number, t.timeliness_number)::text
          AND i.details ->> 'timely_datepart' IS NOT DISTINCT FROM CASE WHEN p.timeliness_number IS NULL THEN t.timeliness_datepart ELSE p.timeliness_datepart END
          AS is_same_threshold,
        coalesce(p.timeliness_number, t.timeliness_number) AS timely_number, coalesce(p.freshness_number, t.freshness_number) AS fresh_number,
        CASE WHEN p.timeliness_number IS NULL THEN t.timeliness_datepart ELSE p.timeliness_datepart END AS timely_datepart,
        CASE WHEN p.freshness_number IS NULL THEN t.freshness_datepart ELSE p.freshness_datepart END AS fresh_datepart,
        -- What has never loaded is judged only by a threshold of its own.
        greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete) AS dml, p.freshness_number IS NOT NULL AS has_own,
        coalesce(p.freshness_from, p.created_at) AS fresh_from, c.start_date, coalesce(c.end_date, p_now) AS run_until
      FROM incident i JOIN pipeline p ON p.id = i.pipeline_id JOIN pipeline_type t ON t.id = p.pipeline_type_id
      LEFT JOIN pipeline_execution c ON c.id = i.last_execution_id
      WHERE i.id = ANY (v_ids)),
    judged AS (
      SELECT k.*, (((k.start_date AT TIME ZONE 'UTC') + k.timely_number * ('1 ' || k.timely_datepart)::interval) AT TIME ZONE 'UTC') >= k.run_until AS in_time,
        (((coalesce(k.dml, k.fresh_from) AT TIME ZONE 'UTC') + k.fresh_number * ('1 ' || k.fresh_datepart)::interval) AT TIME ZONE 'UTC') >= p_now AS is_fresh
      FROM known k),
    over AS (
      SELECT j.id, 'muted' AS by, NULL AS text FROM judged j WHERE NOT j.active OR j.is_muted
      UNION ALL
      SELECT j.id, 'auto', CASE
        WHEN j.kind = 'missed' THEN 'The schedule has changed'
        WHEN j.kind = 'watermark' THEN 'The watermark is not checked'
        WHEN j.kind = 'late' AND j.is_same_threshold THEN 'The run has ended, a day ago'
        WHEN j.kind = 'late' OR j.fresh_number IS NULL THEN 'The threshold has changed' END
      FROM judged j
      WHERE j.active AND NOT j.is_muted AND CASE j.kind
        WHEN 'missed' THEN j.schedule_from IS NULL OR (j.details ->> 'slot')::timestamptz <= j.schedule_from
        WHEN 'watermark' THEN j.watermark_check IS NULL
        WHEN 'late' THEN j.timely_number IS NULL OR j.in_time AND NOT j.is_same_threshold OR j.run_succeeded AND greatest(j.detected_at, j.run_until) <= p_now - interval '24 hours'
        WHEN 'stale' THEN j.fresh_number IS NULL OR j.dml IS NULL AND NOT j.has_own OR j.is_fresh END)
    SELECT count(*) FROM over o CROSS JOIN LATERAL :resolve_incident(o.id, o.by, o.text, p_now) done WHERE done);
END
$$;
