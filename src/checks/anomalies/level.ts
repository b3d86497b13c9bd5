import type { PastRun } from './pools.ts'
import type { JudgedRule } from './rule.ts'

/** So many flags in a row on one side are a new level, and not as many exceptions. */
export const LEVEL_RUNS = 5

/**
 * Whether a flagged run is on a new level: it and at least four runs before it are flagged on the same side, without another between. Answers
 * when the first of them started, and how many they are; else null. `flagged` has the rule's earlier flags with their sides.
 */
export const levelSince = (
  tested: PastRun,
  direction: string,
  past: readonly PastRun[],
  { metric_field }: JudgedRule,
  flagged: ReadonlyMap<number, string | null>,
): { start: number; runs: number } | null => {
  const before = past
    .filter(
      ({ id, end, values }) =>
        id !== tested.id && values[metric_field] != null && (end < tested.end || (end === tested.end && id < tested.id)),
    )
    .sort((left, right) => right.end - left.end || right.id - left.id)
  let [runs, start] = [1, tested.start]
  for (const run of before) {
    if (flagged.get(run.id) !== direction) break
    runs += 1
    start = run.start
  }
  return runs >= LEVEL_RUNS ? { start, runs } : null
}
