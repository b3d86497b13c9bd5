import { cors } from 'hono/cors'
import { WARNING } from './router.ts'

/** Lets pages of this origin read the answers. They send their own token, never the sign-in cookie. */
export const allowOrigin = (origin: string) =>
  cors({
    origin,
    allowMethods: ['GET', 'POST', 'PATCH'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id', 'traceparent'],
    exposeHeaders: ['Link', 'Watcher-Closure', 'Retry-After', 'Server-Timing', WARNING, 'X-Request-Id', 'X-Watcher-Version'],
    maxAge: 86_400,
  })
