import type { z } from 'zod'
import { type ruleShape, type runShape, runsOf } from '../../checks/anomalies/history.ts'
import { rangeOf } from '../../checks/anomalies/judge.ts'
import type { Point } from './shape.ts'

/** What the bands are calculated from: the pipeline's good runs, and those that the rule has flagged. */
interface BandRows {
  band_runs: z.output<typeof runShape>[]
  flagged_ids: number[]
}

/**
 * The points with the bands of a robust rule, each by the runs before it, as detection judged it; or between hard limits. Points that stand
 * for many runs have none: their runs have different ones.
 */
export const withBands = (points: Point[], row: BandRows, { id: _id, ...rule }: z.output<typeof ruleShape>): Point[] => {
  const runs = runsOf(row.band_runs)
  const places = new Map(runs.map(({ id }, place) => [id, place]))
  const flagged = new Set(row.flagged_ids)
  return points.map((point) => {
    const place = places.get(point.id)
    const tested = place === undefined ? undefined : runs[place]
    const range = tested && point.runs === 1 ? rangeOf(tested, runs.slice(0, place), rule, flagged) : null
    return { ...point, lower: range?.lower ?? rule.min_value, upper: range?.upper ?? rule.max_value }
  })
}
