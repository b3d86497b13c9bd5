import { logEvent } from '../core/log.ts'
import { finishJob } from '../jobs/claim.ts'
import { JobFailure, type RunJob } from '../jobs/job.ts'
import type { AlertKind } from './alert.ts'
import { channelOf } from './channels/index.ts'
import { renderAlert } from './message.ts'

/**
 * A webhook takes no key by which Slack could tell a repetition. Where an earlier attempt ended without our hearing of
 * it, the message is sent again and says so: twice and marked is better than lost.
 */
const REPETITION = '(sent again: whether the first message arrived is not known)'

/** The `send_alert` job: tells the channel that the environment names, or the log where it names none. */
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
      throw new JobFailure(`${channel?.name ?? 'The log'} has the message, but that could not be recorded`, {
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
