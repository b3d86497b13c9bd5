-- True if the last five deliveries of the channel that have ended have all failed (0 is the channel of the environment). A delivery is one
-- message: several notifications may share one. Index Scan Backward on notification_of_channel.
CREATE FUNCTION :channel_is_failing(p_channel_id bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT count(*) = 5 AND bool_and(d.state = 'failed')
  FROM (
    SELECT DISTINCT j.id, j.state
    FROM (SELECT n.job_id FROM notification n WHERE n.channel_id = p_channel_id AND n.state <> 'dropped' ORDER BY n.id DESC LIMIT 200) n
    JOIN job j ON j.id = n.job_id AND j.state IN ('failed', 'succeeded')
    ORDER BY j.id DESC LIMIT 5) d
$$;
