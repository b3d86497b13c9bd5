import { z } from '@hono/zod-openapi'
import { once } from './once.ts'

/**
 * Every error of the API. A code is stable: clients may branch on it. Throw ApiError anywhere: one place (app.ts)
 * renders it.
 */
export const ERRORS = {
  malformed_json: { status: 400, description: 'The body is not JSON.' },
  malformed_body: { status: 400, description: 'The body cannot be read: its transfer encoding is malformed.' },
  unauthenticated: { status: 401, description: 'The request has no token, or an unknown one; see `WWW-Authenticate`.' },
  read_only_token: { status: 403, description: 'The token may only read.' },
  ping_token_only: { status: 403, description: 'The token may only send pings.' },
  cross_site_request: {
    status: 403,
    description: 'A page of another site sent the request: with the sign-in cookie instead of a token, or to a deployment without tokens.',
  },
  path_not_found: { status: 404, description: 'There is no such path.' },
  pipeline_not_found: { status: 404, description: 'No pipeline has this id or name.' },
  ping_not_found: { status: 404, description: 'No ping key, pipeline or ping URL matches; the answer is the text `not found`.' },
  ping_ambiguous: {
    status: 409,
    description: 'Several pipelines have names that are written alike in a URL: ping the exact name. The answer is text.',
  },
  pipeline_type_not_found: { status: 404, description: 'No pipeline type has this id or name.' },
  pipeline_execution_not_found: { status: 404, description: 'No execution has this id.' },
  address_not_found: { status: 404, description: 'No address has this id or name.' },
  address_type_not_found: { status: 404, description: 'No address type has this id or name.' },
  anomaly_not_flagged: { status: 404, description: 'None of these metrics is flagged for this execution.' },
  incident_not_found: { status: 404, description: 'No incident has this id.' },
  channel_not_found: { status: 404, description: 'No channel has this id.' },
  silence_not_found: { status: 404, description: 'No silence has this id.' },
  notification_not_found: { status: 404, description: 'No notification has this id.' },
  job_not_found: { status: 404, description: 'No background job has this id.' },
  anomaly_detection_rule_not_found: { status: 404, description: 'No anomaly detection rule has this id.' },
  method_not_allowed: { status: 405, description: 'The path does not support this method; `Allow` lists the methods that it supports.' },
  name_taken: { status: 409, description: 'Another row already has this name.' },
  rule_taken: { status: 409, description: 'The pipeline already has a rule for this metric.' },
  rule_has_results: { status: 409, description: 'The rule has flagged anomalies, so its pipeline and metric cannot change.' },
  level_not_new: { status: 409, description: 'The last runs are not all anomalies on one side: there is no new level to accept.' },
  execution_already_ended: { status: 409, description: 'The execution has already ended with the other outcome.' },
  incident_resolved: { status: 409, description: 'The incident is resolved: it cannot be acknowledged any more.' },
  notification_not_failed: { status: 409, description: 'Only a failed notification can be replayed.' },
  channel_of_other_kind: { status: 409, description: 'The settings in the body are those of another kind of channel.' },
  job_not_failed: { status: 409, description: 'Only a failed job can be replayed.' },
  body_too_large: { status: 413, description: 'The body is larger than 1 MiB.' },
  unsupported_media_type: { status: 415, description: 'The content type is not JSON.' },
  validation_failed: { status: 422, description: 'A field is missing or its value is not allowed; `detail` lists each.' },
  end_before_start: { status: 422, description: '`end_date` lies before the `start_date` of the execution.' },
  unknown_reference: { status: 422, description: 'The body refers to a row that does not exist.' },
  page_too_large: { status: 422, description: 'The rows of this page exceed 10 MiB; ask for fewer with `limit`.' },
  rate_limited: {
    status: 429,
    retryAfterSeconds: 10,
    description: 'This token has sent too many requests; `Retry-After` says how long to wait.',
  },
  too_many_sign_ins: {
    status: 429,
    retryAfterSeconds: 60,
    description: 'Too many unknown tokens on the sign-in form; `Retry-After` says how long to wait.',
  },
  client_closed_request: { status: 499, description: 'The client closed the connection; no client sees this, only the log.' },
  internal_error: { status: 500, description: 'Watcher failed; report the error with its `request_id`.' },
  database_unavailable: {
    status: 503,
    retryAfterSeconds: 5,
    description: 'The database did not answer, or not in time; `Retry-After` says how long to wait.',
  },
  shutting_down: {
    status: 503,
    retryAfterSeconds: 5,
    description: 'The server (`npm start`) is stopping: try again in a moment.',
  },
  cron_silent: {
    status: 503,
    retryAfterSeconds: 60,
    description: 'A cron has not fired for two of its periods: nothing is checked; the message names it.',
  },
  misconfigured: {
    status: 503,
    retryAfterSeconds: 60,
    description: 'A setting of this deployment is missing or malformed; the message names it.',
  },
} as const

export type ErrorCode = keyof typeof ERRORS

const ERROR_LIST = Object.entries(ERRORS)
  .map(([code, { status, description }]) => `- \`${code}\` (${status}): ${description}`)
  .join('\n')

/** One fault of a request: its place (`["body", "name"]`), a sentence, and its kind. */
export const issueSchema = once(() =>
  z
    .object({
      loc: z.array(z.union([z.string(), z.int()])).openapi({ example: ['body', 'name'] }),
      msg: z.string().openapi({ example: 'Required' }),
      type: z.string().openapi({ example: 'missing' }),
    })
    .openapi('Issue'),
)
export type Issue = z.output<ReturnType<typeof issueSchema>>

export const errorSchema = once(() =>
  z
    .object({
      code: z
        .enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])
        .openapi({ description: `Stable name of the error.\n\n${ERROR_LIST}`, example: 'pipeline_not_found' }),
      message: z.string().openapi({ description: 'One sentence that says what to correct.', example: 'Pipeline 12 not found' }),
      detail: z
        .union([z.string(), z.array(issueSchema())])
        .openapi({ description: 'The same sentence; for 422, the list of all faults.', example: 'Pipeline 12 not found' }),
      request_id: z.string().openapi({
        description: 'Also in the `X-Request-Id` header and in every log line of the request.',
        example: '5b0e4c0f-7f0e-4a52-9d0c-0f4d3a0f0b8e',
      }),
    })
    .openapi('Error'),
)

export class ApiError extends Error {
  readonly code: ErrorCode
  readonly issues: Issue[] | undefined
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, message: string, options: { issues?: Issue[]; headers?: Record<string, string>; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.issues = options.issues
    const known = ERRORS[code]
    this.headers = { ...('retryAfterSeconds' in known ? { 'Retry-After': String(known.retryAfterSeconds) } : {}), ...options.headers }
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  /** The JSON body of the error. */
  toBody(requestId: string): z.output<ReturnType<typeof errorSchema>> {
    const detail = this.issues ?? (this.status === 422 ? [{ loc: ['body'], msg: this.message, type: this.code }] : this.message)
    return { code: this.code, message: this.message, detail, request_id: requestId }
  }
}

/** An error with one fault, at `field` of the body: for a fault that a schema alone cannot find. */
export const bodyFault = (code: ErrorCode, field: string, message: string): ApiError =>
  new ApiError(code, message, { issues: [{ loc: ['body', field], msg: message, type: code }] })

const MAX_NAMED = 3

/** A 422 for a list of faults: the message names the first three and counts the rest. */
export const validationFault = (issues: Issue[]): ApiError => {
  if (issues.length === 0) throw new Error('A validation fault needs at least one issue')
  const named = issues.slice(0, MAX_NAMED).map(({ loc, msg }) => `${loc.slice(1).join('.') || loc[0]}: ${msg}`)
  const more = issues.length > MAX_NAMED ? ` (and ${issues.length - MAX_NAMED} more)` : ''
  return new ApiError('validation_failed', `${named.join('; ')}${more}`, { issues })
}
