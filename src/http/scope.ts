import type { Database } from '../db/client.ts'
import type { Settings } from '../env.ts'
import type { Caller } from './access.ts'
import type { Stopwatch } from './profile.ts'
import type { RegisteredRoute } from './route.ts'

/** What a request has at hand; made at the entry and passed on, never reached for. */
export interface Scope {
  settings: Settings
  /** Which of them are set, by name: what may be shown of them. */
  namesGiven: readonly string[]
  db: Database
  /** For the few requests that work through more than one statement: each trip has a time of its own. */
  backgroundDb: Database
  /** The moment the request arrived, as an instant (see instant.ts): all its rows agree on "now". */
  now: string
  /** Takes the request's time, for `?profile=true`. */
  stopwatch: Stopwatch
  /** Names the request's trace in the log; undefined where it is not recorded. */
  traceId: string | undefined
  /** Sends recorded jobs to the queue once the answer is on its way: it neither waits for that nor fails with it. */
  sendAfterwards: (jobIds: readonly number[]) => void
  /** Carries jobs out once the answer is on its way, past the queue: for what is to say that the queue stands still. */
  runAfterwards: (jobIds: readonly number[]) => void
}

export interface AppEnvironment {
  Bindings: Env
  Variables: {
    scope: Scope
    requestId: string
    caller: Caller
    /** The route that answers, once its handler has been reached. */
    route: RegisteredRoute
  }
}
