-- Which open incidents without a cause may cause which others, as far as the incidents matter that the events of the job p_job_id opened or
-- reopened: those, and what lies downstream of them. A cause lies upstream (its pipeline writes an address from which, by the closure, the
-- other's pipeline reads), or is the `late` or `failed` one of the same pipeline for `stale` and `missed`; and it may cause others (see
-- may-cause.sql). Both directions of a cycle are among the rows. Index scans from what is opened, and nothing else: whatever the statistics
-- say, reading the closure as a whole would be wrong. `kind || ''` keeps the planner from looking incidents up by their kind alone.
CREATE FUNCTION :cause_pairs(p_job_id bigint, p_now timestamptz)
RETURNS TABLE (effect_id bigint, effect_at timestamptz, root_id bigint, root_at timestamptz)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET join_collapse_limit = 1 AS $$
BEGIN
  RETURN QUERY
  WITH opened AS MATERIALIZED (
    SELECT i.id, i.pipeline_id, i.kind, i.detected_at, :may_cause(i, p_now) AS may_cause FROM incident i
    WHERE i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.id = ANY (ARRAY(
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened')))),
  -- What they may cause.
  reached AS MATERIALIZED (
    SELECT x.id, x.pipeline_id, x.kind, x.detected_at FROM opened o JOIN incident x ON coalesce(x.pipeline_id, 0) = o.pipeline_id
    WHERE o.kind IN ('late', 'failed') AND x.resolved_at IS NULL AND x.caused_by IS NULL AND x.kind || '' IN ('stale', 'missed')
    UNION
    SELECT x.id, x.pipeline_id, x.kind, x.detected_at
    FROM (SELECT DISTINCT pipeline_id FROM opened WHERE may_cause) o JOIN address_lineage w ON w.pipeline_id = o.pipeline_id
    JOIN address_lineage_closure c ON c.source_address_id = w.target_address_id
    JOIN address_lineage l ON l.source_address_id = c.target_address_id AND l.pipeline_id <> o.pipeline_id
    -- OFFSET 0: whatever the statistics of incidents say, they are looked up last.
    CROSS JOIN LATERAL (
      SELECT i.* FROM incident i WHERE coalesce(i.pipeline_id, 0) = l.pipeline_id AND i.resolved_at IS NULL AND i.caused_by IS NULL OFFSET 0) x),
  effect AS MATERIALIZED (SELECT o.id, o.pipeline_id, o.kind, o.detected_at FROM opened o UNION SELECT r.* FROM reached r),
  upstream AS MATERIALIZED (
    SELECT DISTINCT x.pipeline_id, w.pipeline_id AS root_pipeline_id
    FROM (SELECT DISTINCT pipeline_id FROM effect) x JOIN address_lineage l ON l.pipeline_id = x.pipeline_id
    JOIN address_lineage_closure c ON c.target_address_id = l.source_address_id
    JOIN address_lineage w ON w.target_address_id = c.source_address_id AND w.pipeline_id <> x.pipeline_id),
  root AS MATERIALIZED (
    SELECT u.pipeline_id, r.id, r.detected_at FROM upstream u
    CROSS JOIN LATERAL (
      SELECT i.id, i.detected_at FROM incident i
      WHERE coalesce(i.pipeline_id, 0) = u.root_pipeline_id AND i.resolved_at IS NULL AND i.caused_by IS NULL AND :may_cause(i, p_now) OFFSET 0) r)
  SELECT x.id, x.detected_at, r.id, r.detected_at FROM effect x JOIN incident r ON coalesce(r.pipeline_id, 0) = x.pipeline_id
  WHERE x.kind IN ('stale', 'missed') AND r.resolved_at IS NULL AND r.caused_by IS NULL AND r.kind || '' IN ('late', 'failed') AND :may_cause(r, p_now)
  UNION
  -- By the index: joining the CTE again would be a loop over both.
  SELECT x.id, x.detected_at, r.id, r.detected_at FROM root r
  CROSS JOIN LATERAL (
    SELECT i.id, i.detected_at FROM incident i WHERE coalesce(i.pipeline_id, 0) = r.pipeline_id AND i.resolved_at IS NULL AND i.caused_by IS NULL OFFSET 0) x;
END
$$;
