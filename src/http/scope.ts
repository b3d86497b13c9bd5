import type { Database } from '../db/client.ts'
import type { Settings } from '../env.ts'

/** What a request has at hand; made at the entry and passed on, never reached for. */
export interface Scope {
  settings: Settings
  db: Database
  /** The moment the request arrived, as an instant (see instant.ts): all its rows agree on "now". */
  now: string
}

export interface AppEnvironment {
  Bindings: Env
  Variables: { scope: Scope; requestId: string }
}
