-- True if an open incident may be the cause of others: it was detected in the last 24 hours, and nobody has had it for longer.
CREATE FUNCTION :may_cause(p_incident incident, p_now timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT p_incident.detected_at > p_now - interval '24 hours'
    AND (p_incident.acknowledged_at IS NULL OR p_incident.acknowledged_at > p_now - interval '24 hours')
$$;
