-- The times at which a pipeline must have started again by its interval: counted from p_last_start, else, if it has never started, from
-- p_from, when the interval was set. A changed or newly active schedule begins with the first of them after p_from. Answers the times
-- after p_after, oldest first, at most p_count; p_after null: all after p_from.
-- The longest month and year give where to begin counting, so that a long silence costs no more than a short one.
CREATE FUNCTION :interval_slots(
  p_last_start timestamptz, p_from timestamptz, p_number integer, p_datepart text, p_after timestamptz, p_count integer) RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS $$
  SELECT slot.at
  FROM (
    SELECT coalesce(p_last_start, p_from) AS anchor, greatest(p_from, p_after) AS after,
      p_number * (CASE p_datepart WHEN 'month' THEN 31 * 86400 WHEN 'year' THEN 366 * 86400
        ELSE extract(epoch FROM ('1 ' || p_datepart)::interval) END) AS longest) known
  CROSS JOIN LATERAL (
    SELECT greatest(1, floor(extract(epoch FROM known.after - known.anchor) / known.longest))::bigint AS first) k
  -- The estimate is at most a fiftieth too low.
  CROSS JOIN LATERAL generate_series(k.first, k.first + k.first / 30 + p_count + 1) n
  CROSS JOIN LATERAL (
    SELECT ((known.anchor AT TIME ZONE 'UTC') + n * p_number * ('1 ' || p_datepart)::interval) AT TIME ZONE 'UTC' AS at) slot
  WHERE slot.at > known.after
  ORDER BY slot.at
  LIMIT p_count
$$;
