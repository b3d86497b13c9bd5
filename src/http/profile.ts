import type { Trip } from '../db/client.ts'

/** A step of a request, with its time. */
export interface Span {
  name: string
  /** Milliseconds from the request's arrival. */
  begunMillis: number
  millis: number
  /** Of a round trip: its statements, and the number of returned rows. */
  statements?: string[]
  rows?: number
  parts: Span[]
}

/** A round trip of at least this time is marked as slow. */
export const SLOW_MILLIS = 100

/** Measures the steps of a request; each costs two readings of the clock. */
export class Stopwatch {
  readonly begunMillis: number
  readonly spans: Span[] = []
  /** The ids of the jobs that are sent to the queue after the answer. */
  readonly sentAfterwards: number[] = []

  constructor(begunMillis: number) {
    this.begunMillis = begunMillis
  }

  /** Runs the work and records its time. The steps of a request run one after the other. */
  async measure<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> {
    const begun = Date.now()
    try {
      return await work()
    } finally {
      this.spans.push({ name, begunMillis: begun - this.begunMillis, millis: Date.now() - begun, parts: [] })
    }
  }

  /** The request as a tree: its steps in their order, with the round trips inside the handler. */
  toTree(name: string, trips: readonly Trip[]): Span {
    const roundTrips: Span[] = trips.map(({ statements, begunMillis, millis, rows }, index) => ({
      name: `Round trip ${index + 1} to the database`,
      begunMillis: begunMillis - this.begunMillis,
      millis,
      statements,
      rows,
      parts: [],
    }))
    const hasHandler = this.spans.some((span) => span.name === HANDLER)
    const parts = this.spans
      .map((span) => (span.name === HANDLER ? { ...span, parts: roundTrips } : span))
      .concat(hasHandler ? [] : roundTrips)
    return { name, begunMillis: 0, millis: Date.now() - this.begunMillis, parts }
  }
}

export const HANDLER = 'Handler'
