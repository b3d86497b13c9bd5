import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { logEvent } from '../core/log.ts'
import { readSettings, type Settings } from '../env.ts'

/** How long to wait for a collector. The platform allows 30 seconds for work after an answer. */
const TIMEOUT_MILLIS = 5_000

/** A receiver of spans. */
export interface Collector {
  url: string
  headers: Record<string, string>
}

type Exporting = Pick<Settings, 'LOGFIRE_TOKEN' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_HEADERS'>

export const isTraced = (settings: Exporting): boolean =>
  settings.LOGFIRE_TOKEN !== undefined || settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined

/** The collectors of the settings: Logfire (the token names its region: `pylf_v1_eu_…`), an OTLP endpoint, both or none. */
export const collectorsOf = ({ LOGFIRE_TOKEN, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS }: Exporting): Collector[] => {
  const collectors: Collector[] = []
  if (LOGFIRE_TOKEN !== undefined) {
    const region = /^pylf_v\d+_([a-z]+)_/.exec(LOGFIRE_TOKEN)?.[1] ?? 'us'
    collectors.push({ url: `https://logfire-${region}.pydantic.dev/v1/traces`, headers: { Authorization: LOGFIRE_TOKEN } })
  }
  if (OTEL_EXPORTER_OTLP_ENDPOINT !== undefined) {
    collectors.push({ url: `${OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`, headers: OTEL_EXPORTER_OTLP_HEADERS })
  }
  return collectors
}

/** Sends spans as OTLP/HTTP in JSON. It tries once and never throws: a lost post is a line in the log. */
export const exportSpans = async (spans: ReadableSpan[], settings: Exporting): Promise<void> => {
  const body = JsonTraceSerializer.serializeRequest(spans)
  await Promise.all(collectorsOf(settings).map((collector) => post(collector, body)))
}

const post = async ({ url, headers }: Collector, body: Uint8Array | undefined): Promise<void> => {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MILLIS)
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: 'manual',
      signal,
    })
    await response.body?.cancel()
    if (!response.ok)
      logEvent('warning', 'the collector of traces refused a post', { collector: new URL(url).host, status: response.status })
  } catch (error) {
    logEvent('warning', 'the collector of traces did not answer', { collector: new URL(url).host }, error)
  }
}

/** The settings; undefined if the deployment is misconfigured, which its answers report. */
export const readableSettings = (env: Env): Settings | undefined => {
  try {
    return readSettings(env)
  } catch {
    return undefined
  }
}

/** Takes the spans of a trace after the last one has ended. */
export interface SpanSink {
  env: Env
  take: (spans: ReadableSpan[]) => void
}

const sendSpans = (env: Env, spans: ReadableSpan[]): Promise<void> => {
  const settings = readableSettings(env)
  return settings ? exportSpans(spans, settings) : Promise.resolve()
}

/** Sends each trace on its own, after the answer: for a request, which has one trace. */
export const sendAtOnce = (env: Env, context: Pick<ExecutionContext, 'waitUntil'>): SpanSink => ({
  env,
  take: (spans) => context.waitUntil(sendSpans(env, spans)),
})

/** Collects the traces of a batch or a cron tick for one post, because the platform limits the number of requests. */
export const collectSpans = (env: Env, context: Pick<ExecutionContext, 'waitUntil'>): SpanSink & { send: () => void } => {
  const collected: ReadableSpan[] = []
  return {
    env,
    take: (spans) => void collected.push(...spans),
    send: () => {
      if (collected.length > 0) context.waitUntil(sendSpans(env, collected.splice(0)))
    },
  }
}
