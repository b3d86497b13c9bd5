-- Records a job that looks at all deadlines, after a change of settings, which may bring some nearer. Changes of five seconds share one: a
-- deployment may post thousands of pipelines. Returns its id, for the caller to send; null if it is recorded already.
CREATE FUNCTION :request_deadlines(p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_at timestamptz := date_bin('5 seconds', p_now, 'epoch') + interval '5 seconds';
  v_id bigint;
BEGIN
  INSERT INTO job (kind, payload, unique_key, created_at, due_at)
  VALUES ('check_deadlines', '{}', 'check_deadlines at ' || extract(epoch FROM v_at), p_now, v_at)
  ON CONFLICT DO NOTHING
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$;
