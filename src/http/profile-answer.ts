import type { Context } from 'hono'
import type { Trip } from '../db/client.ts'
import { readSettings } from '../env.ts'
import { authorize } from './access.ts'
import { renderProfile } from './profile-page.ts'
import type { AppEnvironment } from './scope.ts'
import { makeNonce, pagePolicy } from './security-headers.ts'

type RequestContext = Context<AppEnvironment>

/** True for `?profile=true` if profiling is on and the caller may write, also on open paths: a profile shows SQL. */
export const isProfiled = (context: RequestContext): boolean => {
  if (context.req.query('profile') !== 'true') return false
  const settings = readSettings(context.env)
  if (!(settings.PROFILING_ENABLED ?? settings.ENV_STATE === 'dev')) return false
  try {
    return (context.get('caller') ?? authorize(context.req.raw, settings, 'write')).mayWrite
  } catch {
    return false
  }
}

/** Replaces the answer by a page that shows where its time went, and the answer. `trips` are the round trips of the request. */
export const showProfile = async (context: RequestContext, trips: readonly Trip[]): Promise<void> => {
  const { req, res } = context
  const { stopwatch } = context.get('scope')
  const nonce = makeNonce()
  const tree = stopwatch.toTree(`${req.method} ${req.path}`, trips)
  const page = renderProfile({ tree, status: res.status, body: await res.clone().text(), sentAfterwards: stopwatch.sentAfterwards, nonce })
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': pagePolicy(nonce) }
  context.res = undefined // else the page would get the headers of the answer that it shows
  context.res = new Response(String(await page), { status: res.status === 204 ? 200 : res.status, headers })
}
