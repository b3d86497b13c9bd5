-- The metric `rows_ratio` of a good run: its total_rows, divided by those of the runs of its input pipelines that it may have read. Input
-- pipelines write an address that the run's pipeline reads, by the lineage as it is now. Read are their good runs that started since the
-- pipeline's good run before, up to its own start, and that ended before it ended. null: one of these runs, or the run itself, reports no
-- rows; it is the first good run; the inputs have no rows, or more than 200 runs (then the two have no common rhythm).
-- Index Scans on pipeline_execution_of_pipeline_by_start.
CREATE FUNCTION :rows_ratio(p_id bigint) RETURNS double precision
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_run record;
  v_before timestamptz;
  v_read record;
BEGIN
  SELECT e.pipeline_id, e.start_date, e.end_date, e.total_rows INTO v_run FROM pipeline_execution e
  WHERE e.id = p_id AND e.completed_successfully AND e.total_rows IS NOT NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT e.start_date INTO v_before FROM pipeline_execution e
  WHERE e.pipeline_id = v_run.pipeline_id AND e.completed_successfully AND e.start_date < v_run.start_date
  ORDER BY e.start_date DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT count(*) AS runs, count(r.total_rows) AS known, sum(r.total_rows) AS rows INTO v_read
  FROM (
    SELECT e.total_rows
    FROM (
      SELECT DISTINCT w.pipeline_id FROM address_lineage l JOIN address_lineage w ON w.target_address_id = l.source_address_id
      WHERE l.pipeline_id = v_run.pipeline_id AND w.pipeline_id <> l.pipeline_id) input
    JOIN pipeline_execution e ON e.pipeline_id = input.pipeline_id
    WHERE e.completed_successfully AND e.start_date > v_before AND e.start_date <= v_run.start_date AND e.end_date <= v_run.end_date
    LIMIT 201) r;
  IF v_read.known < v_read.runs OR v_read.runs > 200 THEN
    RETURN NULL;
  END IF;
  RETURN v_run.total_rows::double precision / nullif(v_read.rows, 0)::double precision;
END
$$;
