import { HOUR, MINUTE, type Pipeline, type Schedule } from './world.ts'

/** A number from 0 up to, but without, `below`. */
export type Random = (below: number) => number

export const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random(items.length)] as Item

const CRONS: readonly Schedule[] = [
  { minutes: [0, 10, 20, 30, 40, 50], hours: null },
  { minutes: [5, 35], hours: null },
  { minutes: [0], hours: null },
  { minutes: [17, 57], hours: null },
  { minutes: [0, 20, 40], hours: [5, 6, 8, 9, 10] },
]
const INTERVALS: readonly Schedule[] = [{ every: 30 * MINUTE }, { every: HOUR }]
const SCHEDULES: readonly (Schedule | null)[] = [null, null, ...CRONS, ...INTERVALS]

/** Some pipelines that watch each other's tables: data flows from a to e, and with luck around. */
export const planPipelines = (random: Random, now: number): Pipeline[] => {
  const tables = ['a', 'b', 'c', 'd', 'e']
  return Array.from({ length: 3 + random(2) }, (_, index) => ({
    id: 0,
    name: `p${index}`,
    createdAt: now,
    schedule: pick(random, SCHEDULES),
    grace: pick(random, [6, 7, 16]) * MINUTE, // no time is due in the minute of a tick: either may come first,
    timeliness: pick(
      random,
      [null, 10, 25, 60].map((minutes) => minutes && minutes * MINUTE),
    ),
    freshness: pick(random, [null, HOUR, 3 * HOUR]),
    alertAfter: pick(random, [1, 1, 2, 3]),
    reads: [tables[index] ?? 'a'],
    writes: [random(4) === 0 ? pick(random, tables) : (tables[index + 1] ?? 'e')],
  }))
}
