import { judgeRun } from '../../src/checks/anomalies/judge.ts'
import { METHODS } from '../../src/checks/anomalies/methods/index.ts'
import type { PastRun } from '../../src/checks/anomalies/pools.ts'
import { type JudgedRule, RULE_DEFAULTS } from '../../src/checks/anomalies/rule.ts'
import { seededBy } from '../../src/demo/seeded.ts'

/**
 * `npm run bench -- anomalies`: what methods find in simulated histories, and how often they are wrong. Daily runs with the rule there from
 * the first day; after 150 days (21 of each weekday) each run is judged as it is, and with ×3 of the median, half of it, and zero in its place; a
 * weekday also with the rows of a weekend.
 */
const HISTORIES = 50
const DAYS = 180
const JUDGED_FROM = 150
const DAY = 86_400

type Random = () => number
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
const poisson = (mean: number, random: Random): number => {
  let [count, left] = [0, Math.exp(-mean)]
  for (let product = random(); product > left; product *= random()) count += 1
  if (left === 0) left = 1
  return count
}

/** The rows of each day of a history. `aim`: whether the figures of `robust` have one. */
const SHAPES: Record<string, { aim: boolean; rows: (day: number, random: Random) => number }> = {
  'normal, 5 %': { aim: true, rows: (_, random) => 10_000 * (1 + 0.05 * normal(random)) },
  'normal, 20 %': { aim: true, rows: (_, random) => 10_000 * Math.max(0.05, 1 + 0.2 * normal(random)) },
  lognormal: { aim: false, rows: (_, random) => 10_000 * Math.exp(0.5 * normal(random)) },
  'Poisson, 20': { aim: false, rows: (_, random) => poisson(20, random) },
  'weekly season': { aim: true, rows: (day, random) => ([0, 6].includes(day % 7) ? 1_000 : 10_000) * (1 + 0.05 * normal(random)) },
  trend: { aim: true, rows: (day, random) => 10_000 * (1 + day / 300) * (1 + 0.05 * normal(random)) },
  'earlier outliers': { aim: true, rows: (day, random) => (day % 23 === 11 ? 100_000 : 10_000 * (1 + 0.05 * normal(random))) },
  'zero-inflated': { aim: false, rows: (_, random) => (random() < 0.4 ? 0 : 1_000 * (1 + 0.2 * normal(random))) },
  'half flat': { aim: false, rows: (_, random) => (random() < 0.5 ? 1_000 : 1_000 * (1 + 0.2 * normal(random))) },
  flat: { aim: true, rows: () => 1_000 },
}

type Judge = (tested: PastRun, past: readonly PastRun[], flagged: ReadonlySet<number>) => boolean

const rule = (method: 'zscore' | 'robust'): JudgedRule => ({
  ...RULE_DEFAULTS,
  ...METHODS[method].defaults,
  std_deviation_threshold_multiplier: 3,
  method,
  metric_field: 'total_rows',
  direction: 'both',
  min_value: null,
  max_value: null,
  baseline_from: null,
})

const by =
  (of: JudgedRule): Judge =>
  (tested, past, flagged) =>
    judgeRun(tested, past, of, flagged)?.isNormal === false

/** The original's form: mean and deviation of the last 30 days with the judged run among them, upper side only. */
const seedForm: Judge = (tested, past) => {
  const values = [...past.filter(({ end }) => end >= tested.end - 30 * DAY), tested].map(({ values }) => values.total_rows as number)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
  return (tested.values.total_rows as number) > mean + 3 * deviation
}

const METHODS_TRIED: Record<string, Judge> = { 'the seed': seedForm, zscore: by(rule('zscore')), robust: by(rule('robust')) }

interface Tally {
  judged: number
  false: number
  triple: number
  half: number
  zero: number
  /** A weekday with the rows of a weekend; of how many weekdays. */
  weekend: number
  weekdays: number
}

const runOf = (id: number, day: number, rows: number): PastRun => {
  const start = 1_700_006_400 + day * DAY
  return { id, start, end: start + 600, local: start, utcHour: 0, values: { total_rows: Math.max(0, Math.round(rows)) } }
}

const tryMethod = (judge: Judge, rows: (day: number, random: Random) => number, name: string): Tally => {
  const tally: Tally = { judged: 0, false: 0, triple: 0, half: 0, zero: 0, weekend: 0, weekdays: 0 }
  for (let history = 0; history < HISTORIES; history += 1) {
    const random = seededBy(`${name} ${history}`)
    const runs: PastRun[] = []
    const flagged = new Set<number>()
    for (let day = 0; day < DAYS; day += 1) {
      const tested = runOf(day, day, rows(day, random))
      const isOutlier = name === 'earlier outliers' && day % 23 === 11
      const isFlagged = judge(tested, runs, flagged)
      if (day >= JUDGED_FROM && !isOutlier) {
        const known = runs.filter(({ start }) => name !== 'weekly season' || (start - tested.start) % (7 * DAY) === 0)
        const usual = known.map(({ values }) => values.total_rows as number).sort((left, right) => left - right)
        const median = usual[Math.floor(usual.length / 2)] ?? 0
        tally.judged += 1
        if (isFlagged) tally.false += 1
        for (const [what, factor] of [
          ['triple', 3],
          ['half', 0.5],
          ['zero', 0],
        ] as const)
          if (judge(runOf(day, day, median * factor), runs, flagged)) tally[what] += 1
        if (name === 'weekly season' && ![0, 6].includes(day % 7)) {
          tally.weekdays += 1
          if (judge(runOf(day, day, 1_000), runs, flagged)) tally.weekend += 1
        }
      }
      if (isFlagged) flagged.add(day)
      runs.push(tested)
    }
  }
  return tally
}

/** The table of all shapes and methods. */
export const renderAnomalies = (): string => {
  const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`
  const lines = Object.entries(SHAPES).flatMap(([name, { aim, rows }]) =>
    Object.entries(METHODS_TRIED).map(([method, judge]) => {
      const { judged, triple, half, zero, weekend, weekdays, ...tally } = tryMethod(judge, rows, name)
      const figures = [tally.false, triple, half, zero]
        .map((count) => percent(count, judged))
        .concat(weekdays === 0 ? '' : percent(weekend, weekdays))
      const holds =
        method !== 'robust' || !aim
          ? ''
          : tally.false <= 0.01 * judged && triple >= 0.98 * judged && zero === judged && weekend >= 0.95 * weekdays
            ? 'yes'
            : '**no**'
      return `| ${name} | ${method} | ${figures.join(' | ')} | ${holds} |`
    }),
  )
  return `| history | method | false alarms | found ×3 | found half | found zero | found a weekend's rows | holds |\n|---|---|---|---|---|---|---|---|\n${lines.join('\n')}

The aims for robust: false alarms at most 1 %, ×3 at least 98 %, zero always, a weekday with a weekend's rows at least 95 %. Shapes without an aim are printed without one.`
}
