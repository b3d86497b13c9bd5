-- Records a job that looks at all deadlines within a minute, after a change of settings, which may bring some nearer. It shares the job that a
-- deadline of that minute records (request-deadline.sql): a deployment may post thousands of pipelines. Returns its id, for the caller to
-- send; null if it is recorded already.
CREATE FUNCTION :request_deadlines(p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_minute timestamptz := date_trunc('minute', p_now) + interval '1 minute';
  v_id bigint;
BEGIN
  INSERT INTO job (kind, payload, unique_key, created_at, due_at)
  VALUES ('check_deadlines', '{}', 'check_deadlines ' || to_char(v_minute AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), p_now, v_minute)
  ON CONFLICT DO NOTHING
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$;
