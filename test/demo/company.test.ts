import { describe, expect, it } from 'vitest'
import { ADDRESSES, exceptionsOf, minutesAllowed, PIPELINES } from '../../src/demo/company.ts'
import { TROUBLES, type Trouble } from '../../src/demo/company-operation.ts'
import { depthOf, HISTORY_DAYS, type Run, runsUntil } from '../../src/demo/company-runs.ts'
import { PLANTED_PIPELINES } from '../../src/demo/planted.ts'

const NOW = new Date('2026-11-22T04:25:17Z')
const HOUR = Date.UTC(2026, 10, 22, 4)
const DAY_MILLIS = 24 * 60 * 60 * 1000

const named = (name: string) => {
  const pipeline = PIPELINES.find((known) => known.name === name)
  if (!pipeline) throw new Error(`no pipeline ${name}`)
  return pipeline
}
const inTrouble = (trouble: Trouble) => PIPELINES.filter((pipeline) => pipeline.trouble === trouble)
const last = (runs: Map<string, Run[]>, { name }: { name: string }) => runs.get(name)?.at(-1)
const startOf = ({ start }: Run) => Date.parse(start.start_date)
const lasted = (run: Run | undefined) => (run?.end ? (Date.parse(run.end.end_date) - startOf(run)) / 1000 : Number.NaN)

describe('the company', () => {
  it('has 200 pipelines and 400 addresses, each once, and every name in its lists exists', () => {
    expect(PIPELINES).toHaveLength(200)
    expect(new Set(PIPELINES.map(({ name }) => name.toLowerCase())).size).toBe(200)
    expect(new Set(PIPELINES.map(({ type }) => type)).size).toBe(8)
    expect(ADDRESSES).toHaveLength(400)
    expect(new Set(ADDRESSES.map(({ name }) => name)).size).toBe(400)
    for (const { name } of [...PIPELINES, ...ADDRESSES]) expect(name.length).toBeLessThanOrEqual(150)
    for (const name of PIPELINES.flatMap(({ steps }) => steps)) expect(named(name).parent).toBeDefined()
    const troubled = Object.values(TROUBLES).flatMap((names) => names.split(/\s+/))
    for (const name of troubled) expect(named(name).trouble).toBeDefined()
    for (const name of PLANTED_PIPELINES) expect(named(name).metrics).toHaveLength(2)
  })

  it('runs 150 pipelines daily, 40 every six hours and 10 every hour; 40 of them have anomaly rules', () => {
    const often = (hours: number) => PIPELINES.filter(({ schedule }) => schedule.everyHours === hours)
    expect([24, 6, 1].map((hours) => often(hours).length)).toEqual([150, 40, 10])
    expect(PIPELINES.filter(({ metrics }) => metrics.length === 2)).toHaveLength(40)
  })

  it('has lineage between known addresses in layers, without a circle', () => {
    const known = new Set(ADDRESSES.map(({ name }) => name))
    const downstream = new Map<string, Set<string>>()
    for (const { sources, targets } of PIPELINES) {
      expect(sources.length).toBeGreaterThanOrEqual(1)
      expect(sources.length).toBeLessThanOrEqual(4)
      expect(targets.length).toBeGreaterThanOrEqual(1)
      expect(targets.length).toBeLessThanOrEqual(3)
      for (const name of [...sources, ...targets]) expect(known).toContain(name)
      for (const source of sources) downstream.set(source, new Set([...(downstream.get(source) ?? []), ...targets]))
    }
    const reached = (name: string, above: string[] = []): Set<string> => {
      expect(above).not.toContain(name)
      return new Set([...(downstream.get(name) ?? [])].flatMap((next) => [next, ...reached(next, [...above, name])]))
    }
    expect([...reached('shop.public.reviews')].some((name) => name.startsWith('looker://'))).toBe(true)
    const pairs = ADDRESSES.reduce((sum, { name }) => sum + reached(name).size, 0)
    expect(pairs).toBeLessThan(8_000)
    // A pipeline writes every source that is not a source system.
    const made = new Set(PIPELINES.flatMap(({ targets }) => targets))
    for (const { sources } of PIPELINES) {
      for (const source of sources) if (/^(raw|staging|analytics)\./.test(source)) expect(made).toContain(source)
    }
    expect(ADDRESSES.filter(({ deprecated }) => deprecated).length).toBeGreaterThan(5)
    expect(ADDRESSES.filter(({ address_metadata }) => address_metadata).length).toBeGreaterThan(20)
  })
})

// At some of these hours a nightly run is half over, and at one the day has just begun.
describe.each([0, 1, 4, 7, 13, 20, 23])('its runs until %i:25', (hour) => {
  const until = new Date(Date.UTC(2026, 10, 22, hour, 25))
  const now = Date.UTC(2026, 10, 22, hour)
  const runs = runsUntil(until)
  const all = [...runs.values()].flat()

  it('lie in the thirty days before the hour and end after they start, in the order of time', () => {
    expect(runs.size).toBe(200)
    expect(all.length).toBeGreaterThan(15_500)
    expect(all.length).toBeLessThanOrEqual(18_000)
    for (const own of runs.values()) {
      expect(new Set(own.map(({ slot }) => slot)).size).toBe(own.length)
      expect(own.map(startOf)).toEqual(own.map(startOf).toSorted((left, right) => left - right))
      for (const run of own) {
        expect(startOf(run)).toBeGreaterThanOrEqual(now - HISTORY_DAYS * DAY_MILLIS)
        expect(startOf(run)).toBeLessThan(now)
        if (run.end) expect(lasted(run)).toBeGreaterThan(0)
        if (run.end) expect(Date.parse(run.end.end_date)).toBeLessThanOrEqual(now)
      }
    }
  })

  it('parts start and end within their parents, and a parent has failed if a part has', () => {
    const parts = PIPELINES.filter(({ parent }) => parent !== undefined)
    expect(Math.max(...PIPELINES.map(depthOf))).toBe(2)
    for (const { name, parent } of parts) {
      for (const run of runs.get(name) ?? []) {
        const whole = runs.get(parent ?? '')?.find(({ slot }) => slot === run.parentSlot)
        expect(whole && startOf(whole)).toBeLessThan(startOf(run))
        expect(Date.parse(whole?.end?.end_date ?? '')).toBeGreaterThan(Date.parse(run.end?.end_date ?? ''))
        if (run.end?.completed_successfully === false) expect(whole?.end?.completed_successfully).toBe(false)
      }
    }
  })

  it('have the intended problems', () => {
    const failed = PIPELINES.filter((pipeline) => last(runs, pipeline)?.end?.completed_successfully === false)
    expect(failed).toHaveLength(8)
    for (const pipeline of failed) expect(last(runs, pipeline)?.end?.execution_metadata?.error).toEqual(expect.stringMatching(/\w/))
    const share = all.filter(({ end }) => end && !end.completed_successfully).length / all.length
    expect(share).toBeGreaterThan(0.015)
    expect(share).toBeLessThan(0.025)
    const open = PIPELINES.filter((pipeline) => runs.get(pipeline.name)?.some(({ end }) => !end))
    expect(open).toHaveLength(5)
    for (const pipeline of inTrouble('hanging')) {
      expect(open).toContain(pipeline)
      expect(last(runs, pipeline)?.end).toBeUndefined()
      expect(last(runs, pipeline)?.slot.slice(0, 10)).toBe('2026-11-21')
      expect(now - Date.parse(last(runs, pipeline)?.slot ?? '')).toBeGreaterThan(3 * 60 * 60 * 1000)
      expect(exceptionsOf(pipeline)).toEqual({ timeliness_number: 3, timeliness_datepart: 'hour' })
    }
    expect(inTrouble('late')).toHaveLength(6)
    for (const pipeline of inTrouble('late')) expect(lasted(last(runs, pipeline))).toBeGreaterThan(60 * minutesAllowed(pipeline))
    const quiet = [...inTrouble('silent'), ...inTrouble('stopped')]
    expect(quiet).toHaveLength(5)
    for (const pipeline of quiet) {
      const changed = runs.get(pipeline.name)?.findLast(({ end }) => (end?.total_rows ?? 0) > 0)
      expect(now - Date.parse(changed?.end?.end_date ?? '')).toBeGreaterThan(2 * DAY_MILLIS)
      expect(exceptionsOf(pipeline)).toEqual({ freshness_number: 2, freshness_datepart: 'day' })
    }
  })
})

describe('its history', () => {
  const runs = runsUntil(NOW)

  it('is the same at every minute of an hour', () => {
    expect(runsUntil(new Date(HOUR))).toEqual(runs)
  })

  it('has the same slots and starts an hour later', () => {
    const before = new Map([...runs].flatMap(([name, own]) => own.map(({ slot, start }) => [`${name} ${slot}`, start.start_date])))
    const later = [...runsUntil(new Date(HOUR + 60 * 60 * 1000))].flatMap(([name, own]) => own.map((run) => ({ name, ...run })))
    const added = later.filter(({ name, slot }) => !before.has(`${name} ${slot}`))
    expect(added.length).toBeGreaterThan(5)
    expect(added.length).toBeLessThan(60)
    for (const { name, slot, start } of later) expect(start.start_date).toBe(before.get(`${name} ${slot}`) ?? start.start_date)
  })

  it('has abnormal loads, each in the same hour as the runs of its baseline', () => {
    expect(PLANTED_PIPELINES.length).toBeGreaterThan(30)
    for (const name of PLANTED_PIPELINES) {
      const own = (runs.get(name) ?? []).filter(({ end }) => end?.completed_successfully)
      const normal = own.filter(({ planted }) => planted === undefined)
      const rows = normal.flatMap(({ end }) => end?.total_rows ?? [])
      const planted = own.filter((run) => run.planted !== undefined)
      expect(planted.length).toBeGreaterThan(0)
      for (const run of planted) {
        if (run.planted === 'empty') expect(run.end?.total_rows).toBe(0)
        else if (run.planted === 'slow') expect(lasted(run)).toBeGreaterThan(1.5 * Math.max(...normal.map(lasted)))
        else expect(run.end?.total_rows).toBeGreaterThan(1.3 * Math.max(...rows))
      }
    }
  })
})
