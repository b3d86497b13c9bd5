import { z } from '@hono/zod-openapi'
import { ApiError } from '../../core/errors.ts'
import { once } from '../../core/once.ts'
import { readAnyJson } from '../../http/body.ts'
import { type Answer, type Router, serveOperation, serveUndocumented } from '../../http/router.ts'
import type { Scope } from '../../http/scope.ts'
import { readEvent, UnreadableEvent } from './event.ts'
import { recordBatch, recordEvent } from './queries.ts'

const tag = 'OpenLineage'
const MEBIBYTE = 1024 * 1024
const MAX_EVENTS = 1_000
const MAX_BATCH_BYTES = 4 * MEBIBYTE

/** Where OpenLineage's own client, Marquez, and DataHub or Atlan have their receivers: a client keeps its path. */
const PATHS = ['/api/v1/lineage', '/api/v1/openlineage/lineage', '/openapi/openlineage/api/v1/lineage'] as const

const unreadable = (message: string): ApiError =>
  new ApiError('validation_failed', message, { issues: [{ loc: ['body'], msg: message, type: 'unreadable_event' }] })

const receiveEvent = async (request: Request, { db, now, settings, sendAfterwards }: Scope): Promise<Answer> => {
  const body = await readAnyJson(request, MEBIBYTE)
  const event = await readEvent(body, now).catch((error: unknown) => {
    throw error instanceof UnreadableEvent ? unreadable(error.message) : error
  })
  sendAfterwards(await recordEvent(db, event, settings.WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES, now))
  return { status: 201 }
}

const eventsIn = (body: unknown): unknown[] => {
  const events = Array.isArray(body) ? body : (body as { events?: unknown } | null | undefined)?.events
  if (!Array.isArray(events)) throw unreadable('The body must be an array of events, or {"events": […]}')
  if (events.length > MAX_EVENTS) throw unreadable(`A batch has at most ${MAX_EVENTS.toLocaleString('en')} events`)
  return events
}

const receiveBatch = async (request: Request, { db, now, settings, sendAfterwards }: Scope): Promise<Answer> => {
  const events = eventsIn(await readAnyJson(request, MAX_BATCH_BYTES))
  const failed: { index: number; reason: string }[] = []
  const read = await Promise.all(
    events.map(async (event, index) => {
      try {
        return { ...(await readEvent(event, now)), index }
      } catch (error) {
        if (!(error instanceof UnreadableEvent)) throw error
        failed.push({ index, reason: error.message })
        return undefined
      }
    }),
  )
  const readable = read.filter((event) => event !== undefined)
  if (readable.length > 0) {
    const recorded = await recordBatch(db, readable, settings.WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES, now)
    sendAfterwards(recorded.job_ids ?? [])
    failed.push(...recorded.failed.map(({ index, code }) => ({ index, reason: `the event cannot be stored (${code})` })))
  }
  const summary = { received: events.length, successful: events.length - failed.length, failed: failed.length }
  const status = failed.length === 0 ? 'success' : 'partial_success'
  return { status: 200, body: { status, summary, failed_events: failed.sort((left, right) => left.index - right.index) } }
}

export const BATCH_STATUSES = ['success', 'partial_success'] as const

const batchAnswer = once(() =>
  z
    .object({
      status: z.enum(BATCH_STATUSES),
      summary: z.object({ received: z.int(), successful: z.int(), failed: z.int() }).openapi('OpenLineageSummary'),
      failed_events: z.array(
        z
          .object({ index: z.int().openapi({ description: 'The place in the batch, from 0.' }), reason: z.string() })
          .openapi('OpenLineageFailure'),
      ),
    })
    .openapi('OpenLineageBatchAnswer'),
)

const ABOUT = `The body is JSON, also with \`Content-Encoding: gzip\`. The same event twice is one; events may come in any order. The job is a pipeline, the run an execution, datasets are addresses, and inputs and outputs become lineage.
4xx is answered only for what can never be read: no JSON, no job or dataset with a namespace and a name.`

export const routes = (router: Router): void => {
  for (const path of PATHS) {
    const event = { method: 'post', path, access: 'write', ignoresUnknownQuery: true } as const
    const batch = { ...event, path: `${path}/batch` }
    if (path !== PATHS[0]) {
      serveUndocumented(router, event, (_input, scope, request) => receiveEvent(request, scope))
      serveUndocumented(router, batch, (_input, scope, request) => receiveBatch(request, scope))
      continue
    }
    serveOperation(
      router,
      {
        ...event,
        operationId: 'receive_openlineage_event',
        tag,
        summary: 'Receive an event of OpenLineage',
        description: `${ABOUT}\n\nAt most 1 MiB, unpacked. Also at ${PATHS.slice(1)
          .map((other) => `\`${other}\``)
          .join(' and ')}.`,
        answers: { 201: { description: 'The event is recorded.' } },
        errors: ['malformed_json', 'malformed_body', 'body_too_large', 'validation_failed'],
      },
      (_input, scope, request) => receiveEvent(request, scope),
    )
    serveOperation(
      router,
      {
        ...batch,
        operationId: 'receive_openlineage_batch',
        tag,
        summary: 'Receive a batch of events of OpenLineage',
        description: `${ABOUT}\n\nAn array of events, or \`{"events": […]}\`: at most 1,000 events and 4 MiB, unpacked. Each is recorded for itself.`,
        answers: { 200: { description: 'What came of the events.', schema: batchAnswer } },
        errors: ['malformed_json', 'malformed_body', 'body_too_large', 'validation_failed'],
      },
      (_input, scope, request) => receiveBatch(request, scope),
    )
  }
}
