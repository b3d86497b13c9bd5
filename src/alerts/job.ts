import { logEvent } from '../core/log.ts'
import { finishJob } from '../jobs/claim.ts'
import { JobFailure, type RunJob } from '../jobs/job.ts'
import { alertSchema } from './alert.ts'
import { postToSlack } from './slack.ts'
import { renderAlert } from './text.ts'

/**
 * A webhook takes no key by which Slack could tell a repetition. Where an earlier attempt ended without our hearing of
 * it, the message is sent again and says so: rather twice and marked than not at all.
 */
const REPETITION = '(sent again: whether the first message arrived is not known)'

/** The `send_alert` job: tells Slack, or the log where no webhook is set. */
export const sendAlert: RunJob = async (job, { settings, db, clock, trace }) => {
  const alert = alertSchema().safeParse(job.payload)
  if (!alert.success) throw new JobFailure(`This alert cannot be read: ${alert.error.issues[0]?.message}`, { permanent: true })
  const text = renderAlert(alert.data)
  const webhookUrl = settings.SLACK_WEBHOOK_URL
  if (webhookUrl) {
    await trace.measure('POST Slack webhook', { kind: 'client', attributes: { 'server.address': new URL(webhookUrl).hostname } }, () =>
      postToSlack(webhookUrl, job.interrupted ? `${text}\n${REPETITION}` : text),
    )
  } else {
    logEvent('warning', 'alert', { job_id: job.id, text })
  }
  try {
    await finishJob(db, job, clock())
  } catch (cause) {
    throw new JobFailure('Slack has the message, but that could not be recorded', { done: true, interrupted: true, cause })
  }
  return []
}
