-- Records the job `check_deadlines` for the minute after p_at, if that is before the next quarter-hourly tick: the tick finds later
-- ones. At most one job for each minute. Returns its id, for the caller to send; null if there is nothing to send.
CREATE FUNCTION :request_deadline(p_at timestamptz, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  IF p_at > p_now AND p_at <= date_bin('15 minutes', p_now, 'epoch') + interval '15 minutes' THEN
    RETURN :record_deadlines(date_trunc('minute', p_at) + interval '1 minute', p_now);
  END IF;
  RETURN NULL;
END
$$;
