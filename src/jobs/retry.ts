/** Attempts a job has before it is failed for good. The queue's max_retries (wrangler.toml) is one less. */
export const MAX_ATTEMPTS = 20

/** How long a claim holds. Longer than any attempt takes: a claim that has run out means its worker is gone. */
export const LEASE_SECONDS = 300

const FIRST_DELAY_SECONDS = 15
const MAX_DELAY_SECONDS = 1800

/** Seconds to wait after this many attempts: 15, 30, 60, … up to half an hour. All attempts together span six and a half hours. */
export const retryDelaySeconds = (attempts: number): number =>
  Math.min(FIRST_DELAY_SECONDS * 2 ** Math.min(Math.max(attempts, 1) - 1, 16), MAX_DELAY_SECONDS)
