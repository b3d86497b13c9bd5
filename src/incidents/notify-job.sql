-- The job that tells people what this transaction did to incidents, for the caller to send; null if there is nothing to tell.
CREATE FUNCTION :notify_job(p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT j.id FROM job j WHERE j.unique_key = :notify_job_key(p_now));
END
$$;
