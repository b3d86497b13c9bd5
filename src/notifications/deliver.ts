import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { logEvent } from '../core/log.ts'
import { once } from '../core/once.ts'
import { FUNCTIONS } from '../db/functions.ts'
import { jsonOf, text } from '../db/rows.ts'
import { param, prepare } from '../db/statement.ts'
import { summaryOf } from '../incidents/kind.ts'
import { incident, incidentEvent } from '../incidents/table.ts'
import { claimedJob, finishedJob, finishing } from '../jobs/claim.ts'
import { type ClaimedJob, JobFailure, type JobScope, type RunJob } from '../jobs/job.ts'
import { job as jobTable } from '../jobs/table.ts'
import { composeText, type Vocabulary } from './compose.ts'
import { hostOf } from './host.ts'
import { renderAlert } from './message.ts'
import { environmentReceiver, type Receiver, storedReceiver } from './receiver.ts'
import { channel, notification } from './table.ts'
import { type Notification, type ToldIncident, toldRow } from './told.ts'

/**
 * Most webhooks take no idempotency key. If an earlier attempt ended without an answer, the message is sent again with
 * this line: a marked repetition is better than a lost message.
 */
const REPETITION = '(sent again: whether the first message arrived is not known)'

/** The text of a message. An attempt whose answer was lost marks the next one. */
const textOf = (composed: string, { interrupted: isRepeated }: ClaimedJob): Pick<Notification, 'text' | 'isRepeated'> => ({
  text: isRepeated ? `${composed}\n${REPETITION}` : composed,
  isRepeated,
})

/** How long a message waits for an earlier one about the same incident. */
const ORDER_SECONDS = 15

/** What the job `notify` writes, or the one that renews alerts; or, from an earlier version, an alert of its own. */
const payload = once(() =>
  z.union([
    z.object({ channel_id: z.number(), alerts: z.array(z.record(z.string(), z.unknown())), sweep: z.number().nullish() }),
    z.object({ channel_id: z.number(), renews: z.literal(true) }),
    z.object({ alert: z.string() }).loose(),
  ]),
)

const BEGIN = prepare(sql`
  select outcome, channel, notifications from ${sql.raw(FUNCTIONS.begin_sending)}(p_job_id => ${param('job_id')}, p_channel_id => ${param('channel_id')})`)

const storedChannel = once(() =>
  z.object({
    name: z.string(),
    kind: z.string(),
    settings: z.record(z.string(), z.unknown()),
    secrets: z.string().nullable(),
    secrets_id: z.string().nullable(),
  }),
)

const begunRow = once(() =>
  z.object({
    outcome: z.enum(['send', 'wait', 'nothing']),
    channel: jsonOf(storedChannel()).nullable(),
    notifications: jsonOf(z.array(toldRow())).nullable(),
  }),
)

const CLAIMED = sql.raw('claimed')
const SENT = sql.raw('sent')
const FINISH = prepare(sql`
  with ${claimedJob(CLAIMED)},
  ${SENT} as (
    update ${notification} n set sent_at = ${param('finished_at')}::timestamptz from ${CLAIMED}
    where n.job_id = ${CLAIMED}.id and n.state = 'sending'
    returning n.incident_id, n.channel_name, n.event),
  noted as (
    insert into ${incidentEvent} (incident_id, kind, at, text)
    select incident_id, 'notified', ${param('finished_at')}::timestamptz, channel_name || ': ' || event from ${SENT}),
  ${finishedJob(sql.raw('finished'), { claim: CLAIMED, work: SENT })}
  select id::text from finished`)

/** The `send_alert` job: sends the notifications of one channel that belong together (see begin-sending.sql). */
export const sendAlert =
  (vocabulary: Vocabulary): RunJob =>
  async (job, scope) => {
    const read = payload().safeParse(job.payload)
    if (!read.success) throw new JobFailure('This alert cannot be read: its payload is of no known form', { permanent: true })
    if ('alert' in read.data) return sendOldAlert(job, scope, vocabulary)
    if ('renews' in read.data) return renew(read.data.channel_id, job, scope, vocabulary)
    const { channel_id, alerts, sweep } = read.data
    const [begun] = await scope.db.rows(BEGIN, begunRow(), { job_id: job.id, channel_id })
    if (!begun) throw new Error('begin_sending returned no row')
    if (begun.outcome === 'wait') {
      throw new JobFailure('An earlier message about one of these incidents is not sent yet', { retryAfterSeconds: ORDER_SECONDS })
    }
    if (begun.outcome === 'send') {
      const incidents = (begun.notifications ?? []).map((row) => withSummary(row, vocabulary, scope))
      const receiver = begun.channel ? await storedReceiver(begun.channel, scope) : environmentReceiver(scope)
      await send(receiver, notificationOf({ incidents, alerts, sweep: sweep ?? undefined }, vocabulary, job, scope), job, scope)
    }
    await finish(job, scope, receiverName(begun.channel?.name, scope))
    return []
  }

/** One page of what is renewed: one request of Alertmanager's. */
const MAX_RENEWED = 1_000

/**
 * What the channel was told of last, of what arrived or still may, must not be its end: an incident that opened again, but is silenced or
 * held, is not told. And something must have been told.
 */
const RENEWED = prepare(sql`
  select (select coalesce(jsonb_agg(${sql.raw(FUNCTIONS.told_incident)}(i.id) order by i.id), '[]') from (
      select i.id from ${incident} i
      cross join lateral (
        select n.event from ${notification} n left join ${jobTable} j on j.id = n.job_id
        where n.incident_id = i.id and n.channel_id = c.id and n.state <> 'dropped' and j.state is distinct from 'failed'
        order by n.id desc limit 1) last
      where i.state <> 'resolved' and i.id > ${param('after_id')} and last.event <> 'resolved'
      order by i.id limit ${sql.raw(String(MAX_RENEWED))}) i) as incidents,
    jsonb_build_object('name', c.name, 'kind', c.kind, 'settings', c.settings, 'secrets', c.secrets, 'secrets_id', c.secrets_id) as channel
  from ${channel} c where c.id = ${param('channel_id')} and c.active`)

const renewedRow = once(() => z.object({ incidents: jsonOf(z.array(toldRow())), channel: jsonOf(storedChannel()) }))

/** Sends again, page by page, what is still open, for a service that takes it as over else. */
const renew = async (channel_id: number, job: ClaimedJob, scope: JobScope, vocabulary: Vocabulary): Promise<number[]> => {
  const { now, settings } = scope
  let name = 'Nobody'
  let after_id = 0
  for (let isLast = false; !isLast; ) {
    const [row] = await scope.db.rows(RENEWED, renewedRow(), { channel_id, after_id })
    const incidents = (row?.incidents ?? []).map((told) => withSummary(told, vocabulary, scope))
    if (row && incidents.length > 0) {
      name = row.channel.name
      await send(
        await storedReceiver(row.channel, scope),
        { event: 'reminded', text: '', isRepeated: false, incidents, sweep: undefined, now, host: hostOf(settings), url: undefined },
        job,
        scope,
      )
    }
    after_id = incidents.at(-1)?.id ?? after_id
    isLast = incidents.length < MAX_RENEWED
  }
  await finish(job, scope, name)
  return []
}

const receiverName = (name: string | undefined, { settings }: JobScope): string =>
  name ?? (settings.SLACK_WEBHOOK_URL === undefined ? 'The log' : 'Slack')

const withSummary = (row: Omit<ToldIncident, 'summary' | 'url'>, vocabulary: Vocabulary, { settings }: JobScope): ToldIncident => ({
  ...row,
  summary: summaryOf(row, vocabulary),
  url: settings.WATCHER_PUBLIC_URL && `${settings.WATCHER_PUBLIC_URL}/incidents/${row.id}`,
})

const notificationOf = (
  { incidents, alerts, sweep }: { incidents: ToldIncident[]; alerts: Record<string, unknown>[]; sweep: number | undefined },
  vocabulary: Vocabulary,
  job: ClaimedJob,
  { now, settings }: JobScope,
): Notification => {
  const composed = readably(() => composeText({ incidents, alerts, now, format: settings.WATCHER_ALERT_FORMAT }, vocabulary))
  const [first] = incidents
  return {
    event: first?.event ?? 'test',
    ...textOf(composed, job),
    incidents,
    sweep,
    now,
    host: hostOf(settings),
    url: incidents.length === 1 ? first?.url : settings.WATCHER_PUBLIC_URL && `${settings.WATCHER_PUBLIC_URL}/incidents`,
  }
}

const readably = (compose: () => string): string => {
  try {
    return compose()
  } catch (error) {
    throw new JobFailure(`This alert cannot be read: ${(error as Error).message}`, { permanent: true, cause: error })
  }
}

const send = async (receiver: Receiver | undefined, told: Notification, job: ClaimedJob, { trace }: JobScope): Promise<void> => {
  if (!receiver) {
    logEvent('warning', 'alert', { job_id: job.id, text: told.text })
    return
  }
  await trace.measure(`POST ${receiver.name} webhook`, { kind: 'client', attributes: { 'server.address': receiver.host } }, () =>
    receiver.send(told),
  )
}

/** Ends the job. If that fails, the message is out: it must not be sent again. */
const finish = async (job: ClaimedJob, { db, clock }: JobScope, name: string): Promise<void> => {
  try {
    await db.rows(FINISH, z.object({ id: text }), finishing(job, clock()))
  } catch (cause) {
    throw new JobFailure(`${name} has the message, but this could not be recorded`, { done: true, interrupted: true, cause })
  }
}

/** A job that an earlier version recorded: its payload is the alert, for the channel of the environment. */
const sendOldAlert = async (job: ClaimedJob, scope: JobScope, { alertKinds }: Vocabulary): Promise<number[]> => {
  const rendered = readably(() => renderAlert(alertKinds, job.payload))
  const { now, settings } = scope
  await send(
    environmentReceiver(scope),
    { event: 'opened', ...textOf(rendered, job), incidents: [], sweep: undefined, now, host: hostOf(settings), url: undefined },
    job,
    scope,
  )
  await finish(job, scope, receiverName(undefined, scope))
  return []
}
