/** Unknown tokens in a minute: of one address, and of all. A person needs a few; a program could try millions. */
const MAX_OF_ADDRESS = 10
const MAX_OF_ALL = 1_000
const WINDOW_MILLIS = 60_000

/**
 * Counts the unknown tokens of the sign-in form in windows of a minute. Each isolate counts for itself, so the limit is
 * not exact; it stops a program that guesses.
 */
export const createGuesses = () => {
  let window = 0
  let counts = new Map<string, number>()
  let all = 0
  const turn = (nowMillis: number) => {
    const current = Math.floor(nowMillis / WINDOW_MILLIS)
    if (current === window) return
    window = current
    counts = new Map()
    all = 0
  }
  return {
    /** True if this address, or all addresses together, have guessed too often. */
    isOver: (address: string, nowMillis: number): boolean => {
      turn(nowMillis)
      return all >= MAX_OF_ALL || (counts.get(address) ?? 0) >= MAX_OF_ADDRESS
    },
    count: (address: string, nowMillis: number): void => {
      turn(nowMillis)
      all += 1
      counts.set(address, (counts.get(address) ?? 0) + 1)
    },
  }
}

/** The client's address: the platform's header, which a client cannot set there; on a server of one's own, what workerd says. */
export const addressOf = (request: Request): string => {
  const { clientIp } = (request.cf ?? {}) as { clientIp?: string }
  return clientIp ?? request.headers.get('cf-connecting-ip') ?? ''
}
