-- Finds what causes the incidents that the events of the job p_job_id opened or reopened, and what they cause. The cause is an open incident
-- of a pipeline upstream (it writes an address from which, by the closure, this one's pipeline reads), or for `stale` and `missed` the `late` or
-- `failed` one of the same pipeline. It has no cause itself, was detected in the last 24 hours, and is not acknowledged for longer: the oldest,
-- then the least id. An incident that opens after its effects becomes their cause; what was sent stays sent. There are no cycles: within
-- one call a cause was detected before its effect, and in the end every cause has no cause.
CREATE FUNCTION :set_causes(p_job_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- 1. What causes them.
  WITH opened AS MATERIALIZED (
    SELECT i.id, i.pipeline_id, i.kind, i.detected_at FROM incident i
    WHERE i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.id IN (
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened'))),
  source AS MATERIALIZED (SELECT DISTINCT o.pipeline_id, l.source_address_id AS id FROM opened o JOIN address_lineage l ON l.pipeline_id = o.pipeline_id),
  writer AS MATERIALIZED (
    SELECT DISTINCT s.pipeline_id, w.pipeline_id AS writer_id
    FROM source s JOIN address_lineage_closure c ON c.target_address_id = s.id JOIN address_lineage w ON w.target_address_id = c.source_address_id
    WHERE w.pipeline_id <> s.pipeline_id),
  root AS MATERIALIZED (
    SELECT r.id, r.pipeline_id, r.kind, r.detected_at FROM incident r
    WHERE r.resolved_at IS NULL AND r.pipeline_id IS NOT NULL AND r.caused_by IS NULL AND r.detected_at > p_now - interval '24 hours'
      AND (r.acknowledged_at IS NULL OR r.acknowledged_at > p_now - interval '24 hours')),
  cause AS (
    SELECT DISTINCT ON (o.id) o.id, r.id AS root_id
    FROM opened o JOIN root r ON r.id <> o.id AND (
      r.pipeline_id = o.pipeline_id AND o.kind IN ('stale', 'missed') AND r.kind IN ('late', 'failed')
      OR (r.detected_at, r.id) < (o.detected_at, o.id) AND EXISTS (
        SELECT FROM writer w WHERE w.pipeline_id = o.pipeline_id AND w.writer_id = r.pipeline_id))
    ORDER BY o.id, r.detected_at, r.id)
  UPDATE incident i SET caused_by = cause.root_id FROM cause WHERE i.id = cause.id;

  -- 2. What they cause.
  WITH opened AS MATERIALIZED (
    SELECT i.id, i.pipeline_id, i.kind FROM incident i
    WHERE i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.id IN (
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened'))),
  effect AS MATERIALIZED (
    SELECT x.id, x.pipeline_id, x.kind FROM incident x
    WHERE x.resolved_at IS NULL AND x.pipeline_id IS NOT NULL AND x.caused_by IS NULL AND x.detected_at > p_now - interval '24 hours'
      AND x.id NOT IN (SELECT o.id FROM opened o)),
  source AS MATERIALIZED (SELECT DISTINCT x.pipeline_id, l.source_address_id AS id FROM effect x JOIN address_lineage l ON l.pipeline_id = x.pipeline_id),
  target AS MATERIALIZED (SELECT DISTINCT o.pipeline_id, l.target_address_id AS id FROM opened o JOIN address_lineage l ON l.pipeline_id = o.pipeline_id),
  below AS MATERIALIZED (
    SELECT DISTINCT t.pipeline_id AS root_pipeline_id, s.pipeline_id
    FROM target t JOIN address_lineage_closure c ON c.source_address_id = t.id JOIN source s ON s.id = c.target_address_id
    WHERE s.pipeline_id <> t.pipeline_id),
  caused AS (
    SELECT DISTINCT ON (x.id) x.id, o.id AS root_id
    FROM effect x JOIN opened o ON
      o.pipeline_id = x.pipeline_id AND x.kind IN ('stale', 'missed') AND o.kind IN ('late', 'failed')
      OR EXISTS (SELECT FROM below b WHERE b.root_pipeline_id = o.pipeline_id AND b.pipeline_id = x.pipeline_id)
    ORDER BY x.id, o.id)
  UPDATE incident i SET caused_by = caused.root_id FROM caused WHERE i.id = caused.id;

  -- 3. The cause of a cause is the cause.
  LOOP
    UPDATE incident i SET caused_by = r.caused_by FROM incident r
    WHERE i.resolved_at IS NULL AND r.id = i.caused_by AND r.caused_by IS NOT NULL AND r.caused_by <> i.id;
    EXIT WHEN NOT FOUND;
  END LOOP;
END
$$;
