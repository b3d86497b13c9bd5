import { inject } from 'vitest'
import { z } from 'zod'
import { unique } from './api.ts'
import type { ReceiverAnswer, Taken } from './provided.ts'

/** A span as the collector reads it: attributes as a plain object, times in milliseconds. */
export interface CollectedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  beginMillis: number
  endMillis: number
  attributes: Record<string, unknown>
  isError: boolean
  resource: Record<string, unknown>
}

/** OTLP/HTTP's ExportTraceServiceRequest in JSON, as opentelemetry-proto writes it: ids in hex, 64-bit numbers as text, enums as numbers. */
const anyValue = z.strictObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.int(), z.string()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
})
const attributes = z
  .array(z.strictObject({ key: z.string(), value: anyValue }))
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]])))
const nanoseconds = z
  .string()
  .regex(/^\d{19}$/)
  .transform((text) => Number(BigInt(text) / 1_000_000n))
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes,
  status: z.object({ code: z.int().min(0).max(2) }).loose(),
})
const request = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes }).loose(),
        scopeSpans: z.array(z.object({ scope: z.object({ name: z.string() }).loose(), spans: z.array(span) }).loose()),
      }),
    )
    .min(1),
})

/** A collector of traces for one test. It decodes the spans that it receives. */
export const openCollector = () => {
  const endpoint = `${inject('receiverUrl')}/${unique(crypto.randomUUID())}`
  const url = `${endpoint}/v1/traces`
  const read = async () => (await (await fetch(url)).json()) as { taken: Taken[]; posts: number }
  return {
    endpoint,
    taken: async () => (await read()).taken,
    posts: async () => (await read()).posts,
    answers: async (...answers: ReceiverAnswer[]) =>
      void (await (await fetch(url, { method: 'PUT', body: JSON.stringify(answers) })).text()),
    spans: async (): Promise<CollectedSpan[]> => (await read()).taken.flatMap(({ body }) => decode(body)),
  }
}

const decode = (body: string): CollectedSpan[] =>
  request.parse(JSON.parse(body)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes: found, status }) => ({
        traceId,
        spanId,
        parentSpanId,
        name,
        kind: KINDS[kind] as CollectedSpan['kind'],
        beginMillis: startTimeUnixNano,
        endMillis: endTimeUnixNano,
        attributes: found,
        isError: status.code === 2,
        resource: resource.attributes,
      })),
  )
