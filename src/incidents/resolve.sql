-- Resolves an open incident, writes its event and has people told. p_by is `auto`, `muted`, or the name of a token; p_text says how it
-- came right. p_quiet: channels that people read hear nothing of it, for example because a worse message takes its place.
-- Returns true, or false if it was resolved before.
CREATE FUNCTION :resolve_incident(p_id bigint, p_by text, p_text text, p_now timestamptz, p_quiet boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  UPDATE incident SET state = 'resolved', resolved_at = greatest(p_now, detected_at), resolved_by = p_by
  WHERE id = p_id AND resolved_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM :record_incident_event(p_id, 'resolved', nullif(nullif(p_by, 'auto'), 'muted'), p_text, true, p_quiet OR p_by = 'muted', NULL, p_now);
  RETURN true;
END
$$;
