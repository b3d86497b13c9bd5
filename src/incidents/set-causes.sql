-- Finds what causes the incidents that the events of the job p_job_id opened or reopened, and what they cause. The cause is an open incident
-- of a pipeline upstream (it writes an address from which, by the closure, this one's pipeline reads), or for `stale` and `missed` the `late` or
-- `failed` one of the same pipeline. It has no cause itself, was detected in the last 24 hours, and is not acknowledged for longer: the oldest,
-- then the least id. An incident that opens after its effects becomes their cause; what was sent stays sent. There are no cycles: within
-- one call a cause was detected before its effect, and in the end every cause has no cause. Index scans from what is opened, and nothing
-- else: whatever the statistics say, reading the closure as a whole would be wrong. `kind || ''` keeps the planner from looking incidents up by
-- their kind alone.
CREATE FUNCTION :set_causes(p_job_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET join_collapse_limit = 1 AS $$
BEGIN
  -- 1. What causes them.
  WITH opened AS MATERIALIZED (
    SELECT i.id, i.pipeline_id, i.kind, i.detected_at FROM incident i
    WHERE i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.id = ANY (ARRAY(
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened')))),
  candidate AS (
    SELECT o.id, r.id AS root_id, r.detected_at FROM opened o JOIN incident r ON coalesce(r.pipeline_id, 0) = o.pipeline_id
    WHERE r.resolved_at IS NULL AND r.caused_by IS NULL AND o.kind IN ('stale', 'missed') AND r.kind || '' IN ('late', 'failed')
      AND :may_cause(r, p_now)
    UNION ALL
    SELECT o.id, r.id, r.detected_at
    FROM opened o JOIN address_lineage l ON l.pipeline_id = o.pipeline_id
    JOIN address_lineage_closure c ON c.target_address_id = l.source_address_id
    JOIN address_lineage w ON w.target_address_id = c.source_address_id AND w.pipeline_id <> o.pipeline_id
    JOIN incident r ON coalesce(r.pipeline_id, 0) = w.pipeline_id AND r.resolved_at IS NULL AND r.caused_by IS NULL
    WHERE (r.detected_at, r.id) < (o.detected_at, o.id) AND :may_cause(r, p_now)),
  cause AS (SELECT DISTINCT ON (c.id) c.id, c.root_id FROM candidate c ORDER BY c.id, c.detected_at, c.root_id)
  UPDATE incident i SET caused_by = cause.root_id FROM cause WHERE i.id = cause.id;

  -- 2. What they cause.
  WITH opened AS MATERIALIZED (
    SELECT i.id, i.pipeline_id, i.kind FROM incident i
    WHERE i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.id = ANY (ARRAY(
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened')))),
  candidate AS (
    SELECT x.id, o.id AS root_id FROM opened o JOIN incident x ON coalesce(x.pipeline_id, 0) = o.pipeline_id
    WHERE x.resolved_at IS NULL AND x.caused_by IS NULL AND x.kind || '' IN ('stale', 'missed') AND o.kind IN ('late', 'failed')
    UNION ALL
    SELECT x.id, o.id
    FROM opened o JOIN address_lineage w ON w.pipeline_id = o.pipeline_id
    JOIN address_lineage_closure c ON c.source_address_id = w.target_address_id
    JOIN address_lineage l ON l.source_address_id = c.target_address_id AND l.pipeline_id <> o.pipeline_id
    JOIN incident x ON coalesce(x.pipeline_id, 0) = l.pipeline_id AND x.resolved_at IS NULL AND x.caused_by IS NULL
    WHERE x.detected_at > p_now - interval '24 hours'),
  -- What the same job opened has its cause by now, or is one.
  caused AS (
    SELECT DISTINCT ON (c.id) c.id, c.root_id FROM candidate c WHERE NOT EXISTS (SELECT FROM opened o WHERE o.id = c.id) ORDER BY c.id, c.root_id)
  UPDATE incident i SET caused_by = caused.root_id FROM caused WHERE i.id = caused.id;

  -- 3. The cause of a cause is the cause.
  LOOP
    UPDATE incident i SET caused_by = r.caused_by FROM incident r
    WHERE i.resolved_at IS NULL AND r.id = i.caused_by AND r.caused_by IS NOT NULL AND r.caused_by <> i.id;
    EXIT WHEN NOT FOUND;
  END LOOP;
END
$$;
