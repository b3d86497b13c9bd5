-- The original's messages about what a sweep found (see alert.ts), without what they say of these pipelines: nobody is to hear of them yet. A
-- message with nothing else is left out.
CREATE FUNCTION :alerts_without(p_alerts jsonb, p_pipeline_ids bigint[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_pipeline_ids IS NULL THEN p_alerts ELSE coalesce(jsonb_agg(
    CASE WHEN left_out.count = 0 THEN alert ELSE alert || jsonb_build_object('items', kept.items, 'count', (alert ->> 'count')::integer - left_out.count) END
    ORDER BY n), '[]') END
  FROM jsonb_array_elements(p_alerts) WITH ORDINALITY a(alert, n)
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(item ORDER BY i) FILTER (WHERE (item ->> 'pipeline_id')::bigint = ANY (p_pipeline_ids) IS NOT TRUE), '[]') AS items
    FROM jsonb_array_elements(alert -> 'items') WITH ORDINALITY x(item, i)) kept
  CROSS JOIN LATERAL (SELECT coalesce(jsonb_array_length(alert -> 'items'), 0) - jsonb_array_length(kept.items) AS count) left_out
  WHERE (alert ->> 'pipeline_id')::bigint = ANY (p_pipeline_ids) IS NOT TRUE AND (kept.items <> '[]' OR left_out.count = 0)
$$;
