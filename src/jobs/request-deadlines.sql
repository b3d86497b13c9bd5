-- Records a job that looks at all deadlines at once: after a change of settings, which may bring some nearer. Returns its id, for the
-- caller to send.
CREATE FUNCTION :request_deadlines(p_now timestamptz) RETURNS bigint
LANGUAGE sql AS $$
  INSERT INTO job (kind, payload, created_at, due_at) VALUES ('check_deadlines', '{}', p_now, p_now) RETURNING id
$$;
