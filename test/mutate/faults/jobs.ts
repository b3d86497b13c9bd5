import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Claims, attempts, the queue and its recovery, cleanup. */

const claim = faultsIn(
  at.CLAIM,
  [at.QUEUE_TESTS],
  [
    [
      'a job is taken that somebody runs, or that is not due',
      " and due_at <= ${param('now')}::timestamptz\n    returning id, kind",
      '\n    returning id, kind',
      { only: 'waits for a job' },
    ],
    [
      'a lost attempt is not remembered',
      "interrupted = interrupted or state = 'running',",
      'interrupted = interrupted,',
      { only: 'waits for a job' },
    ],
    ['attempts are not counted', 'then attempts + 1 else attempts end', 'then attempts else attempts end', { only: 'runs a job once' }],
    [
      'a job is tried for ever',
      "state = case when attempts < ${maxAttempts} then 'running' else 'failed' end",
      "state = 'running'",
      { only: 'kills its worker' },
    ],
    [
      'an attempt that lost its claim goes on',
      " and attempts = ${param('attempts')} for update)",
      ' for update)',
      { only: 'taken over meanwhile' },
    ],
    [
      'a claim is taken over while its last statement runs',
      " and attempts = ${param('attempts')} for update)",
      " and attempts = ${param('attempts')})",
      { only: 'while its statement' },
    ],
    [
      'a job that succeeds keeps its last error',
      "state = 'succeeded', error = null,\n      finished_at",
      "state = 'succeeded',\n      finished_at",
      { tests: [at.SLACK_TESTS], only: 'answers 500' },
    ],
    [
      'the twentieth wish to wait is a failure',
      " and not ${param('uncounted')}::boolean))`",
      '))`',
      { tests: [at.SLACK_TESTS], only: '429|asks to wait' },
    ],
    [
      'a wish to wait is an attempt',
      "case when ${param('uncounted')}::boolean then attempts - 1 else attempts end",
      'attempts',
      { tests: [at.SLACK_TESTS], only: '429|asks to wait' },
    ],
    [
      'what may have arrived is forgotten',
      "interrupted = interrupted or ${param('interrupted')}::boolean",
      'interrupted = interrupted',
      { tests: [at.SLACK_TESTS], only: 'hung' },
    ],
    [
      'a failed job that is brought again is waited for',
      "state === 'succeeded' || state === 'failed'",
      "state === 'succeeded'",
      { only: 'twenty times|brought again' },
    ],
    [
      'a replayed job is ended by the report of an old attempt',
      " and attempts >= ${param('attempts')}\n  returning id",
      '\n  returning id',
      { only: 'replayed meanwhile' },
    ],
  ],
)

const run = faultsIn(
  at.RUN,
  [at.SLACK_TESTS],
  [
    [
      'all that were told to wait come back at once',
      'failure?.retryAfterSeconds ? spread(failure.retryAfterSeconds)',
      'failure?.retryAfterSeconds ? failure.retryAfterSeconds',
      { only: 'asks to wait' },
    ],
    ['a job that has failed for good is delivered again', 'error.permanent ? DONE', 'false ? DONE', { only: 'failed at once' }],
    [
      'work that is done is done again when the database is away',
      'error.done && (await',
      'false && (await',
      { only: 'the queue remembers' },
    ],
    [
      'the jobs that a job records wait for the next tick',
      'await trySendJobs(env.JOBS, recorded, trace)',
      '',
      { tests: [at.TIMELINESS_TESTS], only: 'logs and alerts what runs' },
    ],
  ],
)

const consume = faultsIn(
  at.CONSUME,
  [at.QUEUE_TESTS],
  [
    [
      'a message is dropped where its job failed',
      'message.retry({ delaySeconds: settlement.delaySeconds })',
      'message.ack()',
      { only: 'acks or retries' },
    ],
    [
      'deliveries do not wait longer each time',
      'retryDelaySeconds(message.attempts)',
      'retryDelaySeconds(1)',
      { only: 'database is away' },
    ],
    [
      'a message that names no job comes again',
      '    message.ack()\n    return',
      '    message.retry()\n    return',
      { only: 'names no job' },
    ],
  ],
)

const recover = faultsIn(
  at.RECOVER,
  [at.SCHEDULE_TESTS],
  [
    ['what has just been recorded is sent again', " and due_at < ${param('due_before')}::timestamptz", '', { only: 'lost jobs' }],
    [
      'a long queue grows with every tick',
      "(resent_at is null or resent_at < ${param('resent_before')}::timestamptz)",
      'true',
      { only: 'lost jobs' },
    ],
    ['what a dead worker had claimed is lost', "state in ('waiting', 'running')", "state in ('waiting')", { only: 'lost jobs' }],
    ['only the first 500 are sent', 'if (ids.length < MAX_PER_ROUND) break', 'break', { only: 'thousands' }],
    [
      'what was not sent is marked as sent',
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
    ['a batch is more than the platform takes', 'MAX_PER_BATCH = 100', 'MAX_PER_BATCH = 101', { only: 'thousands' }],
    ['a send that hangs holds up the work', 'SEND_MILLIS = 5_000', 'SEND_MILLIS = 5_000_000', { tests: [at.QUEUE_TESTS] }],
  ],
)

const deadLetters = faultsIn(
  at.DEAD_LETTERS,
  [at.QUEUE_TESTS],
  [
    ['a job is failed that has attempts left', ' and attempts >= ${sql.raw(String(MAX_ATTEMPTS))}', '', { only: 'leaves a job alone' }],
    ['a job is failed during its last attempt', "\n      and due_at <= ${param('now')}::timestamptz", '', { only: 'last attempt' }],
  ],
)

const record = faultsIn(
  at.JOB_RECORD,
  [at.SCHEDULE_TESTS],
  [
    ['a trigger that fires twice fails', '    on conflict do nothing\n', '', { only: 'fires twice' }],
    ['a trigger that fires again sends what is done', " where j.state = 'waiting'`", '`', { only: 'fires twice' }],
    ['what a stopped trigger recorded is not sent', " where j.state = 'waiting'`", ' where false`', { only: 'stopped before' }],
  ],
)

const schedule = faultsIn(
  at.SCHEDULE,
  [at.SCHEDULE_TESTS],
  [
    ['the second time is taken for the first', '${kind} ${cron} ${scheduledFor}', '${kind} ${cron}', { only: 'fires twice' }],
    [
      'every trigger asks for every sweep',
      '.filter((sweep) => sweep.cron === cron)',
      '.filter(() => true)',
      { only: 'asks for its sweeps' },
    ],
  ],
)

const monitoring = faultsIn(
  at.MONITORING,
  [at.MONITORING_TESTS],
  [
    [
      'a queue that empties is alerted',
      'const isAlert = isWorse(level, row.recorded_level)',
      'const isAlert = true',
      { only: 'upwards only' },
    ],
    [
      'two that see one crossing alert twice',
      "`queue depth after ${row.recorded_id ?? 'nothing'}`",
      '`queue depth after ${crypto.randomUUID()}`',
      { only: 'at once' },
    ],
    [
      'running jobs are counted as waiting',
      "state in ('waiting', 'running') and state = 'waiting' group by kind",
      "state in ('waiting', 'running') group by kind",
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
    ['a replayed job has the attempts that are left', "state = 'waiting', attempts = 0,", "state = 'waiting',", { only: 'a failed job' }],
  ],
)

const cleanup = faultsIn(
  at.CLEANUP,
  [at.CLEANUP_TESTS],
  [
    ['a run that goes on is deleted', ' and e.end_date is not null', '', { only: 'keeps what runs' }],
    [
      'a parent goes before its children',
      'not exists (select from ${pipelineExecution} child where child.parent_id = e.id)',
      'true',
      { only: 'keeps what runs' },
    ],
    ['a young run is deleted', "e.start_date < ${param('cutoff')}::timestamptz", 'true', { only: 'goes by date' }],
    ['a young log or job is deleted', "${moment} < ${param('cutoff')}::timestamptz", 'true', { only: 'all that hangs' }],
    [
      'a batch has no bound',
      "order by e.start_date, e.id\n      limit ${param('batch_size')}::integer",
      'order by e.start_date, e.id',
      { only: 'share of database calls' },
    ],
    [
      'what goes with an execution is not counted',
      'where t.${column} = leaf.id returning 1',
      'where t.${column} = leaf.id and false returning 1',
      { only: 'all that hangs' },
    ],
    [
      'the rest is done by a job whose claim is lost',
      ' where exists (select from ${CLAIMED})',
      '',
      { tests: [at.QUEUE_TESTS], only: 'taken over meanwhile' },
    ],
  ],
)

const cleanupLoop = faultsIn(
  at.CLEANUP_LOOP,
  [at.CLEANUP_TESTS],
  [
    ['it stops after one batch', 'batches < MAX_BATCHES &&', 'batches < 1 &&', { only: 'share of database calls' }],
    [
      'a batch that is too large is tried again as it is',
      'size = Math.ceil(size / 10)',
      'size = Math.ceil(size)',
      { only: 'smaller batches' },
    ],
    [
      'what is left is called complete',
      'return { deleted, complete: false,',
      'return { deleted, complete: true,',
      { only: 'share of database calls' },
    ],
  ],
)

const cleanupJob = faultsIn(
  at.CLEANUP_JOB,
  [at.CLEANUP_TESTS],
  [['no job goes on with the rest', 'if (!complete) return', 'if (false) return', { only: 'share of database calls' }]],
)

export const JOBS = [
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
