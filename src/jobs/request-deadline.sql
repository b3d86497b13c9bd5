-- Records the job `check_deadlines` for the minute after p_at, if that is before the next quarter-hourly tick: the tick finds later
-- ones. At most one job for each minute. Returns its id, for the caller to send; null if there is nothing to send.
CREATE FUNCTION :request_deadline(p_at timestamptz, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_minute timestamptz := date_trunc('minute', p_at) + interval '1 minute';
  v_id bigint;
BEGIN
  IF p_at > p_now AND p_at <= date_bin('15 minutes', p_now, 'epoch') + interval '15 minutes' THEN
    INSERT INTO job (kind, payload, unique_key, created_at, due_at)
    VALUES ('check_deadlines', '{}', 'check_deadlines ' || to_char(v_minute AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), p_now, v_minute)
    ON CONFLICT DO NOTHING
    RETURNING id INTO v_id;
  END IF;
  RETURN v_id;
END
$$;
