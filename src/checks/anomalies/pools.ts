import { METHODS } from './methods/index.ts'
import type { Band } from './methods/method.ts'
import { type JudgedRule, SEASONS } from './rule.ts'

/** A successful run, as detection, preview and the chart read it. Times are seconds since 1970. */
export interface PastRun {
  id: number
  start: number
  end: number
  /** The start as a clock in the pipeline's time zone shows it: seconds, counted as if that were UTC. */
  local: number
  /** The hour of the start, UTC. */
  utcHour: number
  /** The metrics of the rules, by name. */
  values: Readonly<Record<string, number | null>>
}

/** The runs that the rule has flagged. */
export type Flagged = Pick<ReadonlySet<number>, 'has'>

/** Earlier values that belong together. */
export interface Pool {
  name: 'same hour and weekday' | 'same hour' | 'all'
  /** Why it is this pool, where the rule's season prefers others: what those have too few of. */
  because?: string
  values: number[]
  /** True if these are an even sample of the earlier runs. */
  isSample?: boolean
  /** How many of the pool's values were left out because the rule had flagged them. */
  leftOut: number
  /** Of a young pipeline whose season prefers the same hour and weekday, and that has too few of them: those few, also flagged ones. */
  sameWeekday: number[]
}

/** The range of normal values, and the pool that it comes from. */
export type Range = Band & { pool: Pool }

const HOUR = 3_600
const DAY = 24 * HOUR
const WEEK = 7 * DAY
const WEEKLY_VALUES = 5
/** How far back the pool of an hour of the week reaches, in lookbacks, and at most. */
const WEEKS_FACTOR = 7
const MAX_WEEKLY_DAYS = 365
/** A pipeline with at most so many runs a day has no fixed hour: its runs are compared by the time of day. */
const FEW_A_DAY = 4
const NEAR = 1.5 * HOUR

/** How many days back the pool of an hour of the week reaches. */
export const weeklyDaysOf = (lookbackDays: number): number => Math.min(MAX_WEEKLY_DAYS, WEEKS_FACTOR * lookbackDays)

/** What is left of a division, from 0 also for a negative value. */
export const modulo = (value: number, by: number): number => ((value % by) + by) % by
/** The distance on a circle of this length. */
const apart = (left: number, right: number, circle: number): number => {
  const distance = modulo(left - right, circle)
  return Math.min(distance, circle - distance)
}

/** Whether two runs began at the same time of the day, or of the week. */
const isSameTime = (run: PastRun, tested: PastRun, circle: number, isRare: boolean): boolean =>
  isRare
    ? apart(run.local, tested.local, circle) <= NEAR
    : Math.floor(modulo(run.local, circle) / HOUR) === Math.floor(modulo(tested.local, circle) / HOUR)

/**
 * The values to compare a run with: of the first pool, in the order of the rule's season, that has enough. null: none has. `history` has the
 * runs that ended no later than it, in any order.
 */
export const poolOf = (tested: PastRun, history: readonly PastRun[], rule: JudgedRule, flagged: Flagged): Pool | null => {
  const counts = history.filter(({ id, end, start }) => id !== tested.id && end <= tested.end && start >= (rule.baseline_from ?? -Infinity))
  const within = (days: number) => counts.filter(({ end }) => end >= tested.end - days * DAY)
  const recent = within(rule.lookback_days)
  const gather = (name: Pool['name'], runs: readonly PastRun[], enough: number): Pool | null => {
    const known = runs.filter(({ values }) => values[rule.metric_field] != null)
    const clean = known.filter(({ id }) => !flagged.has(id))
    const leftOut = known.length - clean.length
    // More flags than a fifth are a pattern, not exceptions.
    const isPattern = METHODS[rule.method].keepsFlagged && leftOut > known.length / 5
    const values = (isPattern ? known : clean).map(({ values }) => values[rule.metric_field] as number)
    return values.length >= enough ? { name, values, leftOut: isPattern ? 0 : leftOut, sameWeekday: [] } : null
  }
  // The original's hour is that of UTC.
  if (rule.method === 'zscore' && rule.season === 'hour')
    return gather(
      'same hour',
      recent.filter(({ utcHour }) => utcHour === tested.utcHour),
      rule.minimum_executions,
    )
  const first = recent.reduce((least, { end }) => Math.min(least, end), tested.end)
  const isRare = recent.length <= FEW_A_DAY * Math.max(1, (tested.end - first) / DAY)
  const onWeekday = () => within(weeklyDaysOf(rule.lookback_days)).filter((run) => isSameTime(run, tested, WEEK, isRare))
  const pools: Record<Pool['name'], () => Pool | null> = {
    'same hour and weekday': () => gather('same hour and weekday', onWeekday(), WEEKLY_VALUES),
    'same hour': () =>
      gather(
        'same hour',
        recent.filter((run) => isSameTime(run, tested, DAY, isRare)),
        rule.minimum_executions,
      ),
    all: () => gather('all', recent, rule.minimum_executions),
  }
  const tooSmall: string[] = []
  for (const name of POOLS[rule.season]) {
    const pool = pools[name]()
    if (pool && tooSmall.length === 0) return pool
    if (pool)
      return {
        ...pool,
        because: `fewer than ${tooSmall.join(', and fewer than ')}`,
        sameWeekday: isYoung(tested, counts, rule) ? onWeekday().flatMap(({ values }) => values[rule.metric_field] ?? []) : [],
      }
    tooSmall.push(`${name === 'same hour and weekday' ? WEEKLY_VALUES : rule.minimum_executions} runs of the ${name}`)
  }
  return null
}

/** Whether a pipeline's history is too short to have five runs of each hour of the week. A rule that looks back less never has them. */
const isYoung = ({ start }: PastRun, counts: readonly PastRun[], { lookback_days }: JudgedRule): boolean =>
  weeklyDaysOf(lookback_days) * DAY >= WEEKLY_VALUES * WEEK && counts.every((run) => run.start > start - WEEKLY_VALUES * WEEK)

const POOLS: Record<JudgedRule['season'], Pool['name'][]> = {
  auto: ['same hour and weekday', 'same hour', 'all'],
  hour: ['same hour'],
  hour_of_week: ['same hour and weekday'],
  none: ['all'],
}

/** The seasons that compare runs of the weeks before. */
export const WEEKLY_SEASONS = SEASONS.filter((season) => POOLS[season].includes('same hour and weekday'))
