/** How long a statement waits for its turn; PostgreSQL's own connection timeout is the same. */
const WAIT_MILLIS = 5_000

/** No turn came in time. */
export class NoTurn extends Error {}

/**
 * Lets at most `size` pieces of work run at once; the others wait in their order. `take` answers how to give the turn back, and
 * throws NoTurn after five seconds.
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
  const onceReleased = () => {
    let isHeld = true
    return () => {
      if (isHeld) release()
      isHeld = false
    }
  }
  return {
    take: (): Promise<() => void> => {
      if (free > 0) {
        free -= 1
        return Promise.resolve(onceReleased())
      }
      return new Promise((resolve, reject) => {
        const turn = () => {
          clearTimeout(timer)
          resolve(onceReleased())
        }
        const timer = setTimeout(() => {
          waiting.delete(turn)
          reject(new NoTurn('all connections for this kind of work are in use'))
        }, WAIT_MILLIS)
        waiting.add(turn)
      })
    },
  }
}
