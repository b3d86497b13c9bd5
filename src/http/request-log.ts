import type { Context } from 'hono'
import { logEvent, versionOf } from '../core/log.ts'
import { sumTrips, type Trip } from '../db/client.ts'
import { type Caller, withoutKey } from './access.ts'
import type { Scope } from './scope.ts'

/** The `Server-Timing` header: milliseconds in total, and at the database. */
export const describeTiming = (begunMillis: number, trips: readonly Trip[]): string => {
  const { sql_count, sql_ms } = sumTrips(trips)
  return `total;dur=${Date.now() - begunMillis}, db;dur=${sql_ms};desc="${sql_count} statement${sql_count === 1 ? '' : 's'}"`
}

/** Logs one line per request. */
export const logRequest = (context: Context, requestId: string, begunMillis: number, trips: readonly Trip[], fault: unknown): void =>
  logEvent(
    context.res.status >= 500 ? 'error' : 'info',
    'request',
    {
      version: versionOf(context.env),
      request_id: requestId,
      trace_id: (context.get('scope') as Scope | undefined)?.traceId,
      token: (context.get('caller') as Caller | undefined)?.name,
      method: context.req.method,
      path: withoutKey(context.req.path),
      status: context.res.status,
      duration_ms: Date.now() - begunMillis,
      ...sumTrips(trips),
    },
    fault,
  )
