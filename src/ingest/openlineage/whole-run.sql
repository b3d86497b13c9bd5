-- The run that a step belongs to, at any depth: the execution itself, or the first above it that is no step. null if all are steps.
CREATE FUNCTION :whole_run(p_execution_id bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE above(id, is_step) AS (
    SELECT p_execution_id, true
    UNION
    SELECT CASE WHEN p.is_step THEN e.parent_id ELSE e.id END, p.is_step
    FROM above JOIN pipeline_execution e ON e.id = above.id JOIN pipeline p ON p.id = e.pipeline_id WHERE above.is_step)
  SELECT above.id FROM above WHERE NOT above.is_step AND above.id IS NOT NULL
$$;
