-- Makes a pipeline's lineage exactly sources x targets, and updates address_lineage_closure to match, in the caller's
-- transaction. The addresses must exist. Returns {"relationships": how many edges the pipeline owns afterwards, "closure":
-- "complete" or "pending", "job_id": of the job that completes a pending closure}.
--
-- Concurrency: writers that change something take turns (one advisory lock, held to the end of the transaction). Under
-- READ COMMITTED each statement below then sees what the previous writer committed. A call that changes nothing takes
-- no lock and writes no row.
--
-- Pending: a change that may concern more than p_max_pairs pairs, one that got no turn within a second, and each one while an
-- earlier one is pending, writes the edges at once, and the sources of the changed edges to address_lineage_pending. A job
-- computes the closure's rows again: complete_closure.sql says how, and why that is right.
--
-- Cost: in proportion to the pairs whose distance changes (and the edges that leave their sources), not to the graph.
-- The planner cannot know that the work tables are small, and would read the whole closure for a few pairs. The settings
-- below make every join a look-up by index, in the order written. The depth of a pair is a subquery behind OFFSET 0, so
-- the planner cannot turn it into a join over half the key. (jit is off: a switched-off plan type counts as so expensive
-- that PostgreSQL would compile each statement.)
--
-- Method. d is the closure's depth. The edges that the whole graph loses (or gains) are put into groups of sources with
-- the same targets. Each group is a complete bipartite graph, so a shortest path crosses it at most once. With
-- up(x) = min d(x, source) and down(y) = min d(target, y), the best path through the group is up + 1 + down.
-- 1. Removal: only pairs with d = up + 1 + down can lose their path. Their distances are computed again: first from
--    the pairs that keep theirs, then level by level, nearest first, along the edges that remain.
-- 2. Insertion: d becomes least(d, up + 1 + down). Two groups never share a shortest path, because every source of the
--    new lineage has a direct edge to every target.
-- 3. Only pairs whose depth changes are written.
CREATE FUNCTION :replace_address_lineage(
  p_pipeline_id bigint, p_source_names text[], p_target_names text[], p_max_pairs bigint, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_material = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off
SET lock_timeout = '1s'
AS $$
DECLARE
  v_sources bigint[] := array(SELECT id FROM address WHERE name = ANY (p_source_names) ORDER BY id);
  v_targets bigint[] := array(SELECT id FROM address WHERE name = ANY (p_target_names) ORDER BY id);
  v_wanted bigint := cardinality(v_sources)::bigint * cardinality(v_targets);
  v_depth integer := 0;
  v_changed_sources bigint[];
  v_changed_targets bigint[];
  v_job_id bigint;
  v_has_turn boolean := true;
BEGIN
  IF (SELECT count(*) FILTER (WHERE source_address_id = ANY (v_sources) AND target_address_id = ANY (v_targets)) = v_wanted
             AND count(*) = v_wanted
      FROM address_lineage WHERE pipeline_id = p_pipeline_id) THEN
    RETURN jsonb_build_object('relationships', v_wanted, 'closure', 'complete');
  END IF;

  -- Two posts for one pipeline take turns in any case.
  PERFORM pg_advisory_xact_lock(hashtextextended('lineage of pipeline', p_pipeline_id));
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('replace_address_lineage', 0));
  EXCEPTION WHEN lock_not_available THEN
    v_has_turn := false;
  END;

  -- The edges that will change, and an upper bound of the pairs that this concerns: everything upstream times everything downstream.
  SELECT array_agg(DISTINCT source), array_agg(DISTINCT target) INTO v_changed_sources, v_changed_targets FROM (
    SELECT source_address_id AS source, target_address_id AS target FROM address_lineage WHERE pipeline_id = p_pipeline_id
      AND NOT (source_address_id = ANY (v_sources) AND target_address_id = ANY (v_targets))
    UNION ALL
    SELECT s.id, t.id FROM unnest(v_sources) s(id) CROSS JOIN unnest(v_targets) t(id)
    WHERE NOT EXISTS (SELECT FROM address_lineage o
                      WHERE o.pipeline_id = p_pipeline_id AND o.source_address_id = s.id AND o.target_address_id = t.id)) changed;
  IF NOT v_has_turn
    OR EXISTS (SELECT FROM address_lineage_pending)
    OR (SELECT count(DISTINCT c.source_address_id) FROM unnest(v_changed_sources) s(id) JOIN address_lineage_closure c ON c.target_address_id = s.id)
     * (SELECT count(DISTINCT c.target_address_id) FROM unnest(v_changed_targets) t(id) JOIN address_lineage_closure c ON c.source_address_id = t.id)
     > p_max_pairs
  THEN
    DELETE FROM address_lineage
    WHERE pipeline_id = p_pipeline_id AND NOT (source_address_id = ANY (v_sources) AND target_address_id = ANY (v_targets));
    INSERT INTO address_lineage (pipeline_id, source_address_id, target_address_id)
    SELECT p_pipeline_id, s.id, t.id FROM unnest(v_sources) s(id) CROSS JOIN unnest(v_targets) t(id)
    ON CONFLICT DO NOTHING;
    INSERT INTO address_lineage_pending (address_id) SELECT id FROM unnest(v_changed_sources) id ORDER BY id
    ON CONFLICT (address_id) DO UPDATE SET is_expanded = false;
    INSERT INTO job (kind, payload, created_at, due_at) VALUES ('complete_closure', '{}', p_now, p_now) RETURNING id INTO v_job_id;
    RETURN jsonb_build_object('relationships', v_wanted, 'closure', 'pending', 'job_id', v_job_id);
  END IF;

  CREATE TEMPORARY TABLE lineage_edge_group (added boolean NOT NULL, number bigint NOT NULL, sources bigint[] NOT NULL, targets bigint[] NOT NULL)
    ON COMMIT DROP;
  -- Pairs whose distance may change: the depth that the closure holds, and its new depth (null: not reachable).
  CREATE TEMPORARY TABLE lineage_pair (source bigint NOT NULL, target bigint NOT NULL, old_depth integer, depth integer, PRIMARY KEY (source, target))
    ON COMMIT DROP;

  WITH dropped AS (
    DELETE FROM address_lineage
    WHERE pipeline_id = p_pipeline_id
      AND NOT (source_address_id = ANY (v_sources) AND target_address_id = ANY (v_targets))
    RETURNING source_address_id AS source, target_address_id AS target
  ), gone AS (
    SELECT d.source, array_agg(d.target ORDER BY d.target) AS targets
    FROM dropped d
    WHERE d.source <> d.target
      AND NOT EXISTS (SELECT FROM address_lineage o
                      WHERE o.source_address_id = d.source AND o.target_address_id = d.target AND o.pipeline_id <> p_pipeline_id)
    GROUP BY d.source
  )
  INSERT INTO lineage_edge_group (added, number, sources, targets)
  SELECT false, row_number() OVER (), array_agg(source), targets FROM gone GROUP BY targets;

  IF FOUND THEN
    WITH up AS MATERIALIZED (
      SELECT g.number, c.source_address_id AS source, min(c.depth) AS depth, g.targets
      FROM lineage_edge_group g CROSS JOIN unnest(g.sources) s(id)
      JOIN address_lineage_closure c ON c.target_address_id = s.id
      GROUP BY g.number, c.source_address_id, g.targets
    ), down AS MATERIALIZED (
      SELECT g.number, c.target_address_id AS target, min(c.depth) AS depth, g.sources
      FROM lineage_edge_group g CROSS JOIN unnest(g.targets) t(id)
      JOIN address_lineage_closure c ON c.source_address_id = t.id
      GROUP BY g.number, c.target_address_id, g.sources
    ), losing_source AS MATERIALIZED (
      SELECT * FROM up WHERE EXISTS (
        SELECT FROM unnest(up.targets) t(id)
        WHERE (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = up.source AND c.target_address_id = t.id) = up.depth + 1)
    ), losing_target AS MATERIALIZED (
      SELECT * FROM down WHERE EXISTS (
        SELECT FROM unnest(down.sources) s(id)
        WHERE (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = s.id AND c.target_address_id = down.target) = down.depth + 1)
    )
    INSERT INTO lineage_pair (source, target, old_depth)
    SELECT DISTINCT x.source, x.target, x.old_depth
    FROM (SELECT u.source, d.target, u.depth + 1 + d.depth AS through,
            (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = u.source AND c.target_address_id = d.target) AS old_depth
          FROM losing_source u JOIN losing_target d ON d.number = u.number AND d.target <> u.source OFFSET 0) x
    WHERE x.old_depth = x.through;

    INSERT INTO lineage_pair (source, target, depth)
    SELECT x.source, x.target, min(x.depth) + 1
    FROM (SELECT q.source, q.target,
            (SELECT c.depth FROM address_lineage_closure c
             WHERE c.source_address_id = e.target_address_id AND c.target_address_id = q.target
               AND NOT EXISTS (SELECT FROM lineage_pair k WHERE k.source = c.source_address_id AND k.target = c.target_address_id)) AS depth
          FROM lineage_pair q JOIN address_lineage e ON e.source_address_id = q.source OFFSET 0) x
    WHERE x.depth IS NOT NULL
    GROUP BY x.source, x.target
    ON CONFLICT (source, target) DO UPDATE SET depth = excluded.depth;

    LOOP
      SELECT min(depth) INTO v_depth FROM lineage_pair WHERE depth > v_depth;
      EXIT WHEN v_depth IS NULL;
      INSERT INTO lineage_pair (source, target, depth)
      SELECT DISTINCT x.source, x.target, v_depth + 1
      FROM (SELECT e.source_address_id AS source, settled.target,
              (SELECT q.depth IS NULL OR q.depth > v_depth + 1 FROM lineage_pair q
               WHERE q.source = e.source_address_id AND q.target = settled.target) AS farther
            FROM lineage_pair settled JOIN address_lineage e ON e.target_address_id = settled.source
            WHERE settled.depth = v_depth OFFSET 0) x
      WHERE x.farther
      ON CONFLICT (source, target) DO UPDATE SET depth = excluded.depth;
    END LOOP;
  END IF;

  WITH inserted AS (
    INSERT INTO address_lineage (pipeline_id, source_address_id, target_address_id)
    SELECT p_pipeline_id, s.id, t.id FROM unnest(v_sources) s(id) CROSS JOIN unnest(v_targets) t(id)
    ON CONFLICT DO NOTHING
    RETURNING source_address_id AS source, target_address_id AS target
  ), fresh AS (
    SELECT i.source, array_agg(i.target ORDER BY i.target) AS targets
    FROM inserted i
    WHERE i.source <> i.target
      AND NOT EXISTS (SELECT FROM address_lineage o
                      WHERE o.source_address_id = i.source AND o.target_address_id = i.target AND o.pipeline_id <> p_pipeline_id)
    GROUP BY i.source
  )
  INSERT INTO lineage_edge_group (added, number, sources, targets)
  SELECT true, row_number() OVER (), array_agg(source), targets FROM fresh GROUP BY targets;

  IF FOUND THEN
    -- Distances come from the closure, except for the pairs that step 1 has changed.
    WITH up AS MATERIALIZED (
      SELECT x.number, x.source, min(x.depth) AS depth, x.targets
      FROM (SELECT g.number, c.source_address_id AS source, g.targets,
              CASE WHEN EXISTS (SELECT FROM lineage_pair p WHERE p.source = c.source_address_id AND p.target = c.target_address_id)
                   THEN (SELECT p.depth FROM lineage_pair p WHERE p.source = c.source_address_id AND p.target = c.target_address_id)
                   ELSE c.depth END AS depth
            FROM lineage_edge_group g CROSS JOIN unnest(g.sources) s(id)
            JOIN address_lineage_closure c ON c.target_address_id = s.id
            WHERE g.added OFFSET 0) x
      WHERE x.depth IS NOT NULL
      GROUP BY x.number, x.source, x.targets
    ), down AS MATERIALIZED (
      SELECT x.number, x.target, min(x.depth) AS depth, x.sources
      FROM (SELECT g.number, c.target_address_id AS target, g.sources,
              CASE WHEN EXISTS (SELECT FROM lineage_pair p WHERE p.source = c.source_address_id AND p.target = c.target_address_id)
                   THEN (SELECT p.depth FROM lineage_pair p WHERE p.source = c.source_address_id AND p.target = c.target_address_id)
                   ELSE c.depth END AS depth
            FROM lineage_edge_group g CROSS JOIN unnest(g.targets) t(id)
            JOIN address_lineage_closure c ON c.source_address_id = t.id
            WHERE g.added OFFSET 0) x
      WHERE x.depth IS NOT NULL
      GROUP BY x.number, x.target, x.sources
    ), gaining_source AS MATERIALIZED (
      SELECT * FROM up WHERE EXISTS (
        SELECT FROM unnest(up.targets) t(id)
        WHERE up.source <> t.id
          AND coalesce(CASE WHEN EXISTS (SELECT FROM lineage_pair p WHERE p.source = up.source AND p.target = t.id)
            THEN (SELECT p.depth FROM lineage_pair p WHERE p.source = up.source AND p.target = t.id)
            ELSE (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = up.source AND c.target_address_id = t.id) END, 2147483647) > up.depth + 1)
    ), gaining_target AS MATERIALIZED (
      SELECT * FROM down WHERE EXISTS (
        SELECT FROM unnest(down.sources) s(id)
        WHERE down.target <> s.id
          AND coalesce(CASE WHEN EXISTS (SELECT FROM lineage_pair p WHERE p.source = s.id AND p.target = down.target)
            THEN (SELECT p.depth FROM lineage_pair p WHERE p.source = s.id AND p.target = down.target)
            ELSE (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = s.id AND c.target_address_id = down.target) END, 2147483647) > down.depth + 1)
    ), through AS MATERIALIZED (
      SELECT u.source, d.target, min(u.depth + 1 + d.depth) AS depth
      FROM gaining_source u JOIN gaining_target d ON d.number = u.number
      WHERE u.source <> d.target
      GROUP BY u.source, d.target
    )
    INSERT INTO lineage_pair (source, target, old_depth, depth)
    SELECT x.source, x.target, x.old_depth, x.depth
    FROM (SELECT n.source, n.target, n.depth,
            (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = n.source AND c.target_address_id = n.target) AS old_depth,
            CASE WHEN EXISTS (SELECT FROM lineage_pair p WHERE p.source = n.source AND p.target = n.target)
              THEN (SELECT p.depth FROM lineage_pair p WHERE p.source = n.source AND p.target = n.target)
              ELSE (SELECT c.depth FROM address_lineage_closure c WHERE c.source_address_id = n.source AND c.target_address_id = n.target) END AS depth_now
          FROM through n OFFSET 0) x
    WHERE coalesce(x.depth_now, 2147483647) > x.depth
    ON CONFLICT (source, target) DO UPDATE SET depth = excluded.depth;
  END IF;

  DELETE FROM address_lineage_closure WHERE ctid = ANY (ARRAY(
    SELECT (SELECT c.ctid FROM address_lineage_closure c WHERE c.source_address_id = p.source AND c.target_address_id = p.target)
    FROM lineage_pair p WHERE p.depth IS NULL));

  INSERT INTO address_lineage_closure (source_address_id, target_address_id, depth)
  SELECT source, target, depth FROM lineage_pair WHERE depth IS DISTINCT FROM old_depth AND depth IS NOT NULL
  ON CONFLICT (source_address_id, target_address_id) DO UPDATE SET depth = excluded.depth;

  DROP TABLE lineage_edge_group, lineage_pair;
  RETURN jsonb_build_object('relationships', v_wanted, 'closure', 'complete');
END
$$;
