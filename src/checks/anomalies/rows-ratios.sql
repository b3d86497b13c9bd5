-- The metric `rows_ratio` of a pipeline's good runs (p_ids, at most some thousands), as an object by their ids: a run's total_rows, divided by
-- those of its input pipelines' good runs that ended since the pipeline's good run before it ended, until it ended itself. So each run of an
-- input counts once. Input pipelines write an address that the pipeline reads, by the lineage as it is now. A run is missing if one of these
-- runs, or the run itself, reports no rows; if it is the first good run; or if the inputs have no rows, or more than 200 runs together (then
-- there is no common rhythm). Runs of inputs that take longer than a day, and all if there are more than 100,000, do not count. One read of
-- the inputs: Index Scans on pipeline_execution_of_pipeline_by_start; sums up to each end by one sort.
CREATE FUNCTION :rows_ratios(p_pipeline_id bigint, p_ids bigint[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  WITH run AS MATERIALIZED (
    SELECT e.id, e.end_date, e.total_rows, b.end_date AS before_end
    FROM pipeline_execution e
    CROSS JOIN LATERAL (
      SELECT x.end_date FROM pipeline_execution x
      WHERE x.pipeline_id = p_pipeline_id AND x.completed_successfully AND x.start_date < e.start_date
      ORDER BY x.start_date DESC LIMIT 1) b
    WHERE e.id = ANY (p_ids) AND e.completed_successfully AND e.total_rows IS NOT NULL),
  span AS MATERIALIZED (SELECT min(before_end) - interval '1 day' AS first, max(end_date) AS last FROM run),
  read AS MATERIALIZED (
    SELECT e.end_date, e.total_rows
    FROM (
      SELECT DISTINCT w.pipeline_id FROM address_lineage l JOIN address_lineage w ON w.target_address_id = l.source_address_id
      WHERE l.pipeline_id = p_pipeline_id AND w.pipeline_id <> p_pipeline_id) input
    CROSS JOIN span JOIN pipeline_execution e ON e.pipeline_id = input.pipeline_id
    WHERE e.completed_successfully AND e.start_date > span.first AND e.start_date <= span.last
    LIMIT 100001),
  point AS (
    SELECT r.end_date AS at, true AS is_read, r.total_rows, NULL::bigint AS id, false AS is_end FROM read r
    UNION ALL SELECT r.end_date, false, NULL, r.id, true FROM run r
    UNION ALL SELECT r.before_end, false, NULL, r.id, false FROM run r),
  summed AS (
    SELECT p.id, p.is_read, p.is_end, sum(p.total_rows) OVER until AS rows, count(*) FILTER (WHERE p.is_read) OVER until AS runs, count(p.total_rows) OVER until AS known
    FROM point p
    -- What ended at the same moment is read.
    WINDOW until AS (ORDER BY p.at, NOT p.is_read ROWS UNBOUNDED PRECEDING))
  SELECT coalesce(jsonb_object_agg(run.id, run.total_rows::double precision / (e.rows - coalesce(b.rows, 0))::double precision), '{}')
  FROM run JOIN summed e ON e.id = run.id AND e.is_end JOIN summed b ON b.id = run.id AND NOT b.is_end AND NOT b.is_read
  WHERE e.rows - coalesce(b.rows, 0) > 0 AND e.runs - b.runs = e.known - b.known AND e.runs - b.runs <= 200 AND (SELECT count(*) FROM read) <= 100000
$$;
