-- Resolves an open incident, and writes its event. p_by is `auto`, `muted`, or the name of a token; p_text says how it came right.
-- Returns true, or false if it was resolved before.
CREATE FUNCTION :resolve_incident(p_id bigint, p_by text, p_text text, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE incident SET state = 'resolved', resolved_at = greatest(p_now, detected_at), resolved_by = p_by
  WHERE id = p_id AND resolved_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO incident_event (incident_id, kind, at, by, text)
  VALUES (p_id, 'resolved', p_now, nullif(nullif(p_by, 'auto'), 'muted'), p_text);
  RETURN true;
END
$$;
