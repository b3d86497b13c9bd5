-- Finds what causes the incidents that the events of the job p_job_id opened or reopened, and what they cause: of the incidents that may cause
-- one (cause-pairs.sql) and that nothing causes, the oldest, then the least id. In a cycle of lineage the older one is the cause. An incident
-- that opens after its effects becomes their cause; what was sent stays sent. So there are no cycles: every cause has no cause. IN under
-- NOT is a hashed lookup, whatever number of rows the planner expects.
CREATE FUNCTION :set_causes(p_job_id bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- A failed part explains more than what lies upstream.
  PERFORM :set_part_causes(p_job_id, p_now);
  WITH pair AS MATERIALIZED (SELECT * FROM :cause_pairs(p_job_id, p_now)),
  -- Of two that may cause each other, the older one does.
  valid AS MATERIALIZED (
    SELECT p.* FROM pair p
    WHERE NOT ((p.effect_at, p.effect_id) < (p.root_at, p.root_id) AND (p.root_id, p.effect_id) IN (SELECT back.effect_id, back.root_id FROM pair back))),
  cause AS (
    SELECT DISTINCT ON (v.effect_id) v.effect_id, v.root_id FROM valid v
    WHERE v.root_id NOT IN (SELECT e.effect_id FROM valid e)
    ORDER BY v.effect_id, v.root_at, v.root_id),
  caused AS (UPDATE incident i SET caused_by = c.root_id FROM cause c WHERE i.id = c.effect_id RETURNING i.id, i.caused_by),
  -- What these have caused is caused by their cause. Who does not hear of that one hears of them now.
  moved AS (
    UPDATE incident i SET caused_by = c.caused_by FROM caused c WHERE i.caused_by = c.id AND i.resolved_at IS NULL AND i.id <> c.caused_by RETURNING i.id)
  UPDATE incident_event e SET notify_job_id = p_job_id FROM moved m WHERE e.incident_id = m.id AND e.kind IN ('opened', 'reopened');
END
$$;
