import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** The sweeps, anomaly detection, and what Slack is told. */

const timeliness = faultsIn(
  at.TIMELINESS,
  [at.TIMELINESS_TESTS],
  [
    [
      'a run that ended at the start of the window is missed',
      "end_date >= ${value('since')}",
      "end_date > ${value('since')}",
      { only: 'checks a run that ended exactly at the start of' },
    ],
    [
      'two checks that log one run at once fail',
      '    on conflict do nothing\n',
      '',
      { only: 'two checks that insert the same log row at the' },
    ],
    ['a run that ends at its deadline is late', '${now}) > due.deadline', '${now}) >= due.deadline', { only: 'a threshold' }],
    [
      'a failed run is late',
      "where completed_successfully and end_date >= ${value('since')}",
      "where end_date >= ${value('since')}",
      { only: 'logs and alerts runs that take' },
    ],
    [
      'a large sweep never reaches its last findings',
      'not exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = c.id)',
      'true',
      { only: 'continues in another job if it finds more late' },
    ],
    [
      'a running execution is reported as completed',
      "'execution_status', case when c.end_date is null then 'running'",
      "'execution_status', case when c.end_date is not null then 'running'",
      { only: 'logs and alerts runs that take' },
    ],
  ],
)

const timelinessWindow = faultsIn(
  at.TIMELINESS_WINDOW,
  [at.TIMELINESS_TESTS],
  [
    [
      'a skipped check leaves a gap',
      'last && last.started_at < now ? last.started_at : now',
      'now',
      { only: 'leaves no gap after a skipped check' },
    ],
    [
      'an end that is reported late is never checked',
      '-lookbackMinutes * 60)',
      '0)',
      { only: 'finds a run whose end is reported after a check' },
    ],
  ],
)

const timelinessJob = faultsIn(
  at.TIMELINESS_JOB,
  [at.TIMELINESS_TESTS],
  [
    [
      'the later statements of a large sweep have another window',
      "jsonb_build_object('since', ${value('since')}::timestamptz)",
      "'{}'::jsonb",
      { only: 'continues in another job if it finds more late' },
    ],
  ],
)

/** The engine of all checks. */
const sweep = faultsIn(
  at.SWEEP,
  [at.TIMELINESS_TESTS],
  [
    [
      'a large sweep stops at its limit',
      '(select count(*) from ${NAMES.found}) = ${sql.raw(String(MAX_FINDINGS))}',
      '(select count(*) from ${NAMES.found}) > ${sql.raw(String(MAX_FINDINGS))}',
      { only: 'continues in another job if it finds more late' },
    ],
    [
      'a sweep has no bound',
      '    limit ${sql.raw(String(MAX_FINDINGS))}),',
      '    ),',
      { only: 'continues in another job if it finds more late' },
    ],
    [
      'a check that has lost its claim still writes',
      '    where exists (select from ${claim})\n',
      '',
      { tests: [at.QUEUE_TESTS], only: 'records nothing for a job that another attempt' },
    ],
    [
      'the other writes of a check are lost',
      'check.alsoWrites ? sql`${check.alsoWrites(NAMES)},` : sql``',
      'sql``',
      { tests: [at.FRESHNESS_TESTS], only: 'cleanup' },
    ],
  ],
)

const freshness = faultsIn(
  at.FRESHNESS,
  [at.FRESHNESS_TESTS],
  [
    [
      'a deletion does not count as a change',
      'greatest(${P}.last_target_insert, ${P}.last_target_update, ${P}.last_target_soft_delete)',
      'greatest(${P}.last_target_insert, ${P}.last_target_update)',
      { only: 'takes the latest' },
    ],
    [
      'an update does not count as a change',
      'greatest(${P}.last_target_insert, ${P}.last_target_update, ${P}.last_target_soft_delete)',
      'greatest(${P}.last_target_insert, ${P}.last_target_soft_delete)',
      { only: 'takes the latest' },
    ],
    ['a pipeline exactly at its freshness threshold is stale', ' < ${now}`', ' <= ${now}`', { only: 'a threshold' }],
    [
      'after a cleanup a pipeline is alerted again',
      'stale(now, sql`latest.dml is distinct from ${P}.freshness_logged_for`)',
      'stale(now)',
      { only: 'cleanup' },
    ],
    [
      'a logged finding is not remembered',
      "set freshness_logged_for = (${found}.evidence ->> 'last_dml_timestamp')::timestamptz",
      'set freshness_logged_for = null',
      { only: 'cleanup' },
    ],
    [
      'two checks that log one pipeline at once fail',
      '    on conflict do nothing\n',
      '',
      { only: 'two checks that insert the same log row at the' },
    ],
  ],
)

const thresholds = faultsIn(
  at.THRESHOLDS,
  [at.TIMELINESS_TESTS],
  [
    [
      'an inactive pipeline is judged',
      'sql`${pipeline}.active and not ',
      'sql`not ',
      { only: 'skips pipelines that are muted \\(or their type' },
    ],
    ['a muted pipeline is judged', 'not ${pipeline}.${mute} and ', '', { only: 'skips pipelines that are muted \\(or their type' }],
    ['a muted type is judged', 'and not ${type}.${mute} ', '', { only: 'skips pipelines that are muted \\(or their type' }],
    [
      "the type's threshold is preferred to the pipeline's",
      'number: sql`coalesce(${pipeline}.${number}, ${type}.${number})`',
      'number: sql`coalesce(${type}.${number}, ${pipeline}.${number})`',
      { only: 'skips pipelines that are muted \\(or their type' },
    ],
    [
      "the pipeline's number is used with the type's unit",
      '${pipeline}.${number} is null then ${type}.${datepart} else ${pipeline}.${datepart} end',
      'true then coalesce(${type}.${datepart}, ${pipeline}.${datepart}) end',
      { only: 'skips pipelines that are muted \\(or their type' },
    ],
    [
      'the owner of a threshold is reported wrong',
      'isOwn: sql`(${pipeline}.${number} is not null)`',
      'isOwn: sql`(${pipeline}.${number} is null)`',
      { only: 'logs and alerts runs that take' },
    ],
  ],
)

const detection = faultsIn(
  at.DETECTION,
  [at.ANOMALY_TESTS],
  [
    [
      'the first run counts as the latest',
      'order by e.end_date desc, e.id desc limit 1',
      'order by e.end_date, e.id limit 1',
      { only: 'judges the successful execution with the latest' },
    ],
    [
      'a rule that is not active is judged',
      'r.pipeline_id = subject.id and r.active',
      'r.pipeline_id = subject.id',
      { only: 'says what is wrong|not active' },
    ],
  ],
)

const pools = faultsIn(
  at.POOLS,
  [at.ANOMALY_TESTS],
  [
    ['a baseline contains the run itself', 'id !== tested.id && ', '', { only: 'has only successful runs of the same hour' }],
    [
      'a baseline contains runs of every hour',
      'utcHour === tested.utcHour',
      'utcHour >= 0',
      { only: 'has only successful runs of the same hour' },
    ],
    ['a baseline contains flagged runs', 'known.filter(({ id }) => !flagged.has(id))', 'known', { only: 'excludes flagged executions' }],
  ],
)

const robust = [
  ...faultsIn(
    at.POOLS,
    [at.ROBUST_TESTS],
    [
      ['flags that are a pattern are left out', 'leftOut > known.length / 5', 'leftOut > known.length', { only: 'are a pattern' }],
      ['a week has six days', 'const WEEK = 7 * DAY', 'const WEEK = 6 * DAY', { only: 'knows a Tuesday' }],
      ['weeks are looked for in one lookback', 'WEEKS_FACTOR * lookbackDays', 'lookbackDays', { only: 'knows a Tuesday' }],
    ],
  ),
  ...faultsIn(
    at.LEVEL,
    [at.ROBUST_TESTS],
    [['flags on both sides are one level', 'flagged.get(run.id) !== direction', '!flagged.has(run.id)', { only: 'is said after five' }]],
  ),
  ...faultsIn(
    at.JUDGE_RUN,
    [at.ROBUST_TESTS],
    [
      ['both sides are judged', "rule.direction !== 'both' && rule.direction !== side", 'false', { only: 'judges one side' }],
      ['a hard limit needs a history', 'if (limit !== null) return', 'if (limit !== null && range) return', { only: 'judges one side' }],
      ['a weekday never excuses a value', 'sameWeekday.length === 0 || ', 'true || ', { only: 'second Saturday' }],
      [
        'a weekday excuses any value',
        ' && value >= Math.min(...sameWeekday) * (Math.max(0, lower) / center)',
        '',
        { only: 'second Saturday' },
      ],
      ['a weekday excuses a load without rows', ' || value === 0', '', { only: 'the one before had none either' }],
    ],
  ),
]

const anomalies = faultsIn(
  at.ANOMALIES,
  [at.ANOMALY_TESTS],
  [['two jobs that find one anomaly at once fail', '    on conflict do nothing\n', '', { only: 'safe to repeat' }]],
)

const baseline = faultsIn(
  at.BASELINE,
  [at.ANOMALY_TESTS],
  [['equal values with fractions have a deviation', 'min(${value}) ${over} = max(${value}) ${over}', 'false', { only: 'that is flat' }]],
)

const verdict = faultsIn(
  at.VERDICT,
  [at.VERDICT_TESTS],
  [
    ['one value too few gives a verdict', 'baseline.count < rule.minimum_executions', 'baseline.count + 1 < rule.minimum_executions'],
    ['the deviation of a flat baseline does not grow with its mean', 'const share = Math.abs(mean) / 100', 'const share = 0'],
  ],
)

const edges = faultsIn(
  at.JUDGE_RUN,
  [at.VERDICT_TESTS],
  [
    [
      'a value at the edge of the band is an anomaly',
      'value < range.lower || value > range.upper',
      'value <= range.lower || value >= range.upper',
    ],
    ['a value below the band is no anomaly', 'value < range.lower || value > range.upper', 'value > range.upper'],
  ],
)

const slack = faultsIn(
  at.SLACK,
  [at.SLACK_TESTS],
  [
    ['a < is a command', ".replaceAll('<', '&lt;')", '', { only: "shows markup in a pipeline's name as text" }],
    ['a & is not escaped', ".replaceAll('&', '&amp;')", '', { only: "shows markup in a pipeline's name as text" }],
  ],
)

const post = faultsIn(
  at.POST,
  [at.SLACK_TESTS],
  [
    ['a 502 counts as a failure like others', '[502, 504, 520, 524]', '[504, 520, 524]', { only: 'a gateway' }],
    ['a redirect is followed', "redirect: 'manual'", "redirect: 'follow'", { only: 'fails at once if Slack will never accept it' }],
    ['a 408 fails the job for good', ' || response.status === 408', '', { only: 'is sent again without a mark after a' }],
    ['a 429 counts as a failure like others', 'if (response.status === 429) {', 'if (false) {', { only: '429' }],
    [
      'a channel may delay a job for years',
      'Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_SECONDS)',
      'Math.max(Math.ceil(seconds), 1)',
      { only: '429' },
    ],
    [
      'a missing answer counts as a failure like others',
      '{ interrupted: true, cause: error }',
      '{ cause: error }',
      { only: 'is sent again with a mark if Slack does not' },
    ],
    [
      'a webhook that is gone is tried again',
      'then send it again`, { permanent: true })',
      'then send it again`)',
      { only: 'fails at once if Slack will never accept it' },
    ],
  ],
)

const alertJob = faultsIn(
  at.ALERT_JOB,
  [at.SLACK_TESTS],
  [
    ['a message sent again does not say so', 'text: isRepeated ? ', 'text: false ? ', { only: 'sent again' }],
    [
      'a message that Slack has accepted is sent again when the database is unavailable',
      '{ done: true, interrupted: true, cause }',
      '{ interrupted: true, cause }',
      { only: 'that Slack has accepted is not sent again if' },
    ],
  ],
)

const alertRecord = faultsIn(
  at.ALERT_RECORD,
  [at.INCIDENT_TESTS],
  [['a message says that nothing was found', 'having count(*) > 0', '', { only: 'resolves what it mutes' }]],
)

const text = faultsIn(
  at.TEXT,
  [at.TEXT_TESTS],
  [
    ['a name can add lines to a message', '/[\\s\\p{C}]+/gu', '/ +/g'],
    ['every item is listed', 'items.slice(0, MAX_ITEMS)', 'items'],
    ['one hour is written as 1 hours', "number === 1 ? '' : 's'", "'s'"],
    ['a critical alert looks like a warning', '`${SIGNS[level]} ${level}`', '`${SIGNS.WARNING} WARNING`'],
  ],
)

const ratio = faultsIn(
  at.ROWS_RATIO,
  [at.RATIO_TESTS],
  [
    ['an input that reports no rows counts as none', 'e.runs - b.runs = e.known - b.known AND ', '', { only: 'is unknown where' }],
    ['what was read before counts again', 'precision / (e.rows - coalesce(b.rows, 0))', 'precision / (e.rows)', { only: 'sums all runs' }],
    [
      'failed runs of inputs count',
      'WHERE e.completed_successfully AND e.start_date > span.first',
      'WHERE e.start_date > span.first',
      { only: 'sums all runs' },
    ],
    ['inputs without a common rhythm count', ' AND e.runs - b.runs <= 200', '', { only: 'is unknown where' }],
  ],
)

const watermarks = [
  ...faultsIn(
    at.WATERMARK_JUDGE,
    [at.WATERMARK_TESTS],
    [
      ['a stall is told one run too early', 'v_unmoved_runs >= (', 'v_unmoved_runs + 1 >= (', { only: 'is wrong after so many' }],
      ['the gap allowed is told', 'v_skipped > (', 'v_skipped >= (', { only: 'may do so by max_gap' }],
      ['a backfill wakes people', " AND p_execution.end_date > p_now - interval '24 hours'", '', { only: 'a backfill wakes nobody' }],
      ['an inactive pipeline is told of', 'ELSIF p_pipeline.active AND', 'ELSIF', { only: 'so does deactivation' }],
    ],
  ),
  ...faultsIn(
    at.WATERMARK_DISTANCE,
    [at.WATERMARK_TESTS],
    [
      ['the zone of the session counts', " SET timezone = 'UTC'", " SET timezone = 'Asia/Tokyo'", { only: 'instants without an offset' }],
      [
        'integers are compared as doubles',
        'p_to::numeric - p_from::numeric',
        '(p_to::double precision - p_from::double precision)::numeric',
        { only: 'integers beyond 2' },
      ],
      [
        'a date that is none fails the end',
        'EXCEPTION WHEN data_exception THEN',
        'EXCEPTION WHEN division_by_zero THEN',
        { only: 'only looks like an instant' },
      ],
    ],
  ),
]

export const CHECKS = [
  ratio,
  watermarks,
  timeliness,
  timelinessWindow,
  timelinessJob,
  sweep,
  freshness,
  thresholds,
  detection,
  anomalies,
  baseline,
  verdict,
  edges,
  pools,
  robust,
  slack,
  post,
  alertJob,
  alertRecord,
  text,
].flat()
