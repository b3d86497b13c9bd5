-- Deletes a silence; what it holds is told now: its later jobs become due. `outcome` is `ended`, with the jobs to send, or `unknown`.
-- What puts messages off holds the silence's row (put-off.sql), so their jobs are there when it is gone.
CREATE FUNCTION :end_silence(p_id bigint, p_now timestamptz, OUT outcome text, OUT job_ids bigint[])
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM silence s WHERE s.id = p_id;
  outcome := CASE WHEN FOUND THEN 'ended' ELSE 'unknown' END;
  WITH due AS (
    UPDATE job j SET due_at = p_now WHERE outcome = 'ended' AND j.unique_key LIKE 'silence ' || p_id || ' %' AND j.state = 'waiting' RETURNING j.id)
  SELECT array_agg(due.id) INTO job_ids FROM due;
END
$$;
