import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Create or get, start, end, lineage. */

const create = faultsIn(
  at.CREATE,
  [at.PIPELINE_TESTS],
  [
    [
      'a lost race on the configuration writes it again',
      ' AND p IS NOT DISTINCT FROM v_pipeline',
      '',
      { only: 'writes a changed configuration once if many' },
    ],
    [
      'a call that loses a race returns no row',
      '    RETURNING * INTO v_pipeline;\n    CONTINUE WHEN NOT FOUND;',
      '    RETURNING * INTO v_pipeline;',
      { only: 'writes a changed configuration once if many' },
    ],
    ['a changed configuration is never written', 'IF FOUND AND v_pipeline.config_hash = p_config_hash THEN', 'IF FOUND THEN'],
    ['an unchanged next watermark writes a row', 'p_next_watermark IS DISTINCT FROM v_pipeline.next_watermark AND ', ''],
    [
      'a changed configuration removes the next watermark',
      'next_watermark = coalesce(p_next_watermark, p.next_watermark),',
      'next_watermark = p_next_watermark,',
    ],
    [
      'a field that is not in the body is reset',
      'v_given := jsonb_populate_record(v_pipeline, p_config);',
      'v_given := jsonb_populate_record(NULL::pipeline, p_config);',
    ],
    [
      'a name in another case is another pipeline',
      'WHERE lower(p.name) = lower(p_name);',
      'WHERE p.name = p_name;',
      { only: 'in any case' },
    ],
    ['every new pipeline gets rules', 'IF p_create_rules THEN', 'IF true THEN', { only: 'rule per metric' }],
    ['a new pipeline has no next watermark', 'p_name, v_type_id, p_next_watermark, v_given', 'p_name, v_type_id, NULL, v_given'],
  ],
)

const createCall = faultsIn(
  at.PIPELINES,
  [at.PIPELINE_TESTS],
  [
    ['the case of a type name is a change', 'pipeline_type_name: pipeline_type_name.toLowerCase() }', 'pipeline_type_name }'],
    ['the filter by active is ignored', "sql`${pipeline.active} = ${param('active')}`", 'sql`true`', { only: 'filters by name' }],
  ],
)

const createAddress = faultsIn(
  at.CREATE_ADDRESS,
  [at.ADDRESS_TESTS],
  [
    ['an unchanged address is written again', 'EXIT WHEN v_address.config_hash = p_config_hash;', ''],
    [
      'two creations at once fail',
      '      ON CONFLICT DO NOTHING\n      RETURNING address.id INTO id;',
      '      RETURNING address.id INTO id;',
      { only: 'pair of itself' },
    ],
  ],
)

const createType = faultsIn(
  at.CREATE_TYPE,
  [at.ADDRESS_TESTS],
  [
    [
      'a post without configuration overwrites a type that was created by reference',
      " OR v_type.config_hash IS NULL AND p_config = '{}'",
      '',
    ],
  ],
)

const days = [
  ...faultsIn(
    at.DAYS,
    [at.DAY_TESTS],
    [
      [
        'a day that is counted again is added to what is there',
        "stored as (${store('whole_day')}),\n      unsummed as (delete from ${pipelineDayTotal} where day between",
        "stored as (${add('whole_day')}),\n      unsummed as (delete from ${pipelineDayTotal} where day between",
      ],
      [
        'a day that is counted again keeps its total of before',
        'unsummed as (delete from ${pipelineDayTotal} where day in (select day from again',
        'unsummed as (delete from ${pipelineDayTotal} where false and day in (select day from again',
      ],
      [
        'hours are added, and their marks stay',
        'unmarked as (delete from ${pipelineDayMark} where start_date >=',
        'unmarked as (delete from ${pipelineDayMark} where false and start_date >=',
      ],
      ['a mark of the open day is dropped', " or day > ${of('closed_through')} and start_date < ${of('counted_until')}", ''],
      ['a mark of a closed day is dropped', "day > ${of('cleaned_through')} and day <= ${of('closed_through')}", 'false'],
      [
        'a day that the cleanup has reached is counted again',
        "select distinct day, pipeline_id from mark where day > ${of('cleaned_through')} and",
        'select distinct day, pipeline_id from mark where',
      ],
      ['counting does not wait for its turn', ', pg_advisory_xact_lock(${sql.raw(TURN_KEY)})', '', { only: 'twice at once' }],
    ],
  ),
  ...faultsIn(
    at.DAYS_READ,
    [at.DAY_TESTS],
    [
      [
        'what is not counted yet is left out',
        '(select e.date_recorded as day, e.pipeline_id, ${daySums} from fresh_run e group by',
        '(select e.date_recorded as day, e.pipeline_id, ${daySums} from fresh_run e where false group by',
      ],
    ],
  ),
  ...faultsIn(
    at.REPORT,
    [at.DAY_TESTS],
    [
      [
        'days without failures do not follow those with some',
        'greatest(0, ${needed} - (select count(*) from ${failing}))',
        '0',
        { only: 'begins, sorted' },
      ],
      ['days with failures come again among those without', 'sql`failures = 0`', 'sql`true`', { only: 'begins, sorted' }],
    ],
  ),
  ...faultsIn(
    at.HISTOGRAM,
    [at.DAY_TESTS],
    [['a bucket is twice as wide', 'const GROWTH = (1 + ERROR) / (1 - ERROR)', 'const GROWTH = ((1 + ERROR) / (1 - ERROR)) ** 2']],
  ),
  ...faultsIn(
    at.END,
    [at.DAY_TESTS],
    [['an end leaves no mark', "IF v_execution.start_date < p_now - interval '30 minutes' THEN", 'IF false THEN']],
  ),
  ...faultsIn(
    at.START,
    [at.DAY_TESTS],
    [['a start leaves no mark', "IF p_start_date < p_now - interval '30 minutes' THEN", 'IF false THEN']],
  ),
  ...faultsIn(
    at.CLEANUP,
    [at.DAY_TESTS],
    [
      [
        'a run is deleted before it is counted',
        'and not exists (select from ${pipelineDayMark} m where m.pipeline_execution_id = e.id)',
        '',
        { survives: 'the cleanup counts all marks before its first batch; this guards against a run that ends between the two' },
      ],
      [
        'the cleanup does not say which days it has reached',
        "where coalesce(cleaned_through, '-infinity') <",
        "where false and coalesce(cleaned_through, '-infinity') <",
      ],
    ],
  ),
]

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
      'the next watermark of the pipeline is preferred to that of the body',
      'coalesce(p_next_watermark, v_pipeline.next_watermark)',
      'coalesce(v_pipeline.next_watermark, p_next_watermark)',
    ],
    ['the closure counts one level too few', 'c.depth + 1 FROM', 'c.depth FROM', { only: 'nested runs' }],
    [
      'the closure has only the parent',
      'WHERE c.descendant_id = p_parent_id',
      'WHERE c.descendant_id = p_parent_id AND c.depth = 0',
      { only: 'nested runs' },
    ],
    ['a start with an unknown parent is accepted', 'WHERE e.id = p_parent_id) THEN', 'WHERE e.id = p_parent_id) AND false THEN'],
    [
      'an idempotency key applies to all pipelines',
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
      'a start on a full second counts as a repetition',
      'body.start_date !== undefined && hasFraction(body.start_date)',
      'body.start_date !== undefined',
    ],
    ['a repetition is reported as a new run', "created: outcome === 'created'", 'created: true'],
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
      { only: 'keeps the later times of insert' },
    ],
    [
      'an end out of order moves the last update back',
      'greatest(p.last_target_update, v_execution.end_date)',
      'v_execution.end_date',
      { only: 'keeps the later times of insert' },
    ],
    [
      'an end out of order moves the last delete back',
      'greatest(p.last_target_soft_delete, v_execution.end_date)',
      'v_execution.end_date',
      { only: 'keeps the later times of insert' },
    ],
    ['0 inserts count as a change', 'CASE WHEN p_inserts > 0', 'CASE WHEN p_inserts >= 0', { only: 'stores the time of the last insert' }],
    ['0 updates count as a change', 'CASE WHEN p_updates > 0', 'CASE WHEN p_updates >= 0', { only: 'stores the time of the last insert' }],
    [
      '0 deletes count as a change',
      'CASE WHEN p_soft_deletes > 0',
      'CASE WHEN p_soft_deletes >= 0',
      { only: 'stores the time of the last insert' },
    ],
    [
      'a run with only updates sets no date',
      "OR p_updates > 0 AND v_execution.end_date > coalesce(p.last_target_update, '-infinity')",
      '',
      { only: 'stores the time of the last insert' },
    ],
    [
      'every end writes the pipeline',
      'AND (p.load_lineage OR coalesce',
      'AND (true OR coalesce',
      { only: 'does not write the row of the pipeline if the' },
    ],
    ['load_lineage is never reset', 'load_lineage = false\n', 'load_lineage = p.load_lineage\n'],
    [
      "the watermark becomes the pipeline's next watermark, not that of the run",
      'watermark = coalesce(v_execution.next_watermark, p.watermark),',
      'watermark = coalesce(p.next_watermark, p.watermark),',
    ],
    ['a failed run moves the watermark', 'IF NOT p_succeeded THEN', 'IF false THEN'],
    ['a duration is rounded down', 'round(v_seconds)', 'floor(v_seconds)', { only: 'rounded seconds' }],
    ['a run of zero seconds has a throughput', 'nullif(v_seconds, 0)', 'greatest(v_seconds, 1)', { only: 'throughput' }],
    ['throughput uses whole seconds', 'nullif(v_seconds, 0)', 'nullif(round(v_seconds), 0)', { only: 'throughput' }],
    [
      "the start's metadata overwrites the end's",
      "coalesce(e.execution_metadata, '{}') || p_metadata",
      "p_metadata || coalesce(e.execution_metadata, '{}')",
      { only: 'merged metadata' },
    ],
    [
      'an end fails if the clock of the client is fast',
      'coalesce(p_end_date, greatest(p_now, v_execution.start_date))',
      'coalesce(p_end_date, p_now)',
      { only: 'fast clock' },
    ],
    [
      'an end at the moment of the start is refused',
      'v_execution.end_date < v_execution.start_date',
      'v_execution.end_date <= v_execution.start_date',
    ],
    ['a second end is accepted', 'IF v_execution.completed_successfully IS NOT NULL THEN', 'IF false THEN', { tests: [at.RETRY_TESTS] }],
    [
      'an end with another outcome counts as a repetition',
      'WHEN v_execution.completed_successfully <> p_succeeded THEN',
      'WHEN false THEN',
      { tests: [at.RETRY_TESTS], only: 'another outcome' },
    ],
    [
      'a second end with other counts causes no warning',
      'OR p_updates IS NOT NULL AND p_updates IS DISTINCT FROM v_execution.updates',
      '',
      { tests: [at.RETRY_TESTS] },
    ],
    ['two ends at once are both accepted', 'e.id = p_id FOR NO KEY UPDATE', 'e.id = p_id', { tests: [at.RETRY_TESTS], only: 'sent again' }],
    ['an ended run still guards its start', 'guards_start = false, inserts', 'inserts', { tests: [at.RETRY_TESTS] }],
    [
      'a rule that is not active makes a job',
      'WHERE r.pipeline_id = p.id AND r.active)',
      'WHERE r.pipeline_id = p.id)',
      { only: 'anomaly job' },
    ],
    ['a rule of another pipeline makes a job', 'WHERE r.pipeline_id = p.id AND r.active)', 'WHERE r.active)', { only: 'anomaly job' }],
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
      'an edge that another pipeline also owns is deleted',
      'o.source_address_id = d.source AND o.target_address_id = d.target AND o.pipeline_id <> p_pipeline_id',
      'false',
      {
        only: 'equals the result of a search after every',
        survives: 'it only takes time: the distances are computed again from the other edges',
      },
    ],
    [
      'a path stays although an edge of it is gone',
      'WHERE x.old_depth = x.through;',
      'WHERE x.old_depth > x.through;',
      { only: 'equals the result of a search after every' },
    ],
    [
      'a path through a new edge is one too short',
      'min(u.depth + 1 + d.depth) AS depth',
      'min(u.depth + d.depth) AS depth',
      { only: 'equals the result of a search after every' },
    ],
    [
      'a detour is one too long',
      'SELECT DISTINCT x.source, x.target, v_depth + 1',
      'SELECT DISTINCT x.source, x.target, v_depth + 2',
      { only: 'equals the result of a search after every' },
    ],
    [
      'a pair stays although no path connects it',
      'FROM lineage_pair p WHERE p.depth IS NULL));',
      'FROM lineage_pair p WHERE false));',
      { only: 'equals the result of a search after every' },
    ],
    [
      'a lineage that only loses edges counts as unchanged',
      '             AND count(*) = v_wanted\n',
      '',
      { only: 'equals the result of a search after every' },
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
    [
      'addresses are created although load_lineage is false',
      'where p.id = ${pipelineId} and p.load_lineage)',
      'where p.id = ${pipelineId})',
    ],
    [
      'lineage is replaced although load_lineage is false',
      'case when p.load_lineage then ${replaceLineage(sources, targets, now)} end',
      '${replaceLineage(sources, targets, now)}',
    ],
    [
      'two calls that create one address at once fail',
      '    order by g.name, g.position\n    on conflict do nothing\n',
      '    order by g.name, g.position\n',
    ],
  ],
)

const lists = faultsIn(
  at.LISTS,
  [at.PAGING_TESTS],
  [
    [
      'a page repeats the last row of the page before',
      "> ${param('after_id')}`, ...conditions",
      ">= ${param('after_id')}`, ...conditions",
      { only: 'leads through' },
    ],
    ['there is never a next page', 'rows: limit + 1', 'rows: limit', { only: 'leads through' }],
    [
      'a full page leads to an empty one',
      "case when count(*) > ${param('limit')}",
      "case when count(*) >= ${param('limit')}",
      { only: 'leads through' },
    ],
    ['a page has one row too many', " filter (where position <= ${param('limit')}) || ']'", " || ']'", { only: 'leads through' }],
    [
      'a page skips a row',
      "max(id) filter (where position <= ${param('limit')}) end as next",
      'max(id) end as next',
      { only: 'leads through' },
    ],
    ['microseconds are lost', 'HH24:MI:SS.US', 'HH24:MI:SS.MS000', { only: 'whatever is in it' }],
  ],
)

const complete = faultsIn(
  at.COMPLETE,
  [at.PENDING_TESTS],
  [
    [
      'what lies upstream of a changed source is not listed',
      'SELECT DISTINCT c.source_address_id, true',
      'SELECT DISTINCT changed.address_id, true',
    ],
    [
      'pairs that are gone stay',
      'AND NOT EXISTS (SELECT FROM lineage_reached r',
      'AND false AND NOT EXISTS (SELECT FROM lineage_reached r',
    ],
    ['a depth that changed stays', 'DO UPDATE SET depth = excluded.depth', 'DO UPDATE SET depth = address_lineage_closure.depth'],
    [
      'a source that is listed again during a step is forgotten',
      'ANY (v_sources) AND is_expanded;',
      'ANY (v_sources);',
      { only: 'two jobs work' },
    ],
  ],
)

const pending = faultsIn(
  at.LINEAGE,
  [at.PENDING_TESTS],
  [
    ['a change while another is pending is made at once', 'OR EXISTS (SELECT FROM address_lineage_pending)', ''],
    ['a source that was expanded is not listed again', 'DO UPDATE SET is_expanded = false', 'DO NOTHING'],
    [
      'a change without a turn fails',
      'EXCEPTION WHEN lock_not_available THEN',
      'EXCEPTION WHEN division_by_zero THEN',
      { only: 'no turn' },
    ],
  ],
)

export const TRACKING = [
  create,
  createCall,
  createAddress,
  createType,
  days,
  start,
  startCall,
  end,
  endCall,
  closure,
  pairs,
  lineageCall,
  lists,
  complete,
  pending,
].flat()
