type Made<Value> = { value: Value } | { fault: unknown }

/** What was made last, and whether a request is making it anew. */
interface Kept<Value> {
  made?: Made<Value>
  madeMillis: number
  makingMillis?: number
}

const POLL_MILLIS = 10
/** A request that makes the value anew has this long; then another tries. */
const MAKING_MILLIS = 3_000

/**
 * Keeps an answer for `maxAgeMillis`, by key: any number of callers cost the database one statement in that time. One request
 * of an isolate makes it; the others wait for it. They poll, because a request of the platform cannot await the work of another.
 * A failure is kept like an answer.
 */
export const keepAnswers = <Value>(maxAgeMillis: number) => {
  const kept = new Map<string, Kept<Value>>()
  return async (key: string, make: () => Promise<Value>): Promise<Value> => {
    for (;;) {
      const found = kept.get(key) ?? { madeMillis: Number.NEGATIVE_INFINITY }
      const now = Date.now()
      if (found.made && now - found.madeMillis < maxAgeMillis) return readMade(found.made)
      if (found.makingMillis === undefined || now - found.makingMillis > MAKING_MILLIS) {
        kept.set(key, { ...found, makingMillis: now })
        const made: Made<Value> = await make().then(
          (value) => ({ value }),
          (fault: unknown) => ({ fault }),
        )
        kept.set(key, { made, madeMillis: now })
        return readMade(made)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS))
    }
  }
}

const readMade = <Value>(made: Made<Value>): Value => {
  if ('fault' in made) throw made.fault
  return made.value
}
