import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Claims, attempts, the queue and its recovery, cleanup. */

const claim = faultsIn(
  at.CLAIM,
  [at.QUEUE_TESTS],
  [
    [
      'a job is claimed that another worker runs, or that is not due',
      " and due_at <= ${param('now')}::timestamptz\n    returning id, kind",
      '\n    returning id, kind',
      { only: 'waits for a job' },
    ],
    [
      'a lost attempt is not recorded',
      "interrupted = interrupted or state = 'running',",
      'interrupted = interrupted,',
      { only: 'waits for a job' },
    ],
    ['attempts are not counted', 'then attempts + 1 else attempts end', 'then attempts else attempts end', { only: 'runs a job once' }],
    [
      'a job never stops after its last attempt',
      "state = case when attempts < ${maxAttempts} then 'running' else 'failed' end",
      "state = 'running'",
      { only: 'kills its worker' },
    ],
    [
      'an attempt that lost its claim goes on',
      " and attempts = ${param('attempts')} for update)",
      ' for update)',
      { only: 'records nothing for a job that another attempt' },
    ],
    [
      'a claim is taken over while its last statement runs',
      " and attempts = ${param('attempts')} for update)",
      " and attempts = ${param('attempts')})",
      { only: 'does not take over a job while its last' },
    ],
    [
      'a job that succeeds keeps its last error',
      "state = 'succeeded', error = null,\n      finished_at",
      "state = 'succeeded',\n      finished_at",
      { tests: [at.SLACK_TESTS], only: 'answers 500' },
    ],
    [
      'the twentieth request to wait fails the job',
      " and not ${param('uncounted')}::boolean))`",
      '))`',
      { tests: [at.SLACK_TESTS], only: '429|asks to wait' },
    ],
    [
      'a request to wait counts as an attempt',
      "case when ${param('uncounted')}::boolean then attempts - 1 else attempts end",
      'attempts',
      { tests: [at.SLACK_TESTS], only: '429|asks to wait' },
    ],
    [
      'a message that may have arrived is not recorded',
      "interrupted = interrupted or ${param('interrupted')}::boolean",
      'interrupted = interrupted',
      { tests: [at.SLACK_TESTS], only: 'is sent again with a mark if Slack does not' },
    ],
    [
      'a message for a failed job is delivered again and again',
      "state === 'succeeded' || state === 'failed'",
      "state === 'succeeded'",
      { only: 'twenty times|brought again' },
    ],
    [
      'a replayed job is ended by the report of an old attempt',
      " and attempts >= ${param('attempts')}\n  returning id",
      '\n  returning id',
      { only: 'does not end a replayed job when an attempt' },
    ],
  ],
)

const run = faultsIn(
  at.RUN,
  [at.SLACK_TESTS],
  [
    [
      'all jobs that must wait come back at the same moment',
      'failure?.retryAfterSeconds ? spread(failure.retryAfterSeconds)',
      'failure?.retryAfterSeconds ? failure.retryAfterSeconds',
      { only: 'asks to wait' },
    ],
    [
      'a job that has failed for good is delivered again',
      'error.permanent ? DONE',
      'false ? DONE',
      { only: 'fails at once if Slack will never accept it \\(%i' },
    ],
    [
      'finished work is repeated when the database is unavailable',
      'error.done && (await',
      'false && (await',
      { only: 'that Slack has accepted is not sent again if' },
    ],
    [
      'jobs that a job records are sent only at the next tick',
      'await sendRecorded(recorded)',
      '',
      { tests: [at.TIMELINESS_TESTS], only: 'logs and alerts runs that take' },
    ],
  ],
)

const consume = faultsIn(
  at.CONSUME,
  [at.QUEUE_TESTS],
  [
    [
      'a message is dropped if its job fails',
      'message.retry({ delaySeconds: settlement.delaySeconds })',
      'message.ack()',
      { only: 'acks or retries' },
    ],
    [
      'the delay between deliveries does not grow',
      'retryDelaySeconds(message.attempts)',
      'retryDelaySeconds(1)',
      { only: 'keeps every message while the database does not' },
    ],
    [
      'a message without a job is delivered again',
      '    message.ack()\n    return',
      '    message.retry()\n    return',
      { only: 'drops a message without a job id' },
    ],
  ],
)

const recover = faultsIn(
  at.RECOVER,
  [at.SCHEDULE_TESTS],
  [
    ['a job that was just recorded is sent again', " and due_at < ${param('due_before')}::timestamptz", '', { only: 'lost jobs' }],
    [
      'every tick adds messages to a long queue',
      "(resent_at is null or resent_at < due_at or resent_at < ${param('resent_before')}::timestamptz)",
      'true',
      { only: 'lost jobs' },
    ],
    ['a job that a dead worker had claimed is lost', "state in ('waiting', 'running')", "state in ('waiting')", { only: 'lost jobs' }],
    ['only the first 500 are sent', 'if (ids.length < MAX_PER_ROUND) break', 'break', { only: 'thousands' }],
    [
      'a job that was not sent is marked as sent',
      "    await sendJobs(queue, ids, trace)\n    await db.rows(RESENT, anyRow, { now, ids: `{${ids.join(',')}}` })",
      "    await db.rows(RESENT, anyRow, { now, ids: `{${ids.join(',')}}` })\n    await sendJobs(queue, ids, trace)",
      { only: 'lost jobs' },
    ],
  ],
)

const dispatch = faultsIn(
  at.DISPATCH,
  [at.SCHEDULE_TESTS],
  [
    ['a batch is larger than the platform allows', 'MAX_PER_BATCH = 100', 'MAX_PER_BATCH = 101', { only: 'thousands' }],
    ['a send that hangs delays the work', 'SEND_MILLIS = 5_000', 'SEND_MILLIS = 5_000_000', { tests: [at.QUEUE_TESTS] }],
  ],
)

const deadLetters = faultsIn(
  at.DEAD_LETTERS,
  [at.QUEUE_TESTS],
  [
    [
      'a job with attempts left becomes failed',
      ' and attempts >= ${sql.raw(String(MAX_ATTEMPTS))}',
      '',
      {
        only: 'does not run a job again that has failed for|stays as it is if the database did not answer|stays as it is while its last attempt still runs',
      },
    ],
    ['a job becomes failed during its last attempt', "\n      and due_at <= ${param('now')}::timestamptz", '', { only: 'last attempt' }],
  ],
)

const record = faultsIn(
  at.JOB_RECORD,
  [at.SCHEDULE_TESTS],
  [
    ['a trigger that fires twice fails', '    on conflict do nothing\n', '', { only: 'fires twice' }],
    ['a trigger that fires again sends finished jobs', " where j.state = 'waiting'`", '`', { only: 'fires twice' }],
    ['jobs that a stopped trigger recorded are not sent', " where j.state = 'waiting'`", ' where false`', { only: 'stopped before' }],
  ],
)

const schedule = faultsIn(
  at.SCHEDULE,
  [at.SCHEDULE_TESTS],
  [
    ['the next tick counts as the same tick', '${kind} ${cron} ${scheduledFor}', '${kind} ${cron}', { only: 'fires twice' }],
    ['every trigger starts every sweep', '.filter((sweep) => sweep.cron === cron)', '.filter(() => true)', { only: 'records its sweeps' }],
  ],
)

const monitoring = faultsIn(
  at.MONITORING,
  [at.MONITORING_TESTS],
  [
    [
      'a queue that is as long as before is told again',
      'if (isWorse(level, row.level)) {',
      "if (level !== 'healthy') {",
      { only: 'alerts once each time the level rises' },
    ],
    [
      'a queue that is short again stays an incident',
      "if (level !== 'healthy' || row.level === 'healthy') return",
      'if (true) return',
      { only: 'alerts once each time the level rises' },
    ],
    [
      'running jobs count as waiting',
      "state in ('waiting', 'running') and state = 'waiting' and due_at",
      "state in ('waiting', 'running') and due_at",
      { only: 'upwards only|original' },
    ],
  ],
)

const replay = faultsIn(
  at.REPLAY,
  [at.MONITORING_TESTS],
  [
    [
      'any job can be replayed',
      "where id = ${param('id')} and state = 'failed'\n",
      "where id = ${param('id')}\n",
      { only: 'a failed job' },
    ],
    ['a replayed job has no new attempts', "state = 'waiting', attempts = 0,", "state = 'waiting',", { only: 'a failed job' }],
  ],
)

const cleanup = faultsIn(
  at.CLEANUP,
  [at.CLEANUP_TESTS],
  [
    ['a running execution is deleted', ' and e.end_date is not null', '', { only: 'keeps running executions' }],
    [
      'a parent is deleted before its children',
      'not exists (select from ${pipelineExecution} child where child.parent_id = e.id)',
      'true',
      { only: 'keeps running executions' },
    ],
    ['a recent run is deleted', "e.start_date < ${param('cutoff')}::timestamptz", 'true', { only: 'decides by date' }],
    [
      'a recent log or job is deleted',
      "${moment} < ${param('cutoff')}::timestamptz",
      'true',
      { only: 'deletes old executions with all their rows' },
    ],
    [
      'a batch has no bound',
      "order by e.start_date, e.id\n      limit ${param('batch_size')}::integer",
      'order by e.start_date, e.id',
      { only: 'stops at its limit of database calls' },
    ],
    [
      'rows that are deleted with an execution are not counted',
      'where t.${column} = leaf.id returning 1',
      'where t.${column} = leaf.id and false returning 1',
      { only: 'deletes old executions with all their rows' },
    ],
  ],
)

const cleanupLoop = faultsIn(
  at.CLEANUP_LOOP,
  [at.CLEANUP_TESTS],
  [
    ['the cleanup stops after one batch', 'batches < MAX_BATCHES &&', 'batches < 1 &&', { only: 'stops at its limit of database calls' }],
    [
      'a batch that is too large is tried again with the same size',
      'size = Math.ceil(size / 10)',
      'size = Math.ceil(size)',
      { only: 'smaller batches' },
    ],
    [
      'an incomplete cleanup is reported as complete',
      '  }\n  return { deleted, complete: false,',
      '  }\n  return { deleted, complete: true,',
      { only: 'stops at its limit of database calls' },
    ],
  ],
)

const cleanupJob = faultsIn(
  at.CLEANUP_JOB,
  [at.CLEANUP_TESTS],
  [
    [
      'no job continues an incomplete cleanup',
      'if (!complete) return',
      'if (false) return',
      { only: 'stops at its limit of database calls' },
    ],
  ],
)

const continued = faultsIn(
  at.CONTINUE,
  [at.QUEUE_TESTS],
  [
    [
      'a job goes on deleting after it has lost its claim',
      ' where exists (select from ${CLAIMED})',
      '',
      { only: 'records nothing for a job that another attempt' },
    ],
  ],
)

const health = faultsIn(at.HEALTH, [at.HEALTH_TESTS], [['a silent cron is not told', 'if (silent.length === 0) return', 'return']])

export const JOBS = [
  continued,
  health,
  claim,
  run,
  consume,
  recover,
  dispatch,
  deadLetters,
  record,
  schedule,
  monitoring,
  replay,
  cleanup,
  cleanupLoop,
  cleanupJob,
].flat()
