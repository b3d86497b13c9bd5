import { type SQL, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { ruleColumns, ruleShape, runColumns, runsOf, runsShape, weeklyDays } from '../../checks/anomalies/history.ts'
import { rangeOf } from '../../checks/anomalies/judge.ts'
import type { PastRun, Range } from '../../checks/anomalies/pools.ts'
import { anomalyDetectionRule } from '../../checks/anomalies/table.ts'
import { jsonOf } from '../../db/rows.ts'
import { param } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import type { Point } from './shape.ts'

/** The bands of a rule by another method than the original's are calculated here, of at most this many runs and those before them. */
const MAX_RUNS = 3_000
/** Where a point stands for many runs: the first run of each slot, and of so many steps of one or two hours before: twelve weeks at least. */
const STEPS_BEFORE = 2_016

const RULE = sql`(select r.* from ${anomalyDetectionRule} r where r.pipeline_id = ${param('id')} and r.active and r.metric_field = (select metric from asked))`
const RUN = sql`jsonb_agg(${runColumns(sql`e`, sql`coalesce((select schedule_timezone from subject), 'UTC')`)} order by e.end_date, e.id)`

interface Period {
  since: SQL
  now: SQL
  slotLength: SQL
}

/** Columns of the page's statement: the rule if it is not the original's, and the good runs that its bands are calculated from. */
export const bandColumns = ({ since, now, slotLength }: Period): SQL => {
  const begin = sql`(${since} - make_interval(days => ${weeklyDays(sql`r.lookback_days`)}))`
  const binned = (length: SQL, at: SQL) => sql`date_bin(${length}, ${at}, '2000-01-01T00:00:00Z')`
  // Steps and slots begin at full hours (slots of half an hour also between): every hour of the week is among them, or every second.
  const step = sql`least(greatest(${slotLength}, interval '1 hour'), interval '2 hours')`
  const first = binned(slotLength, since)
  const firstOf = (from: SQL, until: SQL, step: SQL) => sql`
    select e.* from ${RULE} r cross join generate_series(${from}, ${until}, ${step}) began cross join lateral (
      select e.* from ${pipelineExecution} e
      where e.pipeline_id = ${param('id')} and e.completed_successfully and e.start_date >= began and e.start_date < began + ${step}
      order by e.start_date limit 1) e
    where r.method = 'robust' and (select is_large from size)`
  return sql`coalesce((select ${ruleColumns} from ${RULE} r where r.method <> 'zscore'), 'null') as band_rule,
    (select coalesce(${RUN}, '[]') from (
      (select e.* from ${pipelineExecution} e, ${RULE} r
      where r.method = 'robust' and not (select is_large from size) and e.pipeline_id = ${param('id')} and e.completed_successfully and e.start_date >= ${begin}
      order by e.start_date desc limit ${sql.raw(String(MAX_RUNS))})
      union all ${firstOf(sql`greatest(${binned(step, begin)}, ${first} - ${step} * ${sql.raw(String(STEPS_BEFORE))})`, sql`${first} - interval '1 millisecond'`, step)}
      union all ${firstOf(first, now, slotLength)}) e) as band_runs`
}

export const bandShape = { band_rule: jsonOf(ruleShape.nullable()), band_runs: jsonOf(runsShape) }

interface BandRows {
  band_runs: z.output<typeof runsShape>
  /** The runs that the rule has flagged. */
  flagged_ids: number[]
  slotSeconds: number
}

/**
 * The points with the bands of a robust rule, each by the runs before it, as detection judged it; or between hard limits. The band of a point
 * that stands for many runs is that of the first of them, by a sample of those before.
 */
export const withBands = (points: Point[], row: BandRows, { id: _id, ...rule }: z.output<typeof ruleShape>): Point[] => {
  const runs = runsOf(row.band_runs)
  const places = new Map(runs.map(({ id }, place) => [id, place]))
  const slotOf = (seconds: number) => Math.floor(seconds / row.slotSeconds)
  const ofSlots = new Map(runs.map(({ start }, place) => [slotOf(start), place]))
  const flagged = new Set(row.flagged_ids)
  const rangeAt = (place: number | undefined) =>
    place === undefined ? null : rangeOf(runs[place] as PastRun, runs.slice(0, place), rule, flagged)
  let [hour, ofHour]: [number, Range | null] = [0, null]
  return points.map((point) => {
    const seconds = Date.parse(point.start_date) / 1000
    const isRun = point.runs === 1 && places.has(point.id)
    // Slots of one hour have one band.
    if (!isRun && hour !== Math.floor(seconds / 3_600))
      [hour, ofHour] = [Math.floor(seconds / 3_600), rangeAt(ofSlots.get(slotOf(seconds)))]
    const range = isRun ? rangeAt(places.get(point.id)) : ofHour
    return { ...point, lower: range?.lower ?? rule.min_value, upper: range?.upper ?? rule.max_value }
  })
}
