-- A run that failed because one of its parts did: its incident is caused by that of the failed part that ended last before it, of the parts
-- without a failed part of their own. For the incidents that the events of the job p_job_id opened or reopened, and those of the runs above
-- them: a part's failure may be told after its run's. What was sent stays sent. Index scans from what is opened.
CREATE FUNCTION :set_part_causes(p_job_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET join_collapse_limit = 1 AS $$
BEGIN
  WITH opened AS MATERIALIZED (
    SELECT i.last_execution_id AS execution_id FROM incident i
    WHERE i.kind || '' = 'failed' AND i.pipeline_id IS NOT NULL AND i.resolved_at IS NULL AND i.last_execution_id IS NOT NULL AND i.id = ANY (ARRAY(
      SELECT e.incident_id FROM incident_event e WHERE e.notify_job_id = p_job_id AND e.kind IN ('opened', 'reopened')))),
  -- The runs that have failed, and those above: each may be what a failed part explains.
  run AS MATERIALIZED (
    SELECT DISTINCT c.ancestor_id AS id FROM opened o JOIN pipeline_execution_closure c ON c.descendant_id = o.execution_id),
  effect AS MATERIALIZED (
    SELECT i.id AS incident_id, e.id AS execution_id, e.end_date FROM run JOIN pipeline_execution e ON e.id = run.id
    JOIN incident i ON coalesce(i.pipeline_id, 0) = e.pipeline_id
    WHERE i.kind || '' = 'failed' AND i.resolved_at IS NULL AND i.caused_by IS NULL AND i.last_execution_id = e.id),
  part AS MATERIALIZED (
    SELECT x.incident_id, y.id AS root_id, d.id AS execution_id, d.end_date
    FROM effect x JOIN pipeline_execution_closure c ON c.ancestor_id = x.execution_id AND c.depth > 0
    JOIN pipeline_execution d ON d.id = c.descendant_id
    JOIN incident y ON coalesce(y.pipeline_id, 0) = d.pipeline_id
    WHERE d.completed_successfully = false AND d.end_date <= x.end_date AND y.kind || '' = 'failed' AND y.resolved_at IS NULL AND y.last_execution_id = d.id
      AND y.id <> x.incident_id AND :may_cause(y, p_now)),
  cause AS (
    SELECT DISTINCT ON (p.incident_id) p.incident_id, p.root_id FROM part p
    WHERE NOT EXISTS (
      SELECT FROM part q JOIN pipeline_execution_closure c ON c.descendant_id = q.execution_id AND c.ancestor_id = p.execution_id
      WHERE q.incident_id = p.incident_id AND c.depth > 0)
    ORDER BY p.incident_id, p.end_date DESC, p.execution_id DESC),
  caused AS (
    UPDATE incident i SET caused_by = coalesce(y.caused_by, y.id) FROM cause c JOIN incident y ON y.id = c.root_id
    WHERE i.id = c.incident_id AND coalesce(y.caused_by, y.id) <> i.id RETURNING i.id, i.caused_by),
  -- What these have caused is caused by their cause: no cause has one. Who does not hear of that one hears of them now.
  moved AS (
    UPDATE incident x SET caused_by = c.caused_by FROM caused c WHERE x.caused_by = c.id AND x.resolved_at IS NULL AND x.id <> c.caused_by RETURNING x.id)
  UPDATE incident_event e SET notify_job_id = p_job_id FROM moved m WHERE e.incident_id = m.id AND e.kind IN ('opened', 'reopened');
END
$$;
