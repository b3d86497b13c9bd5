/** Waits for the work at most so many milliseconds, then throws an error: `fault`, and the seconds. The work itself is not stopped. */
export const withinTime = async (work: Promise<unknown>, millis: number, fault: string): Promise<void> => {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${fault} within ${millis / 1000} seconds`)), millis)
  try {
    await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
