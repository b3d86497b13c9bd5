-- Records a job that looks at all deadlines within a minute, after a change of settings, which may bring some nearer. It shares the job that a
-- deadline of that minute records (request-deadline.sql): a deployment may post thousands of pipelines. Returns its id, for the caller to
-- send; null if it is recorded already.
CREATE FUNCTION :request_deadlines(p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  RETURN :record_deadlines(date_trunc('minute', p_now) + interval '1 minute', p_now);
END
$$;
