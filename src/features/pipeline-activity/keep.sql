-- Brings `pipeline_activity` up to date, for at most p_limit pipelines after the id p_after. It reads the last start of each active
-- pipeline (Index Scan Backward on pipeline_execution_of_pipeline_by_start), and the last 50 runs of those that have started again, were
-- running, or have a run that was reported in the last 20 minutes: it may have begun before the last one. Returns the last id it looked at, or null if there are no more.
CREATE FUNCTION :keep_activity(p_after bigint, p_limit integer, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_last bigint;
BEGIN
  SELECT max(p.id) INTO v_last FROM (SELECT q.id FROM pipeline q WHERE q.id > p_after ORDER BY q.id LIMIT p_limit) p;
  INSERT INTO pipeline_activity AS a (
    pipeline_id, last_start_at, last_end_at, last_succeeded, last_success_at, typical_seconds, longest_seconds, typical_rows, is_running)
  SELECT p.id, latest.start_date, runs.last_end_at, coalesce(runs.last_succeeded, false),
    coalesce(runs.last_success_at, CASE WHEN known.pipeline_id IS NULL THEN (SELECT s.end_date FROM :last_success(p.id) s) END), runs.typical_seconds,
    runs.longest_seconds, runs.typical_rows, runs.is_running
  FROM pipeline p
  LEFT JOIN pipeline_activity known ON known.pipeline_id = p.id
  CROSS JOIN LATERAL (
    SELECT e.start_date FROM pipeline_execution e WHERE e.pipeline_id = p.id ORDER BY e.start_date DESC LIMIT 1) latest
  CROSS JOIN LATERAL (
    SELECT max(r.end_date) AS last_end_at,
      (array_agg(r.completed_successfully ORDER BY r.end_date DESC, r.id DESC) FILTER (WHERE r.end_date IS NOT NULL))[1] AS last_succeeded,
      max(r.end_date) FILTER (WHERE r.completed_successfully) AS last_success_at,
      percentile_disc(0.5) WITHIN GROUP (ORDER BY r.duration_seconds) FILTER (WHERE r.completed_successfully) AS typical_seconds,
      CASE WHEN count(*) FILTER (WHERE r.completed_successfully) >= 5
        THEN max(r.duration_seconds) FILTER (WHERE r.completed_successfully) END AS longest_seconds,
      percentile_disc(0.5) WITHIN GROUP (ORDER BY r.total_rows) FILTER (WHERE r.completed_successfully) AS typical_rows,
      bool_or(r.end_date IS NULL) AS is_running
    FROM (
      SELECT e.id, e.end_date, e.completed_successfully, e.duration_seconds, e.total_rows FROM pipeline_execution e
      WHERE e.pipeline_id = p.id ORDER BY e.start_date DESC LIMIT 50) r) runs
  WHERE p.id > p_after AND p.id <= v_last AND p.active
    AND (known.pipeline_id IS NULL OR known.is_running OR known.last_start_at <> latest.start_date OR p_now - interval '20 minutes' < (
      SELECT e.created_at FROM pipeline_execution e WHERE e.pipeline_id = p.id ORDER BY e.id DESC LIMIT 1))
  ON CONFLICT (pipeline_id) DO UPDATE SET
    last_start_at = excluded.last_start_at, last_end_at = excluded.last_end_at, last_succeeded = excluded.last_succeeded,
    -- A success before the last 50 runs stays known.
    last_success_at = greatest(excluded.last_success_at, a.last_success_at),
    typical_seconds = coalesce(excluded.typical_seconds, a.typical_seconds),
    longest_seconds = coalesce(excluded.longest_seconds, a.longest_seconds), typical_rows = coalesce(excluded.typical_rows, a.typical_rows), is_running = excluded.is_running;
  RETURN v_last;
END
$$;
