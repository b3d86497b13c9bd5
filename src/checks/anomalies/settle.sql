-- Records that p_clean_ids, rules of a pipeline, have found the execution p_execution_id normal: each keeps the last run that it judged, and the
-- last one of them that was normal, in the order of (end, id). Resolves the pipeline's incident `anomaly` if no active rule is left that
-- flagged a run and has found no later one normal; so it is also called, without rules, when a rule is deactivated. Returns true if it
-- resolved the incident.
CREATE FUNCTION :settle_anomalies(p_pipeline_id bigint, p_execution_id bigint, p_clean_ids bigint[], p_text text, p_now timestamptz)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  v_end timestamptz;
  v_incident incident;
BEGIN
  SELECT e.end_date INTO v_end FROM pipeline_execution e WHERE e.id = p_execution_id;
  UPDATE anomaly_detection_rule r SET judged_end = v_end, judged_id = p_execution_id
  WHERE r.id = ANY (p_clean_ids) AND (r.judged_end IS NULL OR (v_end, p_execution_id) > (r.judged_end, r.judged_id));
  UPDATE anomaly_detection_rule r SET clean_end = v_end, clean_id = p_execution_id
  WHERE r.id = ANY (p_clean_ids) AND (r.clean_end IS NULL OR (v_end, p_execution_id) > (r.clean_end, r.clean_id));

  SELECT * INTO v_incident FROM incident i
  WHERE coalesce(i.pipeline_id, 0) = p_pipeline_id AND i.kind = 'anomaly' AND i.resolved_at IS NULL;
  IF NOT FOUND OR EXISTS (
    SELECT FROM anomaly_detection_rule r JOIN anomaly_detection_result f ON f.rule_id = r.id
    JOIN pipeline_execution e ON e.id = f.pipeline_execution_id
    WHERE r.pipeline_id = p_pipeline_id AND r.active AND f.detected_at >= v_incident.detected_at
      AND (r.clean_end IS NULL OR (e.end_date, e.id) > (r.clean_end, r.clean_id))) THEN
    RETURN false;
  END IF;
  RETURN :resolve_incident(v_incident.id, 'auto', p_text, p_now);
END
$$;
