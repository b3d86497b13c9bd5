-- Computes rows of address_lineage_closure again for addresses in address_lineage_pending, for about p_millis, in the caller's
-- transaction. Returns how many addresses still wait; 0: the closure is complete.
--
-- address_lineage_pending holds the sources of changed edges (is_expanded = false), and the addresses whose own rows must be
-- computed again (is_expanded = true). A step first takes its turn (the lock of replace.sql). It expands each source into
-- everything upstream of it, as the closure says now. Then it computes the rows of some addresses by a search along the edges, a
-- batch at a time, and takes them off the list.
--
-- Why this is right: an address that is not on the list, nor upstream of a listed source, has exact rows for the edges as they
-- are. Take an address x whose rows are wrong. On a path from x that makes them so there is a first edge that x's rows do not know,
-- or that is gone. Its source s was listed when the edge changed, and the path from x to s is known to x's rows. So the expansion of s
-- lists x. Writers need no turn while the list is not empty: they list their sources in the transaction that changes the edges. A
-- source that is listed again during a step is kept, because its row is not expanded any more.
CREATE FUNCTION :complete_lineage_closure(p_millis integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_material = off
SET jit = off
SET lock_timeout = '5s'
AS $$
DECLARE
  v_end timestamptz := clock_timestamp() + make_interval(secs => p_millis / 1000.0);
  v_begun timestamptz;
  v_batch integer := 2;
  v_sources bigint[];
  v_depth integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('replace_address_lineage', 0));

  WITH changed AS (
    UPDATE address_lineage_pending SET is_expanded = true WHERE NOT is_expanded RETURNING address_id
  )
  INSERT INTO address_lineage_pending (address_id, is_expanded)
  SELECT DISTINCT c.source_address_id, true
  FROM changed JOIN address_lineage_closure c ON c.target_address_id = changed.address_id
  ON CONFLICT DO NOTHING;

  CREATE TEMPORARY TABLE lineage_reached (source bigint NOT NULL, target bigint NOT NULL, depth integer NOT NULL, PRIMARY KEY (source, target))
    ON COMMIT DROP;
  CREATE INDEX ON lineage_reached (depth);

  LOOP
    v_begun := clock_timestamp();
    v_sources := array(SELECT address_id FROM address_lineage_pending WHERE is_expanded ORDER BY address_id LIMIT v_batch);
    EXIT WHEN cardinality(v_sources) = 0;

    INSERT INTO lineage_reached (source, target, depth) SELECT id, id, 0 FROM unnest(v_sources) id;
    v_depth := 0;
    LOOP
      INSERT INTO lineage_reached (source, target, depth)
      SELECT DISTINCT r.source, e.target_address_id, v_depth + 1
      FROM lineage_reached r JOIN address_lineage e ON e.source_address_id = r.target
      WHERE r.depth = v_depth
      ON CONFLICT DO NOTHING;
      EXIT WHEN NOT FOUND;
      v_depth := v_depth + 1;
    END LOOP;

    DELETE FROM address_lineage_closure c
    WHERE c.source_address_id = ANY (v_sources)
      AND NOT EXISTS (SELECT FROM lineage_reached r WHERE r.source = c.source_address_id AND r.target = c.target_address_id);
    INSERT INTO address_lineage_closure (source_address_id, target_address_id, depth)
    SELECT source, target, depth FROM lineage_reached
    ON CONFLICT (source_address_id, target_address_id) DO UPDATE SET depth = excluded.depth
    WHERE address_lineage_closure.depth <> excluded.depth;
    DELETE FROM address_lineage_pending WHERE address_id = ANY (v_sources) AND is_expanded;
    TRUNCATE lineage_reached;

    EXIT WHEN clock_timestamp() > v_end;
    IF clock_timestamp() - v_begun < interval '50 milliseconds' THEN
      v_batch := least(v_batch * 2, 500);
    ELSE
      v_batch := greatest(v_batch / 2, 1);
    END IF;
  END LOOP;

  DROP TABLE lineage_reached;
  RETURN (SELECT count(*) FROM address_lineage_pending);
END
$$;
