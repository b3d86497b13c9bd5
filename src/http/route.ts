import type { z } from '@hono/zod-openapi'

export type Shape = z.ZodRawShape
export type Read<S extends Shape> = z.output<z.ZodObject<S>>

/** Who may call: anyone, anyone with a token, anyone with a token that may write, or whoever has a ping key in the path. */
export type Access = 'open' | 'read' | 'write' | 'ping'

/** What a route is: an operation of the API, a page for people, or data that only our own pages request. */
export type RouteKind = 'operation' | 'page' | 'data'

/** One method of one path: who may call it, and its input. Schemas are made on first use (see core/once.ts). */
export interface Route<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Headers extends Shape = Shape,
  Body extends z.ZodType = z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** The path, with parameters as OpenAPI writes them: `/pipeline/{id}`. */
  path: string
  access: Access
  params?: () => Params
  query?: () => Query
  headers?: () => Headers
  body?: () => Body
  /** Unknown query parameters are ignored; without this, an operation answers 422. */
  ignoresUnknownQuery?: true
  /** An unknown field of the body is a 422; without this, it is ignored, and named in a header if it looks misspelt. */
  refusesUnknownFields?: true
  /** Whether the route answers a request; if not, the next route of the same path does. */
  appliesTo?: (request: Request) => boolean
}

/** The input that a route has read from its request. */
export interface Input<Params extends Shape, Query extends Shape, Headers extends Shape, Body extends z.ZodType> {
  params: Read<Params>
  query: Read<Query>
  headers: Read<Headers>
  body: z.output<Body>
  /** The URL of the request, for links in the answer. */
  url: string
}

/** A registered route. */
export interface RegisteredRoute extends Route {
  kind: RouteKind
}
