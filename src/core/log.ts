/** The platform's id of the deployed version; undefined if there is no platform. */
export const versionOf = ({ VERSION }: Partial<Env>): string | undefined => VERSION?.id || undefined

/** Writes one line of JSON to the worker's output. */
export const logEvent = (level: 'info' | 'warning' | 'error', message: string, fields: Record<string, unknown>, fault?: unknown): void => {
  // The driver's message may contain values of a request. It may stand in the log, never in an answer.
  console.log(JSON.stringify({ level, message, ...fields, ...(fault === undefined ? {} : { fault: describeFault(fault) }) }))
}

const describeFault = (fault: unknown): string => {
  const messages: string[] = []
  for (let cause = fault; cause instanceof Error; cause = cause.cause) messages.push(`${cause.name}: ${cause.message}`)
  return messages.join(' < ') || String(fault)
}
