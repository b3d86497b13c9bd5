-- The key of a transaction's `notify` job. The time is part of it because a restored database counts its transactions anew.
CREATE FUNCTION :notify_job_key(p_now timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT 'notify ' || pg_current_xact_id() || ' ' || extract(epoch FROM p_now)
$$;
