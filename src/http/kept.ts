/** What was made last, and whether a request is making it anew. */
interface Kept<Value> {
  value?: Value
  madeMillis: number
  makingMillis?: number
}

const POLL_MILLIS = 10
/** A request that makes the value anew has this long; then another tries. */
const MAKING_MILLIS = 3_000

/**
 * Keeps an answer for `maxAgeMillis`, by key: any number of callers cost the database one statement in that time. One request
 * of an isolate makes it; the others wait for it. They poll, because a request of the platform cannot await the work of another.
 * `make` must not throw: what it fails with is a value too.
 */
export const keepAnswers = <Value>(maxAgeMillis: number) => {
  const kept = new Map<string, Kept<Value>>()
  return async (key: string, make: () => Promise<Value>): Promise<Value> => {
    for (;;) {
      const found = kept.get(key) ?? { madeMillis: Number.NEGATIVE_INFINITY }
      kept.set(key, found)
      const now = Date.now()
      if (found.value !== undefined && now - found.madeMillis < maxAgeMillis) return found.value
      if (found.makingMillis === undefined || now - found.makingMillis > MAKING_MILLIS) {
        found.makingMillis = now
        const value = await make()
        Object.assign(found, { value, madeMillis: now, makingMillis: undefined })
        return value
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS))
    }
  }
}
