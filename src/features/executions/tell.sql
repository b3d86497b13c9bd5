-- Records the job that tells another service of a run: p_event is `START` or `END`. Returns its id, for the caller to send.
CREATE FUNCTION :tell_run(p_execution_id bigint, p_event text, p_now timestamptz) RETURNS bigint
LANGUAGE sql AS $$
  INSERT INTO job (kind, payload, created_at, due_at)
  VALUES ('send_openlineage', jsonb_build_object('pipeline_execution_id', p_execution_id, 'event', p_event), p_now, p_now)
  RETURNING id
$$;
