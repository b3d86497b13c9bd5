-- The pipelines that a ping may mean, at most six: the one of a ping URL (p_uuid); else the one with exactly this name, without regard to case;
-- else those whose name is this slug when it is written as a part of a URL.
CREATE FUNCTION :find_pinged(p_uuid uuid, p_slug text) RETURNS SETOF pipeline
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_uuid IS NOT NULL THEN
    RETURN QUERY SELECT p.* FROM ping i JOIN pipeline p ON p.id = i.pipeline_id WHERE i.uuid = p_uuid;
    RETURN;
  END IF;
  RETURN QUERY SELECT p.* FROM pipeline p WHERE lower(p.name) = lower(p_slug);
  IF NOT FOUND THEN
    -- Index Scan on pipeline_slug.
    RETURN QUERY SELECT p.* FROM pipeline p
      WHERE btrim(regexp_replace(lower(p.name), '[^a-z0-9]+', '-', 'g'), '-') = btrim(lower(p_slug), '-') AND p_slug <> ''
      ORDER BY p.id LIMIT 6;
  END IF;
END
$$;
