-- Deletes at most p_limit events that came before p_cutoff; and the edges of lineage that no event has had for 30 days and ten successful runs of their
-- pipeline, at most p_limit. `left` is true if there may be more. Edges that came through the API stay. job_id is the job that completes the
-- closure, or null.
CREATE FUNCTION :clean_openlineage(p_cutoff timestamptz, p_limit integer, p_now timestamptz, OUT "left" boolean, OUT job_id bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_events integer;
  v_edges integer;
  v_sources bigint[];
BEGIN
  WITH old AS (
    SELECT e.hash FROM openlineage_event e WHERE e.received_at < p_cutoff ORDER BY e.received_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
  DELETE FROM openlineage_event e USING old WHERE e.hash = old.hash;
  GET DIAGNOSTICS v_events = ROW_COUNT;

  WITH unseen AS (
    SELECT l.pipeline_id, l.source_address_id, l.target_address_id FROM address_lineage l
    WHERE l.last_seen_at < p_now - interval '30 days' AND 10 <= (
      SELECT count(*) FROM (
        SELECT FROM pipeline_execution e
        WHERE e.pipeline_id = l.pipeline_id AND e.start_date > l.last_seen_at AND e.completed_successfully LIMIT 10) r)
    LIMIT p_limit FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM address_lineage l USING unseen u
    WHERE (l.pipeline_id, l.source_address_id, l.target_address_id) = (u.pipeline_id, u.source_address_id, u.target_address_id)
    RETURNING l.source_address_id)
  SELECT count(*), array_agg(DISTINCT g.source_address_id) INTO v_edges, v_sources FROM gone g;
  IF v_edges > 0 THEN
    INSERT INTO address_lineage_pending (address_id) SELECT id FROM unnest(v_sources) id ORDER BY id
    ON CONFLICT (address_id) DO UPDATE SET is_expanded = false;
    INSERT INTO job (kind, payload, created_at, due_at) VALUES ('complete_closure', '{}', p_now, p_now) RETURNING id INTO job_id;
  END IF;
  "left" := v_events = p_limit OR v_edges = p_limit;
END
$$;
