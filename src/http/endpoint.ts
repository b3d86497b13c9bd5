import type { z } from '@hono/zod-openapi'
import type { ErrorCode } from '../core/errors.ts'
import type { Route, Shape } from './route.ts'

/** One operation of the API: its input, its answers, and its texts for the docs page. */
export interface Endpoint<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Headers extends Shape = Shape,
  Body extends z.ZodType = z.ZodType,
> extends Route<Params, Query, Headers, Body> {
  /** Its name in generated clients: `list_pipelines`. */
  operationId: string
  tag: string
  summary: string
  description?: string
  answers: Record<number, { description: string; schema?: () => z.ZodType; paged?: boolean; mediaType?: string }>
  errors?: ErrorCode[]
}
