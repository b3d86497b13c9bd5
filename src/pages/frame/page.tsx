import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { z } from 'zod'
import { versionOf } from '../../core/log.ts'
import { wantsHtml } from '../../http/accept.ts'
import type { Caller } from '../../http/access.ts'
import { HANDLER } from '../../http/profile.ts'
import type { Read, Shape } from '../../http/route.ts'
import { type Router, register } from '../../http/router.ts'
import type { AppEnvironment, Scope } from '../../http/scope.ts'
import { makeNonce, pagePolicy } from '../../http/security-headers.ts'
import { Layout, type Section } from './layout.tsx'

/** What a view has beside what was loaded. */
export interface ViewScope<Query> {
  query: Query
  /** Whose token it is; buttons that write are for those that may. */
  caller: Caller
  now: string
  /** This page's address with other parameters in its query; undefined leaves one out. */
  link: (parameters: Record<string, string | number | undefined>) => string
}

/** What the frame loads for a page: files of /static, made from the folder of that name (see tools/assets.ts). */
interface Assets {
  /** Scripts beside the frame's own. */
  scripts?: string[]
  /** Styles beside the frame's own. */
  styles?: string[]
}

/** One page: what its address says, what it loads, and how that looks. */
export interface PageDefinition<Params extends Shape, Query extends Shape, Loaded> extends Assets {
  path: string
  section?: Section
  params?: () => Params
  /** Every field must have a `catch`: a page whose address has a typing error is shown as if that part were absent. */
  query?: () => Query
  /** At most two round trips. Throws ApiError for the error page. */
  load: (input: { params: Read<Params>; query: Read<Query> }, scope: Scope) => Promise<Loaded>
  title: (loaded: Loaded) => string
  view: (loaded: Loaded, scope: ViewScope<Read<Query>>) => Child
  /** Where the page shows what is happening: it brings itself up to date so often. */
  refreshSeconds?: number
  /** The same path answers JSON to whoever does not ask for HTML. */
  isAlsoJson?: true
}

/** Registers a page. Where it cannot be shown, app.ts answers a page that says why (see fault.tsx). */
export const servePage = <Loaded, Params extends Shape = {}, Query extends Shape = {}>(
  router: Router,
  page: PageDefinition<Params, Query, Loaded>,
): void =>
  register<Params, Query, {}, z.ZodUndefined>(
    router,
    'page',
    {
      method: 'get',
      path: page.path,
      access: 'read',
      ...(page.params && { params: page.params }),
      ...(page.query && { query: page.query }),
      ...(page.isAlsoJson && { appliesTo: wantsHtml }),
    },
    async ({ params, query }, context) => {
      const scope = context.get('scope')
      const loaded = await scope.stopwatch.measure(HANDLER, () => page.load({ params, query }, scope))
      const viewScope = { query, caller: context.get('caller'), now: scope.now, link: linkFrom(context.req.url) }
      return scope.stopwatch.measure('Writing the page', () =>
        pageResponse(context, { ...page, status: 200, title: page.title(loaded), content: page.view(loaded, viewScope) }),
      )
    },
  )

const linkFrom = (url: string) => (parameters: Record<string, string | number | undefined>) => {
  const { pathname, searchParams } = new URL(url)
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === '') searchParams.delete(name)
    else searchParams.set(name, String(value))
  }
  return searchParams.size > 0 ? `${pathname}?${searchParams}` : pathname
}

interface PageContent extends Assets {
  status: number
  title: string
  content: Child
  section?: Section
  refreshSeconds?: number
  headers?: Record<string, string>
}

/** The content in the frame of every page. */
export const pageResponse = (
  context: Context<AppEnvironment>,
  { status, title, content, headers = {}, ...frame }: PageContent,
): Response => {
  const { section, scripts = [], styles = [], refreshSeconds } = frame
  const page = (
    <Layout
      title={title}
      section={section}
      caller={context.get('caller')}
      scripts={scripts}
      styles={styles}
      refreshSeconds={refreshSeconds}
      version={versionOf(context.env)}
    >
      {content}
    </Layout>
  )
  const policy = pagePolicy(makeNonce())
  return new Response(`<!doctype html>${page}`, {
    status,
    headers: { ...headers, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy, Vary: 'Accept' },
  })
}
