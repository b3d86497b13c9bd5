import { sql } from 'drizzle-orm'
import { FUNCTIONS } from '../db/functions.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import type { Settings } from '../env.ts'
import type { RunJob } from '../jobs/job.ts'
import { channels } from './channels/index.ts'

const NOTIFY = prepare(sql`
  select id from unnest(${sql.raw(FUNCTIONS.notify)}(p_job_id => ${param('job_id')}, p_attempt => ${param('attempts')}, p_environment => ${param('environment')},
    p_pagers => ${param('pagers')}::text[], p_singles => ${param('singles')}::text[],
    p_sweepers => ${param('sweepers')}::text[], p_now => ${param('now')}, p_finished_at => ${param('finished_at')})) id`)

/** The kinds of channels that have this trait, as an SQL array. */
export const kindsThat = (trait: 'isPager' | 'isSingle' | 'isSweeper' | 'isRenewed'): string =>
  `{${channels
    .filter((channel) => channel[trait])
    .map(({ kind }) => kind)
    .join(',')}}`

/** The channel that needs no row. */
export const environmentChannel = ({ SLACK_WEBHOOK_URL }: Settings): 'slack' | 'log' => (SLACK_WEBHOOK_URL === undefined ? 'log' : 'slack')

/** The `notify` job: it decides whom to tell of events of incidents, and records the jobs that send (see notify.sql). */
export const notify: RunJob = (job, { db, now, clock, settings }) =>
  readIds(db, NOTIFY, {
    job_id: job.id,
    attempts: job.attempts,
    environment: environmentChannel(settings),
    pagers: kindsThat('isPager'),
    singles: kindsThat('isSingle'),
    sweepers: kindsThat('isSweeper'),
    now,
    finished_at: clock(),
  })
