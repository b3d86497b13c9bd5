-- The step of a run that failed first; nulls if none has. The steps of p_execution_id are the parts that OpenLineage reports as such, at every depth.
-- A run that succeeds with a failed step counts as failed for incidents, as a warning.
CREATE FUNCTION :failed_step(p_execution_id bigint, OUT id bigint, OUT name text, OUT why text)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE step(id) AS (
    SELECT e.id FROM pipeline_execution e JOIN pipeline p ON p.id = e.pipeline_id AND p.is_step WHERE e.parent_id = p_execution_id
    UNION
    SELECT e.id FROM step JOIN pipeline_execution e ON e.parent_id = step.id JOIN pipeline p ON p.id = e.pipeline_id AND p.is_step)
  SELECT e.id, p.name, e.execution_metadata ->> 'error'
  FROM step JOIN pipeline_execution e ON e.id = step.id JOIN pipeline p ON p.id = e.pipeline_id
  WHERE e.completed_successfully = false
  ORDER BY e.end_date, e.id LIMIT 1
$$;
