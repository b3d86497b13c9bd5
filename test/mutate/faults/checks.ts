import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** The sweeps, anomaly detection, and what Slack is told. */

const timeliness = faultsIn(
  at.TIMELINESS,
  [at.TIMELINESS_TESTS],
  [
    [
      'a run that ended at the start of the window is missed',
      "end_date >= ${param('since')}",
      "end_date > ${param('since')}",
      { only: 'exactly where' },
    ],
    ['two checks that log one run at once fail', '    on conflict do nothing\n', '', { only: 'same moment' }],
    ['a run that ends at its deadline is late', '::timestamptz) > due.deadline', '::timestamptz) >= due.deadline', { only: 'a threshold' }],
    ['a failed run is late', 'where completed_successfully and end_date', 'where end_date', { only: 'logs and alerts what runs' }],
    [
      'the rest of a large sweep is never reached',
      'not exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = c.id)',
      'true',
      { only: 'more than one statement' },
    ],
    ['a skipped check leaves a hole', 'unseen && unseen < asked ? unseen : asked', 'asked', { only: 'leaves no hole' }],
    ['an end that is reported late is never seen', 'REPORTED_LATE_SECONDS = 600', 'REPORTED_LATE_SECONDS = 0', { only: 'reported late' }],
    [
      'a large sweep stops at its limit',
      '(select count(*) from overdue) = ${MOST_FINDINGS}',
      '(select count(*) from overdue) > ${MOST_FINDINGS}',
      { only: 'more than one statement' },
    ],
    [
      'the rest of a large sweep has another window',
      "jsonb_build_object('since', ${param('since')}::timestamptz)",
      "'{}'::jsonb",
      { only: 'more than one statement' },
    ],
    [
      'a check whose claim is lost writes',
      '      and exists (select from held)\n',
      '',
      { tests: [at.QUEUE_TESTS], only: 'taken over meanwhile' },
    ],
    [
      'a run that goes on is told as completed',
      "case when end_date is null then 'running'",
      "case when end_date is not null then 'running'",
      { only: 'logs and alerts what runs' },
    ],
  ],
)

const freshness = faultsIn(
  at.FRESHNESS,
  [at.FRESHNESS_TESTS],
  [
    [
      'a deletion is no change',
      'greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete)',
      'greatest(p.last_target_insert, p.last_target_update)',
      { only: 'takes the latest' },
    ],
    [
      'an update is no change',
      'greatest(p.last_target_insert, p.last_target_update, p.last_target_soft_delete)',
      'greatest(p.last_target_insert, p.last_target_soft_delete)',
      { only: 'takes the latest' },
    ],
    [
      'what is exactly as old as allowed is stale',
      " < ${param('now')}::timestamptz",
      " <= ${param('now')}::timestamptz",
      { only: 'a threshold' },
    ],
    ['cleanup makes a pipeline be alerted again', 'latest.dml is distinct from p.freshness_logged_for', 'true', { only: 'cleanup' }],
    ['what was logged is not remembered', 'set freshness_logged_for = stale.dml', 'set freshness_logged_for = null', { only: 'cleanup' }],
    ['two checks that log one pipeline at once fail', '    on conflict do nothing\n', '', { only: 'same moment' }],
    [
      'a check whose claim is lost writes',
      '      and exists (select from held)\n',
      '',
      { tests: [at.QUEUE_TESTS], only: 'taken over meanwhile' },
    ],
  ],
)

const thresholds = faultsIn(
  at.THRESHOLDS,
  [at.TIMELINESS_TESTS],
  [
    ['an inactive pipeline is judged', 'sql`p.active and not p.mute_', 'sql`not p.mute_', { only: 'skips what is muted' }],
    ['a muted pipeline is judged', 'not p.mute_${sql.raw(what)}_check and ', '', { only: 'skips what is muted' }],
    ['a muted type is judged', ' and not t.mute_${sql.raw(what)}_check', '', { only: 'skips what is muted' }],
    [
      "the type's rule comes before the pipeline's",
      'number: sql`coalesce(${own}_number, ${parent}_number)`',
      'number: sql`coalesce(${parent}_number, ${own}_number)`',
      { only: 'skips what is muted' },
    ],
    [
      "the type's unit comes with the pipeline's number",
      '${own}_number is null then ${parent}_datepart else ${own}_datepart end',
      'true then coalesce(${parent}_datepart, ${own}_datepart) end',
      { only: 'skips what is muted' },
    ],
    [
      'whose rule it was is told wrong',
      'isOwn: sql`(${own}_number is not null)`',
      'isOwn: sql`(${own}_number is null)`',
      { only: 'logs and alerts what runs' },
    ],
  ],
)

const detection = faultsIn(
  at.DETECTION,
  [at.ANOMALY_TESTS],
  [
    ['a baseline looks back 25 hours a day', '24 * r.lookback_days', '25 * r.lookback_days', { only: 'is of the same hour' }],
    ['a baseline looks back 23 hours a day', '24 * r.lookback_days', '23 * r.lookback_days', { only: 'is of the same hour' }],
    ['a baseline has the run itself in it', 'and e.id <> tested.id', '', { only: 'is of the same hour' }],
    ['a baseline has every hour of the day', 'and e.hour_recorded = tested.hour_recorded', '', { only: 'is of the same hour' }],
    [
      'a baseline has failed runs',
      'and e.hour_recorded = tested.hour_recorded and e.completed_successfully',
      'and e.hour_recorded = tested.hour_recorded',
      { only: 'is of the same hour' },
    ],
    ['a baseline has later runs', 'and tested.end_date and e.id', "and 'infinity' and e.id", { only: 'the baseline' }],
    ['a baseline has what was flagged', ' and flagged.rule_id = r.id)', ' and false)', { only: 'leaves out what was flagged' }],
    ['a flag of one rule counts for all', ' and flagged.rule_id = r.id)', ')', { only: 'the baseline' }],
    ['equal fractions have a deviation', 'min(past.value) = max(past.value)', 'false', { only: 'that is flat' }],
    [
      'the latest run is the first',
      'order by e.end_date desc, e.id desc limit 1',
      'order by e.end_date, e.id limit 1',
      { only: 'judges the latest' },
    ],
    ['a rule that is not active is judged', 'and r.active and tested', 'and tested', { only: 'says what is wrong|not active' }],
    ['two that find one anomaly at once fail', '    on conflict do nothing\n', '', { only: 'safe to repeat' }],
  ],
)

const verdict = faultsIn(
  at.VERDICT,
  [at.VERDICT_TESTS],
  [
    ['a value at the edge of the band is an anomaly', 'Math.abs(difference) <= allowed', 'Math.abs(difference) < allowed'],
    ['only what is above is an anomaly', 'Math.abs(difference) <= allowed', 'difference <= allowed'],
    ['one value too few gives a verdict', 'baseline.count < rule.minimum_executions', 'baseline.count + 1 < rule.minimum_executions'],
    ['a flat baseline takes any change', 'const share = Math.abs(mean) / 100', 'const share = 0'],
  ],
)

const slack = faultsIn(
  at.SLACK,
  [at.SLACK_TESTS],
  [
    ['a 502 is a plain failure', '[502, 504]', '[504]', { only: 'a gateway' }],
    ['a < is a command', ".replaceAll('<', '&lt;')", '', { only: 'commands nothing' }],
    ['a & is not escaped', ".replaceAll('&', '&amp;')", '', { only: 'commands nothing' }],
    ['a redirect is followed', "redirect: 'manual'", "redirect: 'follow'", { only: 'failed at once' }],
    ['a 408 is for good', ' || response.status === 408', '', { only: 'passing' }],
    ['a 429 is a failure like others', 'if (response.status === 429) {', 'if (false) {', { only: '429' }],
    [
      'Slack may make us wait for years',
      'Math.min(Math.max(Math.ceil(seconds), 1), LONGEST_RETRY_SECONDS)',
      'Math.max(Math.ceil(seconds), 1)',
      { only: '429' },
    ],
    ['no answer is a plain failure', '{ interrupted: true, cause: error }', '{ cause: error }', { only: 'hung' }],
    [
      'a webhook that is gone is tried again',
      'then replay this job`, { permanent: true })',
      'then replay this job`)',
      { only: 'failed at once' },
    ],
  ],
)

const alertJob = faultsIn(
  at.ALERT_JOB,
  [at.SLACK_TESTS],
  [
    ['a repetition does not say so', 'job.interrupted ? ', 'false ? ', { only: 'sent again' }],
    [
      'what Slack has taken is sent again when the database is away',
      '{ done: true, interrupted: true, cause }',
      '{ interrupted: true, cause }',
      { only: 'the queue remembers' },
    ],
  ],
)

const alertRecord = faultsIn(
  at.ALERT_RECORD,
  [at.TIMELINESS_TESTS],
  [['an alert about nothing is sent', 'having count(*) > 0', '', { only: 'second time' }]],
)

const text = faultsIn(
  at.TEXT,
  [at.TEXT_TESTS],
  [
    ['a name writes lines of its own', '/[\\s\\p{C}]+/gu', '/ +/g'],
    ['every item is listed', 'items.slice(0, MOST_ITEMS)', 'items'],
    ['one hour is written as 1 hours', "number === 1 ? '' : 's'", "'s'"],
    ['a critical alert is a warning', "alert.level === 'critical' ? 'CRITICAL' : 'WARNING'", "'WARNING'"],
  ],
)

export const CHECKS = [timeliness, freshness, thresholds, detection, verdict, slack, alertJob, alertRecord, text].flat()
