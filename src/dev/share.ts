/** How long a statement waits for its turn; PostgreSQL's own connection timeout is the same. */
const WAIT_MILLIS = 5_000

/**
 * Lets at most `size` pieces of work run at once; the others wait in their order. `take` answers how to give the turn back (once), and
 * throws after five seconds.
 */
export const createShare = (size: number) => {
  let free = size
  const waiting = new Set<() => void>()
  const release = () => {
    const [next] = waiting
    if (!next) {
      free += 1
      return
    }
    waiting.delete(next)
    next()
  }
  return {
    take: (): Promise<() => void> => {
      if (free > 0) {
        free -= 1
        return Promise.resolve(release)
      }
      return new Promise((resolve, reject) => {
        const turn = () => {
          clearTimeout(timer)
          resolve(release)
        }
        const timer = setTimeout(() => {
          waiting.delete(turn)
          reject(new Error('all connections for this kind of work are in use'))
        }, WAIT_MILLIS)
        waiting.add(turn)
      })
    },
  }
}
