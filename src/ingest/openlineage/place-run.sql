-- Gives runs the parents that they state: p_ids, all runs whose parent may change. A run on a cycle of stated parents has none; those below
-- it keep theirs. What moves takes its whole subtree along.
CREATE FUNCTION :place_openlineage_runs(p_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_run record;
BEGIN
  FOR v_run IN
    SELECT e.id, e.parent_id AS old_parent, CASE WHEN cycle.is_closed THEN NULL ELSE r.stated_parent_id END AS new_parent
    FROM openlineage_run r JOIN pipeline_execution e ON e.id = r.execution_id
    CROSS JOIN LATERAL (
      WITH RECURSIVE above(id) AS (
        SELECT r.stated_parent_id
        UNION
        SELECT o.stated_parent_id FROM above JOIN openlineage_run o ON o.execution_id = above.id)
      SELECT EXISTS (SELECT FROM above WHERE above.id = r.execution_id) AS is_closed) cycle
    WHERE r.execution_id = ANY (p_ids)
    -- What leaves its place goes first: no step of the way makes a cycle.
    ORDER BY CASE WHEN cycle.is_closed THEN NULL ELSE r.stated_parent_id END IS NOT NULL, e.id
  LOOP
    CONTINUE WHEN v_run.old_parent IS NOT DISTINCT FROM v_run.new_parent;
    IF v_run.old_parent IS NOT NULL THEN
      DELETE FROM pipeline_execution_closure c USING pipeline_execution_closure above, pipeline_execution_closure below
      WHERE above.descendant_id = v_run.id AND above.depth > 0 AND below.ancestor_id = v_run.id
        AND c.ancestor_id = above.ancestor_id AND c.descendant_id = below.descendant_id;
    END IF;
    INSERT INTO pipeline_execution_closure (ancestor_id, descendant_id, depth)
    SELECT above.ancestor_id, below.descendant_id, above.depth + 1 + below.depth
    FROM pipeline_execution_closure above CROSS JOIN pipeline_execution_closure below
    WHERE above.descendant_id = v_run.new_parent AND below.ancestor_id = v_run.id;
    UPDATE pipeline_execution e SET parent_id = v_run.new_parent WHERE e.id = v_run.id;
  END LOOP;
END
$$;
