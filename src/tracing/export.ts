import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { logEvent } from '../core/log.ts'
import { readSettings, type Settings } from '../env.ts'

/** A collector that takes longer is not waited for: the platform ends work behind an answer after 30 seconds. */
const TIMEOUT_MILLIS = 5_000

/** Whom spans are sent to. */
export interface Collector {
  url: string
  headers: Record<string, string>
}

type Exporting = Pick<Settings, 'LOGFIRE_TOKEN' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_HEADERS'>

export const isTraced = (settings: Exporting): boolean =>
  settings.LOGFIRE_TOKEN !== undefined || settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined

/** Logfire, whose tokens name their region (`pylf_v1_eu_…`), and the collector that the settings name: either, or both. */
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

/** Sends spans as OTLP/HTTP in JSON. Tried once and never fails: what a collector does not take is lost, with a line in the log. */
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
      logEvent('warning', 'the collector of traces did not take these', { collector: new URL(url).host, status: response.status })
  } catch (error) {
    logEvent('warning', 'the collector of traces did not answer', { collector: new URL(url).host }, error)
  }
}

/** A deployment that is not configured says so in its answers, not here. */
export const readableSettings = (env: Env): Settings | undefined => {
  try {
    return readSettings(env)
  } catch {
    return undefined
  }
}

/** Where a trace's spans go once the last of them is over. */
export interface SpanSink {
  env: Env
  take: (spans: ReadableSpan[]) => void
}

const sendSpans = (env: Env, spans: ReadableSpan[]): Promise<void> => {
  const settings = readableSettings(env)
  return settings ? exportSpans(spans, settings) : Promise.resolve()
}

/** Sends each trace by itself, beside the answer: for a request, which has one. */
export const sendAtOnce = (env: Env, context: Pick<ExecutionContext, 'waitUntil'>): SpanSink => ({
  env,
  take: (spans) => context.waitUntil(sendSpans(env, spans)),
})

/** Keeps the traces of a batch or a tick, to be sent as one: each post is one of the few that the platform allows. */
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
