import { PIPELINES, ruleOf } from './company.ts'
import type { Run } from './company-runs.ts'

/** What the tally reads of an anomaly. */
export interface Flag {
  pipeline_execution_id: number
  context: { new_level_since?: string }
}

/** What rules have found of what was planted in the runs. */
export interface Tally {
  planted: number
  found: number
  /** What was not found, in words. */
  missed: string[]
  /** Flags of runs in which nothing was planted, of how many verdicts: a rule judges a run once it has enough earlier ones. */
  falseAlarms: number
  judged: number
  /** The pipelines whose new level was told. */
  levels: number
}

/** Compares what is planted in the runs with the flags of the server. `idOf` knows the execution of a pipeline's slot. */
export const tallyOf = (
  runs: ReadonlyMap<string, readonly Run[]>,
  idOf: (pipeline: string, slot: string) => number | undefined,
  flags: readonly Flag[],
): Tally => {
  const tally: Tally = { planted: 0, found: 0, missed: [], falseAlarms: 0, judged: 0, levels: 0 }
  const byRun = Map.groupBy(flags, ({ pipeline_execution_id }) => pipeline_execution_id)
  for (const pipeline of PIPELINES.filter(({ metrics }) => metrics.length > 0)) {
    const good = (runs.get(pipeline.name) ?? []).filter(({ end }) => end?.completed_successfully)
    const found = good.map(({ slot, planted }) => ({ slot, planted, flags: byRun.get(idOf(pipeline.name, slot) ?? 0) ?? [] }))
    const normal = found.filter(({ planted }) => planted === undefined)
    const planted = found.filter((run) => run.planted !== undefined && run.planted !== 'told')
    const missed = planted.filter(({ flags }) => flags.length === 0)
    tally.planted += planted.length
    tally.found += planted.length - missed.length
    tally.missed.push(...missed.map((run) => `${run.planted}, ${pipeline.name}, ${run.slot}`))
    tally.falseAlarms += normal.reduce((sum, { flags }) => sum + flags.length, 0)
    tally.judged += Math.max(0, normal.length - ruleOf(pipeline).minimum_executions) * pipeline.metrics.length
    if (found.some(({ flags }) => flags.some(({ context }) => context.new_level_since !== undefined))) tally.levels += 1
  }
  return tally
}
