/** How many attempts a job has before it fails for good. The queue's max_retries (wrangler.toml) is one less. */
export const MAX_ATTEMPTS = 20

/** How long a claim holds. No attempt takes this long: if a claim has run out, its worker is gone. */
export const CLAIM_SECONDS = 300

const FIRST_DELAY_SECONDS = 15
const MAX_DELAY_SECONDS = 1800

/** Seconds to wait after this many attempts: 15, 30, 60, … up to 1,800. All attempts together span six and a half hours. */
export const retryDelaySeconds = (attempts: number): number =>
  Math.min(FIRST_DELAY_SECONDS * 2 ** Math.min(Math.max(attempts, 1) - 1, 16), MAX_DELAY_SECONDS)
