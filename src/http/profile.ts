import type { Trip } from '../db/client.ts'

/** A part of a request's time. */
export interface Span {
  name: string
  /** Milliseconds from the request's arrival. */
  begunMillis: number
  millis: number
  /** Of a round trip: what was asked, and how many rows came. */
  statements?: string[]
  rows?: number
  parts: Span[]
}

/** A round trip that takes this long is marked. */
export const SLOW_MILLIS = 100

/** Takes a request's time, part by part; costs two looks at the clock for each. */
export class Stopwatch {
  readonly begunMillis: number
  readonly spans: Span[] = []
  /** Jobs that are sent to the queue once the answer is out. */
  readonly sentAfterwards: number[] = []

  constructor(begunMillis: number) {
    this.begunMillis = begunMillis
  }

  /** Does the work, one piece after the other, and remembers how long each took. */
  async measure<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> {
    const begun = Date.now()
    try {
      return await work()
    } finally {
      this.spans.push({ name, begunMillis: begun - this.begunMillis, millis: Date.now() - begun, parts: [] })
    }
  }

  /** The request as a tree: its parts in the order they began, the round trips within the handler. */
  toTree(name: string, trips: readonly Trip[]): Span {
    const asked: Span[] = trips.map(({ statements, begunMillis, millis, rows }, index) => ({
      name: `Round trip ${index + 1} to the database`,
      begunMillis: begunMillis - this.begunMillis,
      millis,
      statements,
      rows,
      parts: [],
    }))
    const isHandled = this.spans.some((span) => span.name === HANDLER)
    const parts = this.spans.map((span) => (span.name === HANDLER ? { ...span, parts: asked } : span)).concat(isHandled ? [] : asked)
    return { name, begunMillis: 0, millis: Date.now() - this.begunMillis, parts }
  }
}

export const HANDLER = 'Handler'
