import { JobFailure } from '../jobs/job.ts'

/** Below the lease of a job by far: a post is over before anybody else may try. */
const TIMEOUT_MILLIS = 10_000
/** What Retry-After may ask for at the most. */
const LONGEST_RETRY_SECONDS = 3600
/** Slack's own words, never a page of HTML. */
const MOST_DETAIL = 100

/**
 * Posts a text to a Slack incoming webhook. Throws JobFailure: passing where trying again may help (5xx, 408, 429 with
 * its Retry-After, no answer), permanent where only a person can mend it (404, 410, 403: the webhook is gone or
 * revoked; 400: Slack does not take the message). Without an answer the message may have arrived: `interrupted`.
 */
export const postToSlack = async (webhookUrl: string, text: string): Promise<void> => {
  let response: Response
  let answer: string
  try {
    response = await fetch(webhookUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: withoutMarkup(text) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MILLIS),
    })
    answer = (await response.text()).replace(/\s+/g, ' ').slice(0, MOST_DETAIL)
  } catch (error) {
    const reason = error instanceof Error && error.name === 'TimeoutError' ? `within ${TIMEOUT_MILLIS / 1000} seconds` : 'at all'
    throw new JobFailure(`Slack did not answer ${reason}`, { interrupted: true, cause: error })
  }
  if (response.ok) return
  const said = `Slack answered ${response.status}${answer ? ` (${answer})` : ''}`
  if (response.status === 429) {
    throw new JobFailure(`${said}: too many messages`, { retryAfterSeconds: readRetryAfter(response.headers.get('retry-after')) })
  }
  // A gateway that gave up waiting does not know what became of the message.
  if ([502, 504].includes(response.status)) throw new JobFailure(said, { interrupted: true })
  if (response.status >= 500 || response.status === 408) throw new JobFailure(said)
  throw new JobFailure(`${said}: check SLACK_WEBHOOK_URL, then replay this job`, { permanent: true })
}

/** Seconds, or a date; a minute where it is neither. */
const readRetryAfter = (header: string | null): number => {
  const seconds = /^\d+$/.test(header ?? '') ? Number(header) : (Date.parse(header ?? '') - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), LONGEST_RETRY_SECONDS) : 60
}

/** Slack reads `<!channel>` and `<https://…>` as commands: a pipeline's name must not be one. */
const withoutMarkup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
