import { describe, expect, it } from 'vitest'
import { judgeRun } from '../../src/checks/anomalies/judge.ts'
import type { PastRun } from '../../src/checks/anomalies/pools.ts'
import { completed } from '../../src/checks/anomalies/preview.ts'
import type { MetricField } from '../../src/checks/anomalies/verdict.ts'
import { PIPELINES, ruleOf } from '../../src/demo/company.ts'
import { type Run, runsUntil } from '../../src/demo/company-runs.ts'
import { type Flag, tallyOf } from '../../src/demo/tally.ts'

const pastRun = ({ start, end }: Run, id: number): PastRun => {
  const [began, ended] = [Date.parse(start.start_date) / 1000, Date.parse(end?.end_date ?? '') / 1000]
  const [rows, seconds] = [end?.total_rows ?? 0, ended - began]
  const values = { total_rows: rows, inserts: end?.inserts ?? null, duration_seconds: seconds, throughput: rows / seconds }
  return { id, start: began, end: ended, local: began, utcHour: new Date(began * 1000).getUTCHours(), values }
}

/** What the rules flag, run by run in the order of the runs, and the tally of that. */
const findIn = (until: Date) => {
  const company = runsUntil(until)
  const ids = new Map<string, number>()
  const flags: Flag[] = []
  for (const pipeline of PIPELINES.filter(({ metrics }) => metrics.length > 0)) {
    const runs = (company.get(pipeline.name) ?? []).filter(({ end }) => end?.completed_successfully)
    const past = runs.map((run) => pastRun(run, ids.size + 1 + runs.indexOf(run)))
    for (const [place, { slot }] of runs.entries()) ids.set(`${pipeline.name} ${slot}`, past[place]?.id ?? 0)
    for (const metric of pipeline.metrics) {
      const rule = completed({ ...ruleOf(pipeline), metric_field: metric as MetricField }, null)
      const flagged = new Set<number>()
      for (const [place, tested] of past.entries()) {
        if (judgeRun(tested, past.slice(0, place), rule, flagged)?.isNormal !== false) continue
        flagged.add(tested.id)
        flags.push({ pipeline_execution_id: tested.id, context: {} })
      }
    }
  }
  return tallyOf(company, (name, slot) => ids.get(`${name} ${slot}`), flags)
}

describe('what is planted in the made-up company', () => {
  // Every day of the week, and most hours.
  it.each(Array.from({ length: 14 }, (_, day) => new Date(Date.UTC(2026, 10, 20 + day, (5 * day) % 24, 25)).toISOString()))(
    'is found by robust rules, with few false alarms: until %s',
    (until) => {
      const { judged, falseAlarms, planted, found, missed } = findIn(new Date(until))
      expect(planted).toBeGreaterThan(60)
      expect(found / planted, missed.join('\n')).toBeGreaterThanOrEqual(0.95)
      expect(falseAlarms / judged).toBeLessThanOrEqual(0.01)
    },
  )
})
