import type { Fetch } from '../core/outbound.ts'
import { JobFailure } from '../jobs/job.ts'

/** Posts a body to a channel's service: as JSON, or unchanged if it is text. Returns what the service answered, in one line. */
export type Post = (url: string, body: unknown, headers?: Record<string, string>) => Promise<string>

/** Much shorter than a claim holds: the post ends before another attempt may begin. */
const TIMEOUT_MILLIS = 10_000
/** The longest wait that is taken from `Retry-After`. */
const MAX_RETRY_SECONDS = 3600
/** Enough for the service's own error message, but not for a page of HTML. */
const MAX_DETAIL_CHARACTERS = 100
const MAX_DETAIL_BYTES = 1024
/** Answers of gateways that heard nothing, or nothing they understand, from the service: 520 and 524 are Cloudflare's. */
const UNKNOWN_OUTCOMES = [502, 504, 520, 524]

interface PostOptions {
  name: string
  setting: string
  publicUrl?: string | undefined
  isTest?: boolean
  send?: Fetch
}

/**
 * Decides what a service's answer means, for all channels. Throws JobFailure. The job is tried again if that may help (5xx,
 * 408, 429 with its `Retry-After`, no answer). Any other failure is permanent: only a person can fix it (400: the message is
 * refused; 403, 404, 410: the webhook is revoked or gone). Without an answer, or with an answer from a gateway (502, 504, 520, 524),
 * the message may have arrived: `interrupted`. `name` is the service's name in messages, `setting` what to check if it refuses.
 * `send` reaches the service. `publicUrl`: who sends, for the service's operator. `isTest`: somebody waits for the service's own
 * words, also if it takes the message.
 */
export const postTo =
  ({ name, setting, publicUrl, isTest = false, send = fetch }: PostOptions): Post =>
  async (url, body, headers = {}) => {
    let response: Response
    try {
      response = await send(url, {
        method: 'POST',
        // Discord refuses requests without a User-Agent, and a worker sends none by itself.
        headers: { 'Content-Type': 'application/json', 'User-Agent': publicUrl ? `Watcher (+${publicUrl})` : 'Watcher', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MILLIS),
      })
    } catch (error) {
      const reason = error instanceof Error && error.name === 'TimeoutError' ? `within ${TIMEOUT_MILLIS / 1000} seconds` : 'at all'
      throw new JobFailure(`${name} did not answer ${reason}`, { interrupted: true, cause: error })
    }
    if (response.ok) {
      // The message has arrived, whatever the body says or however it breaks.
      if (isTest) return describeAnswer(name, response)
      await response.body?.cancel().catch(() => {})
      return `${name} answered ${response.status}`
    }
    const fault = await describeAnswer(name, response)
    if (response.status === 429) {
      throw new JobFailure(`${fault}: too many messages`, { retryAfterSeconds: readRetryAfter(response.headers.get('retry-after')) })
    }
    // A gateway that gave up waiting does not know whether the message arrived.
    if (UNKNOWN_OUTCOMES.includes(response.status)) throw new JobFailure(fault, { interrupted: true })
    if (response.status >= 500 || response.status === 408) throw new JobFailure(fault)
    throw new JobFailure(`${fault}: check ${setting}, then send it again`, { permanent: true })
  }

const describeAnswer = async (name: string, response: Response): Promise<string> => {
  const answer = (await readStart(response)).replace(/\s+/g, ' ').slice(0, MAX_DETAIL_CHARACTERS)
  return `${name} answered ${response.status}${answer ? ` (${answer})` : ''}`
}

/** The first part of a body, at most MAX_DETAIL_BYTES: a broken or endless one is no fault of its own. */
const readStart = async (response: Response): Promise<string> => {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    while (reader && bytes < MAX_DETAIL_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value.subarray(0, MAX_DETAIL_BYTES - bytes), { stream: true })
      bytes += value.byteLength
    }
  } catch {
    // what was read is enough
  }
  await reader?.cancel().catch(() => {})
  return text
}

/** Reads seconds or a date; 60 seconds if the header is neither. */
const readRetryAfter = (header: string | null): number => {
  const seconds = /^\d+(\.\d+)?$/.test(header ?? '') ? Number(header) : (Date.parse(header ?? '') - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_SECONDS) : 60
}
