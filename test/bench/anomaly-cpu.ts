import { runsOf, runsShape } from '../../src/checks/anomalies/history.ts'
import { judgeRun } from '../../src/checks/anomalies/judge.ts'
import type { PastRun } from '../../src/checks/anomalies/pools.ts'
import { completed } from '../../src/checks/anomalies/preview.ts'
import { RUN_METRICS } from '../../src/db/constraints.ts'
import { seededBy } from '../../src/demo/seeded.ts'
import { median } from './load.ts'

const ROUNDS = 100
const DAYS = 30

/** The history of a month as the database writes it. */
const historyOf = (runs: number): string => {
  const random = seededBy('a month')
  return JSON.stringify(
    Array.from({ length: runs }, (_, index) => {
      const start = 1_700_000_000 + index * ((DAYS * 86_400) / runs)
      return [
        index,
        start,
        start + 60,
        start,
        Math.floor(start / 3_600) % 24,
        ...RUN_METRICS.map(() => Math.round(10_000 * random())),
        null,
      ]
    }),
  )
}

/** The CPU of what a job with a robust rule for each of six metrics does after the database has answered: read the runs, and judge one. */
export const renderAnomalyCpu = (): string => {
  const rules = RUN_METRICS.map((metric_field) => completed({ method: 'robust', metric_field }, null))
  const figures = [120, 700, 2_000].map((runs) => {
    const text = historyOf(runs)
    const millis = Array.from({ length: ROUNDS }, () => {
      const before = process.cpuUsage()
      const past = runsOf(runsShape.parse(JSON.parse(text)))
      for (const rule of rules) judgeRun(past.at(-1) as PastRun, past.slice(0, -1), rule, new Set())
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1_000
    })
    return `${median(millis).toFixed(1)} ms of ${runs.toLocaleString('en-US')} earlier runs`
  })
  return `CPU of a job with six robust rules, beside its statements: ${figures.join(', ')} (aim: 10 ms, what a free plan allows).`
}
