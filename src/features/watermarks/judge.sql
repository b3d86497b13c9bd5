-- Judges what a good run did to its pipeline's watermark, in the transaction of its end, and opens, extends or resolves the incident
-- `watermark`. p_pipeline is the pipeline's row before this end, with a watermark_check and locked; p_execution the run with its end.
-- Runs are judged in the order in which their ends arrive: that is the order in which they move the watermark. Wrong is, the worst first:
-- it went back (`regressed`); the run began beyond where the last good one stopped (`gap`); so many good runs in a row have not moved it
-- (`stalled`; a run that sets it back has not moved it on either). An end of more than 24 hours ago, or of an inactive pipeline, opens nothing.
CREATE FUNCTION :judge_watermark(p_pipeline pipeline, p_execution pipeline_execution, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_next text := coalesce(p_execution.next_watermark, p_pipeline.watermark);
  v_moved numeric := :watermark_distance(p_pipeline.watermark, v_next);
  v_skipped numeric := :watermark_distance(p_pipeline.watermark, p_execution.watermark);
  v_unmoved_runs integer := 0;
  v_reason text;
BEGIN
  IF v_next IS NOT DISTINCT FROM p_pipeline.watermark OR v_moved <= 0 THEN
    v_unmoved_runs := p_pipeline.unmoved_runs + 1;
  END IF;
  IF v_unmoved_runs <> p_pipeline.unmoved_runs THEN
    UPDATE pipeline p SET unmoved_runs = v_unmoved_runs WHERE p.id = p_pipeline.id;
  END IF;
  v_reason := CASE
    WHEN v_moved < 0 AND NOT (p_pipeline.watermark_check -> 'allow_regress')::boolean THEN 'regressed'
    WHEN v_skipped > (p_pipeline.watermark_check ->> 'max_gap')::numeric THEN 'gap'
    WHEN v_unmoved_runs >= (p_pipeline.watermark_check ->> 'stall_runs')::integer THEN 'stalled' END;

  IF v_reason IS NULL THEN
    PERFORM :resolve_incident(i.id, 'auto', 'The watermark of run ' || p_execution.id || ' is in order', p_now)
    FROM incident i WHERE coalesce(i.pipeline_id, 0) = p_pipeline.id AND i.kind = 'watermark' AND i.resolved_at IS NULL;
  ELSIF p_pipeline.active AND NOT p_pipeline.is_step AND p_execution.end_date > p_now - interval '24 hours' THEN
    PERFORM :open_incident(
      p_pipeline_id => p_pipeline.id, p_kind => 'watermark', p_subject => '', p_severity => NULL, p_opened_at => p_execution.end_date,
      p_execution_id => p_execution.id, p_occurrences => 1, p_last_success_at => p_execution.end_date,
      p_details => jsonb_build_object('pipeline_execution_id', p_execution.id, 'reason', v_reason, 'stopped', p_pipeline.watermark,
        'began', p_execution.watermark, 'next', v_next, 'runs', v_unmoved_runs),
      p_now => p_now);
  END IF;
END
$$;
