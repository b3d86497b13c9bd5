-- Records the job `check_deadlines` for a minute: at most one for each. Returns its id, for the caller to send; null if it is recorded already.
CREATE FUNCTION :record_deadlines(p_minute timestamptz, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
BEGIN
  INSERT INTO job (kind, payload, unique_key, created_at, due_at)
  VALUES ('check_deadlines', '{}', 'check_deadlines ' || to_char(p_minute AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), p_now, p_minute)
  ON CONFLICT DO NOTHING
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$;
