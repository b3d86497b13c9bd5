-- Merges what is known of a run, a job or a dataset. A fact is {"k": key, "v": value}; of two facts of one name the one with the greater key
-- stays. So the order in which events arrive does not matter, nor how often. Keys of one name are arrays of equal length: numbers and hashes.
CREATE FUNCTION :merge_facts(p_known jsonb, p_new jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT p_known || coalesce(
    (SELECT jsonb_object_agg(n.key, n.value) FROM jsonb_each(p_new) n
     WHERE p_known -> n.key IS NULL OR n.value -> 'k' > p_known -> n.key -> 'k'), '{}')
$$;
