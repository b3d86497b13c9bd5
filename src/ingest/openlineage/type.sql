-- The pipeline type of this name; made if it is new.
CREATE FUNCTION :openlineage_type(p_name text, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
BEGIN
  SELECT t.id INTO v_id FROM pipeline_type t WHERE lower(t.name) = lower(p_name);
  IF NOT FOUND THEN
    INSERT INTO pipeline_type (name, created_at) VALUES (p_name, p_now) ON CONFLICT DO NOTHING;
    SELECT t.id INTO v_id FROM pipeline_type t WHERE lower(t.name) = lower(p_name);
  END IF;
  RETURN v_id;
END
$$;
