-- True if the last five deliveries of the channel that have ended have all failed (0 is the channel of the environment). A delivery is one
-- message: several notifications may share one. It looks at the channel's last 2,000 notifications: Index Scan Backward on
-- notification_of_channel.
CREATE FUNCTION :channel_is_failing(p_channel_id bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT count(*) = 5 AND bool_and(d.state = 'failed')
  FROM (
    SELECT DISTINCT e.id, e.state
    FROM (
      SELECT j.id, j.state FROM notification n JOIN job j ON j.id = n.job_id AND j.state IN ('failed', 'succeeded')
      WHERE n.channel_id = p_channel_id AND n.state <> 'dropped' ORDER BY n.id DESC LIMIT 2000) e
    ORDER BY e.id DESC LIMIT 5) d
$$;
