-- An incident as messages need it, as JSON: with its pipeline's name, owner and runbook, what causes it, how often it was
-- opened again, how many open incidents it causes, the first 20 of these (of one that is over, also those that are over),
-- and how many pipelines read what its pipeline writes, at any distance (index scans on the closure).
CREATE FUNCTION :told_incident(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(told) FROM (
    SELECT i.id, i.kind, i.subject, i.severity, i.state, i.pipeline_id, p.name AS pipeline_name, coalesce(p.owner, t.owner) AS owner,
      coalesce(p.runbook_url, t.runbook_url) AS runbook_url, i.opened_at, i.detected_at, i.acknowledged_at, i.acknowledged_by, i.resolved_at,
      i.resolved_by, i.occurrences, i.last_occurrence_at, i.first_execution_id, i.last_execution_id, i.last_success_at, i.details, i.caused_by,
      (SELECT jsonb_build_object('kind', r.kind, 'pipeline_name', rp.name) FROM incident r JOIN pipeline rp ON rp.id = r.pipeline_id WHERE r.id = i.caused_by) AS cause,
      (SELECT count(*) FROM incident_event r WHERE r.incident_id = i.id AND r.kind = 'reopened') AS reopenings,
      (SELECT count(*) FROM incident x WHERE x.caused_by = i.id AND x.resolved_at IS NULL) AS effects,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', x.kind, 'pipeline_name', x.name, 'is_open', x.is_open)), '[]') FROM (
        SELECT x.kind, xp.name, x.resolved_at IS NULL AS is_open FROM incident x JOIN pipeline xp ON xp.id = x.pipeline_id
        WHERE x.caused_by = i.id AND (x.resolved_at IS NULL OR i.resolved_at IS NOT NULL AND x.last_occurrence_at >= i.opened_at)
        ORDER BY x.resolved_at IS NOT NULL, x.id LIMIT 20) x) AS caused,
      (SELECT count(DISTINCT reader.pipeline_id)
        FROM (SELECT DISTINCT w.target_address_id FROM address_lineage w WHERE w.pipeline_id = i.pipeline_id) written
        JOIN address_lineage_closure c ON c.source_address_id = written.target_address_id
        JOIN address_lineage reader ON reader.source_address_id = c.target_address_id
        WHERE reader.pipeline_id <> i.pipeline_id) AS downstream
    FROM incident i LEFT JOIN pipeline p ON p.id = i.pipeline_id LEFT JOIN pipeline_type t ON t.id = p.pipeline_type_id
    WHERE i.id = p_id) told
$$;
