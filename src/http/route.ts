import type { z } from '@hono/zod-openapi'

export type Shape = z.ZodRawShape
export type Read<S extends Shape> = z.output<z.ZodObject<S>>

/** Who may call: anybody, whoever has a token, or whoever has a token that may write. */
export type Access = 'open' | 'read' | 'write'

/** What is answered: an operation of the API, a page for people, or data that only our own pages ask for. */
export type RouteKind = 'operation' | 'page' | 'data'

/** One method of one path: who may call it and what it takes. Schemas are made when first needed (see core/once.ts). */
export interface Route<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Headers extends Shape = Shape,
  Body extends z.ZodType = z.ZodType,
> {
  method: 'get' | 'post' | 'patch'
  /** With parameters as OpenAPI writes them: `/pipeline/{id}`. */
  path: string
  access: Access
  params?: () => Params
  query?: () => Query
  headers?: () => Headers
  body?: () => Body
  /** An operation answers 422 for a query parameter that it does not know; this one ignores it. */
  ignoresUnknownQuery?: true
  /** Which requests it answers; the others go to the next route of the same path. */
  appliesTo?: (request: Request) => boolean
}

/** What a route has read of its request. */
export interface Input<Params extends Shape, Query extends Shape, Headers extends Shape, Body extends z.ZodType> {
  params: Read<Params>
  query: Read<Query>
  headers: Read<Headers>
  body: z.output<Body>
  /** The request's own URL, for links to it. */
  url: string
}

/** A registered route. */
export interface RegisteredRoute extends Route {
  kind: RouteKind
}
