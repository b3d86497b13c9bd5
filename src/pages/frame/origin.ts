import type { Context } from 'hono'
import { readSettings } from '../../env.ts'
import type { AppEnvironment } from '../../http/scope.ts'

/**
 * The address of this service, for commands that people copy: WATCHER_PUBLIC_URL, because a proxy may answer for this server under
 * another name; else the address that the browser has asked.
 */
export const originOf = ({ env, req }: Context<AppEnvironment>): string => {
  const asked = new URL(req.url).origin
  try {
    return readSettings(env).WATCHER_PUBLIC_URL ?? asked
  } catch {
    // An error page must also be shown if the settings are malformed.
    return asked
  }
}
