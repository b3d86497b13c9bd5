-- How far the watermark p_to lies beyond p_from: in units where both are integers, in seconds where both are ISO 8601 instants (a date is its
-- midnight; without an offset: UTC). Exact, whatever the number of digits. null if one is null, or if they cannot be compared: other text has
-- no order that its pipeline is known to mean.
CREATE FUNCTION :watermark_distance(p_from text, p_to text) RETURNS numeric
LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
DECLARE
  c_integer CONSTANT text := '^[+-]?\d+$';
  c_instant CONSTANT text := '^\d{4}-\d\d-\d\d([T ]\d\d:?\d\d(:?\d\d([.,]\d+)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?$';
BEGIN
  IF p_from ~ c_integer AND p_to ~ c_integer THEN
    RETURN p_to::numeric - p_from::numeric;
  END IF;
  IF p_from ~ c_instant AND p_to ~ c_instant THEN
    -- Fractions apart: a timestamptz keeps six digits, and clients have nanoseconds.
    RETURN extract(epoch FROM regexp_replace(p_to, '[.,]\d+', '')::timestamptz - regexp_replace(p_from, '[.,]\d+', '')::timestamptz)
      + coalesce('0.' || substring(p_to FROM '[.,](\d+)'), '0')::numeric - coalesce('0.' || substring(p_from FROM '[.,](\d+)'), '0')::numeric;
  END IF;
  RETURN NULL;
EXCEPTION WHEN data_exception THEN
  -- It looks like an instant, but there is no 31 February.
  RETURN NULL;
END
$$;
