import type { Outbound } from '../core/outbound.ts'
import type { Database } from '../db/client.ts'
import type { Settings } from '../env.ts'
import type { Caller } from './access.ts'
import type { Stopwatch } from './profile.ts'
import type { RegisteredRoute } from './route.ts'

/** Everything that a request may use. The entry makes it and passes it on; there are no globals. */
export interface Scope {
  settings: Settings
  /** The names of the settings that are set. Names may be shown, values must not. */
  namesGiven: readonly string[]
  db: Database
  /** For the few requests that make several round trips: each has its own time limit. */
  backgroundDb: Database
  /** The arrival of the request, as an instant (see core/instant.ts): all its rows have the same "now". */
  now: string
  /** The name of the caller's token; `anyone` in a deployment without tokens. */
  caller: string
  outbound: Outbound
  /** Measures the request, for `?profile=true`. */
  stopwatch: Stopwatch
  /** The id of the request's trace, for the log; undefined if the trace is not recorded. */
  traceId: string | undefined
  /** Sends recorded jobs to the queue after the answer: the answer neither waits for the send nor fails with it. */
  sendAfterwards: (jobIds: readonly number[]) => void
  /** Runs jobs after the answer, without the queue: the alert about a full queue must not wait in that queue. */
  runAfterwards: (jobIds: readonly number[]) => void
}

export interface AppEnvironment {
  Bindings: Env
  Variables: {
    scope: Scope
    requestId: string
    caller: Caller
    /** The route that answers; set when its handler starts. */
    route: RegisteredRoute
    /** Probable mistakes in the request that do not make it fail; set while its input is read. */
    warnings: string[]
  }
}
