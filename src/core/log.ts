/** The platform's id of the deployed version; undefined where there is no platform. */
export const versionOf = ({ VERSION }: Partial<Env>): string | undefined => VERSION?.id || undefined

/** One line of JSON for whatever collects the worker's output. */
export const logEvent = (level: 'info' | 'warning' | 'error', message: string, fields: Record<string, unknown>, fault?: unknown): void => {
  // The driver's message may carry values of a request; the log is where it may be read.
  console.log(JSON.stringify({ level, message, ...fields, ...(fault === undefined ? {} : { fault: describeFault(fault) }) }))
}

const describeFault = (fault: unknown): string => {
  const messages: string[] = []
  for (let cause = fault; cause instanceof Error; cause = cause.cause) messages.push(`${cause.name}: ${cause.message}`)
  return messages.join(' < ') || String(fault)
}
