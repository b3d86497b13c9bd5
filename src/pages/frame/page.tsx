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
import { type Crumb, Layout, type Section } from './layout.tsx'
import { originOf } from './origin.ts'
import { unreadIn } from './unread.ts'

/** What a view gets besides the loaded data. */
export interface ViewScope<Query> {
  query: Query
  /** The owner of the request's token; a view shows buttons that write only if `mayWrite`. */
  caller: Caller
  now: string
  /** The address of this service, for commands that people copy. */
  origin: string
  /** This page's address with these parameters set in its query; undefined or an empty text removes one. */
  link: (parameters: Record<string, string | number | undefined>) => string
}

/** What the frame loads for a page: names of files in /static, each built from the folder of that name (see tools/assets.ts). */
interface Assets {
  /** Scripts besides the frame's own. */
  scripts?: string[]
  /** Styles besides the frame's own. */
  styles?: string[]
}

/** One page: the parameters of its address, what it loads, and its view. */
export interface PageDefinition<Params extends Shape, Query extends Shape, Loaded> extends Assets {
  path: string
  section?: Section
  params?: () => Params
  /** Every field must have a `catch`: a mistyped parameter counts as absent, and the page says so. */
  query?: () => Query
  /** At most two round trips. Throws ApiError for the error page. */
  load: (input: { params: Read<Params>; query: Read<Query> }, scope: Scope) => Promise<Loaded>
  title: (loaded: Loaded) => string
  view: (loaded: Loaded, scope: ViewScope<Read<Query>>) => Child
  /** The way to this page: the pages above it. */
  above?: (loaded: Loaded) => readonly Crumb[]
  /** Sentences about the address, shown above the contents: what was asked for and cannot be. */
  notes?: (loaded: Loaded, query: Read<Query>) => string[]
  /** The page refreshes its contents at this interval; undefined: never. */
  refreshSeconds?: number
  /** The API answers the same path with JSON if the client does not ask for HTML. */
  isAlsoJson?: true
}

/** Registers a page. If it cannot be shown, app.ts answers an error page (see fault.tsx). */
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
      const unread = page.query ? unreadIn(page.query(), context.req.url) : []
      const notes = [
        ...unread.map((given) => `The address has ${given}, which this page does not understand: it is left out.`),
        ...(page.notes?.(loaded, query) ?? []),
      ]
      const viewScope = { query, caller: context.get('caller'), now: scope.now, origin: originOf(context), link: linkFrom(context.req.url) }
      return scope.stopwatch.measure('Writing the page', () =>
        pageResponse(context, {
          ...page,
          status: 200,
          title: page.title(loaded),
          above: page.above?.(loaded) ?? [],
          notes,
          content: page.view(loaded, viewScope),
        }),
      )
    },
  )

/** Registers an address that only leads to a page. `to` throws ApiError for the error page. */
export const serveRedirect = <Params extends Shape>(
  router: Router,
  address: { path: string; params: () => Params; to: (input: { params: Read<Params> }, scope: Scope) => Promise<string> },
): void =>
  register<Params, {}, {}, z.ZodUndefined>(
    router,
    'page',
    { method: 'get', path: address.path, access: 'read', params: address.params },
    async ({ params }, context) =>
      new Response(null, { status: 302, headers: { Location: await address.to({ params }, context.get('scope')) } }),
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
  above?: readonly Crumb[]
  notes?: readonly string[]
  headers?: Record<string, string>
}

/** Answers the content inside the frame of every page. */
export const pageResponse = (
  context: Context<AppEnvironment>,
  { status, title, content, headers = {}, ...frame }: PageContent,
): Response => {
  const { section, scripts = [], styles = [], refreshSeconds, above = [], notes = [] } = frame
  const page = (
    <Layout
      title={title}
      section={section}
      caller={context.get('caller')}
      scripts={scripts}
      styles={styles}
      refreshSeconds={refreshSeconds}
      above={above}
      notes={notes}
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
