import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Create or get, start, end, lineage. */

const create = faultsIn(
  at.CREATE,
  [at.PIPELINE_TESTS],
  [
    [
      'a lost race on the configuration writes it again',
      ' AND p.config_hash IS DISTINCT FROM p_config_hash',
      '',
      { only: 'many post it at once' },
    ],
    [
      'who has lost a race answers nothing',
      'CONTINUE WHEN NOT FOUND; -- another call',
      '-- another call',
      { only: 'many post it at once' },
    ],
    ['a changed configuration is never written', 'IF FOUND AND v_pipeline.config_hash = p_config_hash THEN', 'IF FOUND THEN'],
    ['an unchanged next watermark writes a row', 'p_next_watermark IS DISTINCT FROM v_pipeline.next_watermark AND ', ''],
    [
      'a changed configuration takes the next watermark away',
      'next_watermark = coalesce(p_next_watermark, p.next_watermark),',
      'next_watermark = p_next_watermark,',
    ],
    [
      'a field that is not in the body is reset',
      "coalesce((p_config ->> 'full_load')::boolean, p.full_load)",
      "coalesce((p_config ->> 'full_load')::boolean, false)",
    ],
    [
      'null switches a check off',
      "coalesce((p_config ->> 'freshness_number')::integer, p.freshness_number)",
      "(p_config ->> 'freshness_number')::integer",
    ],
    [
      'a name in another case is another pipeline',
      'WHERE lower(p.name) = lower(p_name);',
      'WHERE p.name = p_name;',
      { only: 'in any case' },
    ],
    ['every new pipeline gets rules', 'IF p_create_rules THEN', 'IF true THEN', { only: 'rule per metric' }],
    ['a new pipeline has no next watermark', 'p_name, v_type_id, p_next_watermark, p_config', 'p_name, v_type_id, NULL, p_config'],
  ],
)

const createCall = faultsIn(
  at.PIPELINES,
  [at.PIPELINE_TESTS],
  [
    ['the case of a type name is a change', 'pipeline_type_name: pipeline_type_name.toLowerCase() }', 'pipeline_type_name }'],
    [
      'a page begins with the last row of the one before',
      'gt(pipeline.id, filters.after_id)',
      'sql`${pipeline.id} >= ${filters.after_id}`',
      { tests: [at.PAGING_TESTS], only: 'leads through every list' },
    ],
    ['the filter by activity is forgotten', 'eq(pipeline.active, filters.active)', 'undefined', { only: 'filters by name' }],
  ],
)

const configAsCode = faultsIn(
  at.CONFIG_AS_CODE,
  [at.ADDRESS_TESTS],
  [
    ['an unchanged address is written again', 'sql`r.config_hash is distinct from ${hash[1]}`', 'sql`true`'],
    ['two at once create two, or fail', '        on conflict do nothing\n', '', { only: 'same moment' }],
    [
      'a type made in passing is overwritten by a post that says nothing',
      'r.config_hash is not null and r.config_hash <>',
      'r.config_hash is distinct from',
    ],
  ],
)

const start = faultsIn(
  at.START,
  [at.EXECUTION_TESTS],
  [
    [
      'a pipeline is not found by its name in another case',
      'WHERE lower(p.name) = lower(p_pipeline_name)',
      'WHERE p.name = p_pipeline_name',
      { only: 'finds the pipeline by name' },
    ],
    ["the pipeline's full load is ignored", 'coalesce(p_full_load, v_pipeline.full_load)', 'coalesce(p_full_load, false)'],
    ["the pipeline's watermark is ignored", 'coalesce(p_watermark, v_pipeline.watermark)', 'p_watermark'],
    [
      'the pipeline comes before the body',
      'coalesce(p_next_watermark, v_pipeline.next_watermark)',
      'coalesce(v_pipeline.next_watermark, p_next_watermark)',
    ],
    ['the closure counts one level too few', 'c.depth + 1 FROM', 'c.depth FROM', { only: 'nested runs' }],
    [
      'the closure holds the parent alone',
      'WHERE c.descendant_id = p_parent_id',
      'WHERE c.descendant_id = p_parent_id AND c.depth = 0',
      { only: 'nested runs' },
    ],
    [
      'a start below an unknown parent is taken',
      'WHERE e.id = p_parent_id) THEN',
      'WHERE e.id = p_parent_id) AND false THEN',
      { survives: 'the foreign key refuses it as well, with the same answer' },
    ],
    [
      'a key counts for all pipelines',
      'WHERE e.pipeline_id = v_pipeline.id AND e.idempotency_key = p_key',
      'WHERE e.idempotency_key = p_key',
      { tests: [at.RETRY_TESTS] },
    ],
    [
      'a start is a repetition for ten minutes',
      "e.created_at > p_now - interval '5 minutes'",
      "e.created_at > p_now - interval '10 minutes'",
      { tests: [at.RETRY_TESTS] },
    ],
    [
      'a start with another parent is a repetition',
      'AND coalesce(e.parent_id, 0) = coalesce(p_parent_id, 0) AND e.created_at > p_now',
      'AND e.created_at > p_now',
      { tests: [at.RETRY_TESTS] },
    ],
    [
      'two starts at once fail',
      '    ON CONFLICT DO NOTHING\n    RETURNING pipeline_execution.id',
      '    RETURNING pipeline_execution.id',
      { tests: [at.RETRY_TESTS] },
    ],
  ],
)

const startCall = faultsIn(
  at.START_CALL,
  [at.RETRY_TESTS],
  [
    [
      'a start on the full second is a repetition',
      'body.start_date !== undefined && hasFraction(body.start_date)',
      'body.start_date !== undefined',
    ],
    ['a repetition is told as a new run', "created: outcome === 'created'", 'created: true'],
  ],
)

const end = faultsIn(
  at.END,
  [at.EXECUTION_TESTS],
  [
    [
      'an end out of order moves the last insert back',
      'greatest(p.last_target_insert, v_execution.end_date)',
      'v_execution.end_date',
      { only: 'later insert' },
    ],
    [
      'an end out of order moves the last update back',
      'greatest(p.last_target_update, v_execution.end_date)',
      'v_execution.end_date',
      { only: 'later insert' },
    ],
    [
      'an end out of order moves the last delete back',
      'greatest(p.last_target_soft_delete, v_execution.end_date)',
      'v_execution.end_date',
      { only: 'later insert' },
    ],
    ['0 inserts are a change', 'CASE WHEN p_inserts > 0', 'CASE WHEN p_inserts >= 0', { only: 'dates the last' }],
    ['0 updates are a change', 'CASE WHEN p_updates > 0', 'CASE WHEN p_updates >= 0', { only: 'dates the last' }],
    ['0 deletes are a change', 'CASE WHEN p_soft_deletes > 0', 'CASE WHEN p_soft_deletes >= 0', { only: 'dates the last' }],
    [
      'a run with updates alone dates nothing',
      "OR p_updates > 0 AND v_execution.end_date > coalesce(p.last_target_update, '-infinity')",
      '',
      { only: 'dates the last' },
    ],
    ['every end writes the pipeline', 'AND (p.load_lineage OR coalesce', 'AND (true OR coalesce', { only: 'leaves the row' }],
    ['lineage is asked for again and again', 'load_lineage = false\n', 'load_lineage = p.load_lineage\n'],
    [
      "the watermark becomes the pipeline's next one, not the run's",
      'watermark = coalesce(v_execution.next_watermark, p.watermark),',
      'watermark = coalesce(p.next_watermark, p.watermark),',
    ],
    ['a failed run moves the watermark', 'IF NOT p_succeeded THEN', 'IF false THEN'],
    ['a duration is cut, not rounded', 'round(v_seconds)', 'floor(v_seconds)', { only: 'rounded seconds' }],
    ['a run of no second has a throughput', 'nullif(v_seconds, 0)', 'greatest(v_seconds, 1)', { only: 'throughput' }],
    ['throughput is by whole seconds', 'nullif(v_seconds, 0)', 'nullif(round(v_seconds), 0)', { only: 'throughput' }],
    [
      "the start's metadata comes before the end's",
      "coalesce(e.execution_metadata, '{}') || p_metadata",
      "p_metadata || coalesce(e.execution_metadata, '{}')",
      { only: 'merged metadata' },
    ],
    [
      'a fast clock makes an end impossible',
      'coalesce(p_end_date, greatest(p_now, v_execution.start_date))',
      'coalesce(p_end_date, p_now)',
      { only: 'fast clock' },
    ],
    [
      'an end at the moment of the start is refused',
      'v_execution.end_date < v_execution.start_date',
      'v_execution.end_date <= v_execution.start_date',
    ],
    ['a second end is taken', 'IF v_execution.completed_successfully IS NOT NULL THEN', 'IF false THEN', { tests: [at.RETRY_TESTS] }],
    [
      'another outcome is taken for the same',
      'WHEN v_execution.completed_successfully <> p_succeeded THEN',
      'WHEN false THEN',
      { tests: [at.RETRY_TESTS], only: 'another outcome' },
    ],
    [
      'other counts of a second end pass without a word',
      'OR p_updates IS NOT NULL AND p_updates IS DISTINCT FROM v_execution.updates',
      '',
      { tests: [at.RETRY_TESTS] },
    ],
    ['two ends at once are both taken', ' FOR NO KEY UPDATE', '', { tests: [at.RETRY_TESTS], only: 'sent again' }],
    ['an ended run still guards its start', 'guards_start = false, inserts', 'inserts', { tests: [at.RETRY_TESTS] }],
    [
      'a rule that is not active makes a job',
      'r.pipeline_id = v_execution.pipeline_id AND r.active',
      'r.pipeline_id = v_execution.pipeline_id',
      { only: 'anomaly job' },
    ],
    [
      'a rule of another pipeline makes a job',
      'WHERE r.pipeline_id = v_execution.pipeline_id AND r.active',
      'WHERE r.active',
      { only: 'anomaly job' },
    ],
  ],
)

const endCall = faultsIn(
  at.END_CALL,
  [at.RETRY_TESTS],
  [
    [
      'an end without an outcome is a failure',
      'body.completed_successfully ?? true',
      'body.completed_successfully ?? false',
      { tests: [at.EXECUTION_TESTS] },
    ],
  ],
)

const closure = faultsIn(
  at.LINEAGE,
  [at.CLOSURE_TESTS],
  [
    [
      'an edge that another pipeline owns as well vanishes',
      'o.source_address_id = d.source AND o.target_address_id = d.target AND o.pipeline_id <> p_pipeline_id',
      'false',
      { only: 'is what a search finds', survives: 'it only costs: distances are made anew from the edges that are left' },
    ],
    ['a lost path stays', 'WHERE x.old_depth = x.through;', 'WHERE x.old_depth > x.through;', { only: 'is what a search finds' }],
    [
      'a path through a new edge is one too short',
      'min(u.depth + 1 + d.depth) AS depth',
      'min(u.depth + d.depth) AS depth',
      { only: 'is what a search finds' },
    ],
    [
      'a detour is one too long',
      'SELECT DISTINCT x.source, x.target, v_depth + 1',
      'SELECT DISTINCT x.source, x.target, v_depth + 2',
      { only: 'is what a search finds' },
    ],
    [
      'what is no longer reachable stays',
      'FROM lineage_pair p WHERE p.depth IS NULL));',
      'FROM lineage_pair p WHERE false));',
      { only: 'is what a search finds' },
    ],
    [
      'a lineage that only loses edges is taken for unchanged',
      '             AND count(*) = v_wanted\n',
      '',
      { only: 'is what a search finds' },
    ],
    [
      'two writers do not take turns',
      "PERFORM pg_advisory_xact_lock(hashtextextended('replace_address_lineage', 0));",
      '',
      { only: 'at the same time' },
    ],
  ],
)

const pairs = faultsIn(
  at.LINEAGE_PAIRS,
  [at.LINEAGE_TESTS],
  [
    ['an address is its own neighbour', 'c.depth between 1 and', 'c.depth between 0 and'],
    ['there is no next page', 'limit ${limit + 1} offset', 'limit ${limit} offset'],
    ['the nearest do not come first', 'order by r.depth, r.source_address_id', 'order by r.source_address_id'],
  ],
)

const lineageCall = faultsIn(
  at.LINEAGE_CALL,
  [at.LINEAGE_TESTS],
  [
    ['addresses are made though nobody asked for lineage', 'where p.id = ${pipelineId} and p.load_lineage)', 'where p.id = ${pipelineId})'],
    [
      'lineage is replaced though nobody asked for it',
      'case when p.load_lineage then ${replaceLineage(sources, targets)} end',
      '${replaceLineage(sources, targets)}',
    ],
    [
      'two that make one address at once fail',
      '    order by g.name, g.position\n    on conflict do nothing\n',
      '    order by g.name, g.position\n',
    ],
  ],
)

export const TRACKING = [create, createCall, configAsCode, start, startCall, end, endCall, closure, pairs, lineageCall].flat()
