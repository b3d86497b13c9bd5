-- The original's messages about what a sweep found (see alert.ts), with only what they say of these pipelines (p_only), or without that. A
-- message that is left with nothing, or that counts more than it lists, is left out: the text is then made of the incidents.
CREATE FUNCTION :alerts_about(p_alerts jsonb, p_pipeline_ids bigint[], p_only boolean) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_agg(
    CASE WHEN kept.count = listed.count THEN alert ELSE alert || jsonb_build_object('items', kept.items, 'count', kept.count) END ORDER BY n), '[]')
  FROM jsonb_array_elements(p_alerts) WITH ORDINALITY a(alert, n)
  CROSS JOIN LATERAL (SELECT coalesce(jsonb_array_length(alert -> 'items'), 0) AS count) listed
  CROSS JOIN LATERAL (
    -- An item, or the whole message, names the pipeline.
    SELECT coalesce(jsonb_agg(item ORDER BY i), '[]') AS items, count(*) AS count
    FROM jsonb_array_elements(alert -> 'items') WITH ORDINALITY x(item, i)
    WHERE (coalesce(item ->> 'pipeline_id', alert ->> 'pipeline_id')::bigint = ANY (p_pipeline_ids) IS TRUE) = p_only) kept
  WHERE kept.count > 0 AND (alert ->> 'count')::integer <= listed.count
    -- The queue's is about no pipeline.
    OR NOT p_only AND NOT alert ? 'items'
$$;
