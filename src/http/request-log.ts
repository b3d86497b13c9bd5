import type { Context } from 'hono'
import type { Trip } from '../db/client.ts'

/** One line of JSON per request, for whatever collects the worker's output. */
export const logRequest = (context: Context, requestId: string, begunMillis: number, trips: readonly Trip[], fault: unknown): void => {
  const line = {
    level: context.res.status >= 500 ? 'error' : 'info',
    message: 'request',
    request_id: requestId,
    method: context.req.method,
    path: context.req.path,
    status: context.res.status,
    duration_ms: Date.now() - begunMillis,
    sql_count: trips.reduce((sum, { statements }) => sum + statements.length, 0),
    sql_ms: trips.reduce((sum, { millis }) => sum + millis, 0),
    // The driver's message may carry values of the request; the log is where it may be read.
    ...(fault === undefined ? {} : { fault: describeFault(fault) }),
  }
  console.log(JSON.stringify(line))
}

const describeFault = (fault: unknown): string => {
  const messages: string[] = []
  for (let cause = fault; cause instanceof Error; cause = cause.cause) messages.push(`${cause.name}: ${cause.message}`)
  return messages.join(' < ') || String(fault)
}
