import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { ParentBasedSampler, type ReadableSpan, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { versionOf } from '../core/log.ts'
import type { Trip } from '../db/client.ts'
import type { Settings } from '../env.ts'
import { isTraced, readableSettings, type SpanSink } from './export.ts'

/** The start of a trace. */
interface Beginning {
  name: string
  kind: 'server' | 'consumer' | 'internal'
  /** The caller's W3C `traceparent`, unchecked. */
  parent?: string | undefined
  attributes?: Attributes
}

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL } as const

/** The limit for the text of a statement, in characters; longer text is cut. */
const MAX_TEXT = 8_000

/**
 * The trace of a request, a job or a cron tick: one span for the whole, and one for each step. It is sent when the last
 * span has ended; the answer neither waits for that nor fails with it. Nothing is sent without a collector, or if the
 * sampling drops the trace. All times are the worker's own clock, in whole milliseconds.
 */
export class Trace {
  /** The id of the trace, for the log; undefined if the trace is not recorded. */
  readonly id: string | undefined
  /** The W3C `traceparent` for work that continues in another worker. */
  readonly parent: string | undefined
  readonly #recording: Recording | undefined

  private constructor(recording: Recording | undefined) {
    this.#recording = recording
    this.id = recording?.root.isRecording() ? recording.root.spanContext().traceId : undefined
    this.parent = recording && traceparentOf(recording.root)
  }

  static begin({ env, take }: SpanSink, beginning: Beginning): Trace {
    const settings = readableSettings(env)
    return new Trace(settings && isTraced(settings) ? new Recording(settings, versionOf(env), take, beginning) : undefined)
  }

  /** Adds the round trips of a database to the trace, also later ones. */
  follow(trips: readonly Trip[]): void {
    this.#recording?.trips.push(trips)
  }

  /** Runs the work as a span of this trace. The work gets the `traceparent` for what it sends. */
  async measure<Result>(
    name: string,
    { kind, attributes = {} }: { kind: 'client' | 'producer'; attributes?: Attributes },
    work: (parent?: string) => Promise<Result>,
  ): Promise<Result> {
    if (!this.#recording) return work()
    const span = this.#recording.open(name, kind === 'client' ? SpanKind.CLIENT : SpanKind.PRODUCER, attributes)
    try {
      return await work(traceparentOf(span))
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'Error' })
      throw error
    } finally {
      this.#recording.close(span)
    }
  }

  /** Sets the name and the attributes of the whole; `fault` is a word for a failure of Watcher. */
  describe(name: string | undefined, attributes: Attributes, fault?: string): void {
    const root = this.#recording?.root
    if (name !== undefined) root?.updateName(name)
    root?.setAttributes(attributes)
    if (fault !== undefined) root?.setStatus({ code: SpanStatusCode.ERROR, message: fault })
  }

  /** Ends the span of the whole; other spans may still be open. */
  end(): void {
    this.#recording?.close(this.#recording.root)
  }
}

/** The spans of one trace, until all have ended. */
class Recording {
  readonly trips: (readonly Trip[])[] = []
  readonly root: Span
  readonly #context: Context
  readonly #tracer: Tracer
  readonly #ended: ReadableSpan[] = []
  #running = 0
  readonly #take: SpanSink['take']

  constructor(settings: Settings, version: string | undefined, take: SpanSink['take'], { name, kind, parent, attributes = {} }: Beginning) {
    this.#take = take
    // Each trace has its own provider: a worker handles many at once, and an export must contain only one of them.
    const provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': settings.OTEL_SERVICE_NAME,
        'deployment.environment.name': settings.ENV_STATE,
        ...(version ? { 'service.version': version } : {}),
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.OTEL_TRACES_SAMPLER_ARG) }),
      spanLimits: { attributeValueLengthLimit: MAX_TEXT },
      spanProcessors: [
        {
          onStart: () => {},
          onEnd: (span) => void this.#ended.push(span),
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    })
    this.#tracer = provider.getTracer('watcher')
    const parentContext = parent === undefined ? ROOT_CONTEXT : PROPAGATOR.extract(ROOT_CONTEXT, { traceparent: parent }, CARRIER)
    this.root = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes, startTime: Date.now() }, parentContext)
    this.#context = trace.setSpan(parentContext, this.root)
    this.#running = 1
  }

  open(name: string, kind: SpanKind, attributes: Attributes): Span {
    this.#running += 1
    return this.#tracer.startSpan(name, { kind, attributes, startTime: Date.now() }, this.#context)
  }

  close(span: Span): void {
    span.end(Date.now())
    this.#running -= 1
    if (this.#running > 0) return
    for (const trip of this.trips.flat()) this.#recordTrip(trip)
    if (this.#ended.length > 0) this.#take(this.#ended)
  }

  #recordTrip({ statements, begunMillis, millis, rows, failed }: Trip): void {
    const text = statements.join(';\n')
    const attributes: Attributes = { 'db.system.name': 'postgresql', 'db.query.text': text, 'db.response.returned_rows': rows }
    if (statements.length > 1) attributes['db.operation.batch.size'] = statements.length
    const name = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'SQL'
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes, startTime: begunMillis }, this.#context)
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(begunMillis + millis)
  }
}

const PROPAGATOR = new W3CTraceContextPropagator()
type Headers = Record<string, string>
const CARRIER = {
  get: (carrier: Headers, key: string) => carrier[key],
  keys: (carrier: Headers) => Object.keys(carrier),
  set: (carrier: Headers, key: string, value: string) => {
    carrier[key] = value
  },
}

const traceparentOf = (span: Span): string | undefined => {
  const carrier: Headers = {}
  PROPAGATOR.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, CARRIER)
  return carrier.traceparent
}
