import { JobFailure } from '../jobs/job.ts'

/** Posts a body as JSON to a channel's other side. */
export type Post = (url: string, body: unknown) => Promise<void>

/** Far below the lease of a job: a post is over before anybody else may try. */
const TIMEOUT_MILLIS = 10_000
/** What `Retry-After` may ask for at the most. */
const MAX_RETRY_SECONDS = 3600
/** The other side's own words, never a page of HTML. */
const MAX_DETAIL_CHARACTERS = 100

/**
 * What the answer of a channel's other side means, decided here for all channels. Throws JobFailure: passing where trying
 * again may help (5xx, 408, 429 with its `Retry-After`, no answer), permanent where only a person can mend it (404, 410,
 * 403: the address is gone or revoked; 400: the message is refused). Without an answer, or with one of a gateway (502,
 * 504), the message may have arrived: `interrupted`. `name` is how people call the other side, `setting` what to check.
 */
export const postTo =
  ({ name, setting }: { name: string; setting: string }): Post =>
  async (url, body) => {
    let response: Response
    let answer: string
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MILLIS),
      })
      answer = (await response.text()).replace(/\s+/g, ' ').slice(0, MAX_DETAIL_CHARACTERS)
    } catch (error) {
      const reason = error instanceof Error && error.name === 'TimeoutError' ? `within ${TIMEOUT_MILLIS / 1000} seconds` : 'at all'
      throw new JobFailure(`${name} did not answer ${reason}`, { interrupted: true, cause: error })
    }
    if (response.ok) return
    const said = `${name} answered ${response.status}${answer ? ` (${answer})` : ''}`
    if (response.status === 429) {
      throw new JobFailure(`${said}: too many messages`, { retryAfterSeconds: readRetryAfter(response.headers.get('retry-after')) })
    }
    // A gateway that gave up waiting does not know what became of the message.
    if ([502, 504].includes(response.status)) throw new JobFailure(said, { interrupted: true })
    if (response.status >= 500 || response.status === 408) throw new JobFailure(said)
    throw new JobFailure(`${said}: check ${setting}, then replay this job`, { permanent: true })
  }

/** Seconds, or a date; a minute where it is neither. */
const readRetryAfter = (header: string | null): number => {
  const seconds = /^\d+$/.test(header ?? '') ? Number(header) : (Date.parse(header ?? '') - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_SECONDS) : 60
}
