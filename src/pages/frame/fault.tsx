import type { Context } from 'hono'
import type { ApiError } from '../../core/errors.ts'
import type { AppEnvironment } from '../../http/scope.ts'
import { pageResponse } from './page.tsx'

/** Answers an error as a page, with the message and the request id that the API would answer. */
export const faultPage = (context: Context<AppEnvironment>, fault: ApiError): Response =>
  pageResponse(context, {
    status: fault.status,
    title: fault.status === 404 ? 'Not found' : 'Error',
    content: <Fault fault={fault} requestId={context.get('requestId')} />,
    headers: fault.headers,
  })

const Fault = ({ fault, requestId }: { fault: ApiError; requestId: string }) => {
  const isMissing = fault.status === 404
  return (
    <section class="empty" role="alert">
      <h1>{isMissing ? 'Not found' : 'This page cannot be shown'}</h1>
      <p>{fault.message}.</p>
      <p>
        {isMissing ? (
          <>
            Go to the <a href="/overview">overview</a>, the <a href="/docs">docs</a> or the <a href="/scalar">API docs</a>.
          </>
        ) : (
          <>
            <a href="?">Try again</a> or go to the <a href="/overview">overview</a>.
          </>
        )}{' '}
        <small>
          Request id <code>{requestId}</code>
        </small>
      </p>
    </section>
  )
}
