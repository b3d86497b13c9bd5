import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { ApiError, ErrorCode } from '../../core/errors.ts'
import type { AppEnvironment } from '../../http/scope.ts'
import { Command, CopyButton } from './empty.tsx'
import { originOf } from './origin.ts'
import { pageResponse } from './page.tsx'

/** Answers an error as a page, with the message and the request id that the API would answer. */
export const faultPage = (context: Context<AppEnvironment>, fault: ApiError): Response =>
  pageResponse(context, {
    status: fault.status,
    title: titleOf(fault.status),
    content: <Fault fault={fault} requestId={context.get('requestId')} origin={originOf(context)} again={againOf(context)} />,
    headers: fault.headers,
  })

/** The page to ask for again: this address with its query. A form's answer has no page of its own. */
const againOf = ({ req }: Context<AppEnvironment>): string => {
  const { pathname, search } = new URL(req.url)
  // Two slashes would begin the name of another host.
  const path = pathname.replace(/^\/+/, '/')
  return req.method === 'GET' ? path + search : path
}

const titleOf = (status: number): string => {
  if (status === 404) return 'Not found'
  if (status === 403) return 'Not allowed'
  if (status === 429) return 'Too many requests'
  return 'This page cannot be shown'
}

interface FaultProps {
  fault: ApiError
  requestId: string
  origin: string
  again: string
}

const Fault = ({ fault, requestId, origin, again }: FaultProps) => {
  const { status, code, message } = fault
  return (
    <section class="empty notice" role="alert">
      <p class="status">{status}</p>
      <h1>{titleOf(status)}</h1>
      <p>{message}.</p>
      <p>
        {status >= 500 || status === 429 ? (
          <a class="button" href={again}>
            Try again
          </a>
        ) : (
          <a class="button" href="/overview">
            Go to the overview
          </a>
        )}
      </p>
      {adviceOn(code, origin)}
      <p class="reference">
        Request id <code>{requestId}</code> <CopyButton text={requestId} label="Copy the request id" />
      </p>
    </section>
  )
}

/** What helps whoever operates Watcher, or looks for something else. */
const adviceOn = (code: ErrorCode, origin: string): Child => {
  if (code === 'database_unavailable')
    return (
      <>
        <p>
          If it stays so, read the <a href="/docs/on-call#the-service-does-not-answer">on-call guide</a>, or ask Watcher for the state of
          its database:
        </p>
        <Command>{`curl '${origin}/?deep=true'`}</Command>
      </>
    )
  if (code === 'misconfigured')
    return (
      <>
        <p>Whoever operates Watcher can have all settings checked where it is deployed from:</p>
        <Command>npm run doctor</Command>
      </>
    )
  if (code.endsWith('not_found'))
    return (
      <p>
        Or look in the <a href="/docs">docs</a> or the <a href="/scalar">API docs</a>.
      </p>
    )
  return null
}
