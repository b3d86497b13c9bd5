import { describe, expect, it } from 'vitest'
import { judgeRun } from '../../src/checks/anomalies/judge.ts'
import { METHODS } from '../../src/checks/anomalies/methods/index.ts'
import type { PastRun } from '../../src/checks/anomalies/pools.ts'
import { type JudgedRule, RULE_DEFAULTS } from '../../src/checks/anomalies/rule.ts'
import { PIPELINES, type Pipeline, ruleOf } from '../../src/demo/company.ts'
import { type Run, runsUntil } from '../../src/demo/company-runs.ts'

const rule = (pipeline: Pipeline, metric_field: JudgedRule['metric_field']): JudgedRule => ({
  ...RULE_DEFAULTS,
  ...METHODS.robust.defaults,
  ...ruleOf(pipeline),
  metric_field,
  direction: 'both',
  min_value: null,
  max_value: null,
  baseline_from: null,
})

const pastRun = ({ start, end }: Run, id: number): PastRun => {
  const [began, ended] = [Date.parse(start.start_date) / 1000, Date.parse(end?.end_date ?? '') / 1000]
  const [rows, seconds] = [end?.total_rows ?? 0, ended - began]
  const values = { total_rows: rows, inserts: end?.inserts ?? null, duration_seconds: seconds, throughput: rows / seconds }
  return { id, start: began, end: ended, local: began, utcHour: new Date(began * 1000).getUTCHours(), values }
}

const findIn = (until: Date) => {
  const tally = { judged: 0, falseAlarms: 0, planted: 0, found: 0, missed: [] as string[] }
  const company = runsUntil(until)
  for (const pipeline of PIPELINES.filter(({ metrics }) => metrics.length > 0)) {
    const { name, metrics } = pipeline
    const runs = (company.get(name) ?? []).filter(({ end }) => end?.completed_successfully)
    const past = runs.map(pastRun)
    const flagged = metrics.map(() => new Set<number>())
    for (const [place, tested] of past.entries()) {
      const planted = runs[place]?.planted
      const verdicts = metrics.map((metric, index) =>
        judgeRun(tested, past.slice(0, place), rule(pipeline, metric as JudgedRule['metric_field']), flagged[index] as Set<number>),
      )
      const odd = verdicts.map((verdict) => verdict?.isNormal === false)
      for (const [index, isOdd] of odd.entries()) if (isOdd) flagged[index]?.add(tested.id)
      if (planted === undefined) {
        tally.judged += verdicts.filter((verdict) => verdict !== null).length
        tally.falseAlarms += odd.filter(Boolean).length
      } else if (planted !== 'told') {
        tally.planted += 1
        if (odd.some(Boolean)) tally.found += 1
        else tally.missed.push(`${planted} ${name} ${runs[place]?.slot}`)
      }
    }
  }
  return tally
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
