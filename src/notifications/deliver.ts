import { logEvent } from '../core/log.ts'
import { finishJob } from '../jobs/claim.ts'
import { JobFailure, type RunJob } from '../jobs/job.ts'
import type { AlertKind } from './alert.ts'
import { channelOf } from './channels/index.ts'
import { renderAlert } from './message.ts'

/**
 * Slack's webhook takes no idempotency key. If an earlier attempt ended without an answer, the message is sent again with
 * this line: a marked repetition is better than a lost message.
 */
const REPETITION = '(sent again: whether the first message arrived is not known)'

/** The `send_alert` job: sends the alert to the channel that the environment configures, or writes it to the log if there is none. */
export const sendAlert =
  (kinds: readonly AlertKind[]): RunJob =>
  async (job, { settings, db, clock, trace }) => {
    const text = readText(kinds, job.payload)
    const channel = channelOf(settings)
    if (channel) {
      await trace.measure(`POST ${channel.name} webhook`, { kind: 'client', attributes: { 'server.address': channel.host } }, () =>
        channel.send({ text: job.interrupted ? `${text}\n${REPETITION}` : text }),
      )
    } else {
      logEvent('warning', 'alert', { job_id: job.id, text })
    }
    try {
      await finishJob(db, job, clock())
    } catch (cause) {
      throw new JobFailure(`${channel?.name ?? 'The log'} has the message, but this could not be recorded`, {
        done: true,
        interrupted: true,
        cause,
      })
    }
    return []
  }

const readText = (kinds: readonly AlertKind[], payload: Record<string, unknown>): string => {
  try {
    return renderAlert(kinds, payload)
  } catch (error) {
    throw new JobFailure(`This alert cannot be read: ${(error as Error).message}`, { permanent: true, cause: error })
  }
}
