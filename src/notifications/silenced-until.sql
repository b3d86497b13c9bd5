-- The silence that holds messages about the incident p_incident_id at p_now for longest, and until when; nulls if there is none. A weekly
-- window that begins in the evening ends on the next day. Critical incidents pass a weekly window unless it includes them.
CREATE FUNCTION :silenced_until(p_incident_id bigint, p_now timestamptz, OUT silence_id bigint, OUT until timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT s.id, w.until
  FROM incident i LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
  JOIN silence s ON (s.pipeline_id IS NULL OR s.pipeline_id = i.pipeline_id) AND (s.pipeline_type_id IS NULL OR s.pipeline_type_id = p.pipeline_type_id)
    AND (s.owner IS NULL OR s.owner = coalesce(p.owner, t.owner)) AND (s.tag IS NULL OR s.tag = ANY (p.tags)) AND (s.kind IS NULL OR s.kind = i.kind)
    AND s.starts_at <= p_now AND (s.ends_at IS NULL OR s.ends_at > p_now)
    AND (s.weekly_days IS NULL OR s.include_critical OR i.severity <> 'critical')
  CROSS JOIN LATERAL (SELECT (p_now AT TIME ZONE s.weekly_timezone) AS now) local
  CROSS JOIN LATERAL (
    SELECT s.ends_at AS until WHERE s.weekly_days IS NULL
    UNION ALL
    SELECT least(s.ends_at, (local.now::date + s.weekly_to + CASE WHEN s.weekly_to <= s.weekly_from THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE s.weekly_timezone)
    WHERE extract(isodow FROM local.now)::integer = ANY (s.weekly_days) AND local.now::time >= s.weekly_from
      AND (local.now::time < s.weekly_to OR s.weekly_to <= s.weekly_from)
    UNION ALL
    SELECT least(s.ends_at, (local.now::date + s.weekly_to) AT TIME ZONE s.weekly_timezone)
    WHERE s.weekly_to <= s.weekly_from AND extract(isodow FROM local.now - interval '1 day')::integer = ANY (s.weekly_days) AND local.now::time < s.weekly_to) w
  WHERE i.id = p_incident_id
  ORDER BY w.until DESC LIMIT 1
$$;
