-- Records the job that reads a new schedule and finds its next time. Returns its id, for the caller to send.
CREATE FUNCTION :request_schedule_check(p_now timestamptz) RETURNS bigint
LANGUAGE sql AS $$
  INSERT INTO job (kind, payload, created_at, due_at) VALUES ('check_schedules', '{}', p_now, p_now) RETURNING id
$$;
