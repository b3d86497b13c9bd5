import { cors } from 'hono/cors'
import { WARNING } from './router.ts'

/** A page of this origin may read the answers. The sign-in cookie is not for it: it sends a token of its own. */
export const allowOrigin = (origin: string) =>
  cors({
    origin,
    allowMethods: ['GET', 'POST', 'PATCH'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id', 'traceparent'],
    exposeHeaders: ['Link', 'Retry-After', 'Server-Timing', WARNING, 'X-Request-Id', 'X-Watcher-Version'],
    maxAge: 86_400,
  })
