import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { z } from 'zod'
import { ApiError } from '../core/errors.ts'
import { versionOf } from '../core/log.ts'
import { once } from '../core/once.ts'
import { databaseFault } from '../db/failures.ts'
import { wantsHtml } from '../http/accept.ts'
import type { Caller } from '../http/access.ts'
import { HANDLER } from '../http/profile.ts'
import type { Router } from '../http/router.ts'
import type { AppEnvironment, Scope } from '../http/scope.ts'
import { makeNonce, pagePolicy } from '../http/security-headers.ts'
import { Layout, type Section } from './layout.tsx'

type Shape = z.ZodRawShape
type Read<S extends Shape> = z.output<z.ZodObject<S>>

/** What a view has beside what was loaded. */
export interface ViewScope<Query> {
  query: Query
  /** Whose token it is; buttons that write are for those that may. */
  caller: Caller
  now: string
  /** This page's address with other parameters in its query; undefined leaves one out. */
  link: (parameters: Record<string, string | number | undefined>) => string
}

/** One page: what its address says, what it loads, and how that looks. */
export interface PageDefinition<Params extends Shape, Query extends Shape, Loaded> {
  path: string
  section?: Section
  params?: () => Params
  /** Every field must have a `catch`: a page whose address has been mistyped is shown as if it had not been said. */
  query?: () => Query
  /** At most two round trips. Throws ApiError for the error page. */
  load: (input: { params: Read<Params>; query: Read<Query> }, scope: Scope) => Promise<Loaded>
  title: (loaded: Loaded) => string
  view: (loaded: Loaded, scope: ViewScope<Read<Query>>) => Child
  /** Names in /static that this page runs beside page.js. */
  scripts?: string[]
  /** Where the page shows what is happening: it brings itself up to date so often. */
  refreshSeconds?: number
  /** The same path answers JSON to whoever does not ask for HTML. */
  isAlsoJson?: true
}

/** Registers a page. What goes wrong is a page too, with the sentence and the request id that the API would answer. */
export const servePage = <Loaded, Params extends Shape = {}, Query extends Shape = {}>(
  router: Router,
  page: PageDefinition<Params, Query, Loaded>,
): void => {
  const schemas = once(() => ({ params: z.object(page.params?.() ?? {}), query: z.object(page.query?.() ?? {}) }))
  router.get(page.path.replace(/\{(\w+)\}/g, ':$1'), async (context, next) => {
    if (page.isAlsoJson && !wantsHtml(context.req.raw)) {
      await next()
      context.res.headers.append('Vary', 'Accept')
      return
    }
    const scope = context.get('scope')
    try {
      const params = schemas().params.safeParse(context.req.param())
      if (!params.success) throw new ApiError('path_not_found', `There is no page ${context.req.path}`)
      const query = schemas().query.parse(context.req.query()) as Read<Query>
      const loaded = await scope.stopwatch.measure(HANDLER, () => page.load({ params: params.data as Read<Params>, query }, scope))
      const viewScope = { query, caller: context.get('caller'), now: scope.now, link: linkFrom(context.req.url) }
      return await scope.stopwatch.measure('Writing the page', () =>
        answer(context, 200, page, page.title(loaded), page.view(loaded, viewScope)),
      )
    } catch (error) {
      const fault = error instanceof ApiError ? error : databaseFault(error)
      if (!fault) throw error
      if (fault.status >= 500) context.error = fault
      return answer(context, fault.status, page, 'Not shown', <Fault fault={fault} requestId={context.get('requestId')} />, fault.headers)
    }
  })
}

const linkFrom = (url: string) => (parameters: Record<string, string | number | undefined>) => {
  const { pathname, searchParams } = new URL(url)
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === '') searchParams.delete(name)
    else searchParams.set(name, String(value))
  }
  return searchParams.size > 0 ? `${pathname}?${searchParams}` : pathname
}

const answer = (
  context: Context<AppEnvironment>,
  status: number,
  { section, scripts = [], refreshSeconds }: Pick<PageDefinition<Shape, Shape, never>, 'section' | 'scripts' | 'refreshSeconds'>,
  title: string,
  content: Child,
  headers: Record<string, string> = {},
): Response => {
  const whole = (
    <Layout
      title={title}
      section={section}
      caller={context.get('caller')}
      scripts={scripts}
      refreshSeconds={refreshSeconds}
      version={versionOf(context.env)}
    >
      {content}
    </Layout>
  )
  const policy = pagePolicy(makeNonce())
  return new Response(`<!doctype html>${whole}`, {
    status,
    headers: { ...headers, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy, Vary: 'Accept' },
  })
}

const Fault = ({ fault, requestId }: { fault: ApiError; requestId: string }) => (
  <section class="empty" role="alert">
    <h1>{fault.status === 404 ? 'There is nothing here' : 'This page could not be put together'}</h1>
    <p>{fault.message}.</p>
    <p>
      <a href="?">Try again</a> or go to the <a href="/overview">overview</a>.{' '}
      <small>
        Request <code>{requestId}</code>
      </small>
    </p>
  </section>
)
