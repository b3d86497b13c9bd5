import { duration, secondsBetween } from '../../core/figures.ts'
import { inMinutes } from '../../core/instant.ts'
import { toneOf } from '../frame/elements.tsx'
import { secondsOf, worstOf } from '../frame/run.tsx'
import type { Range } from './period.ts'
import type { ListedRun } from './queries.ts'

/** The drawing has this many units from left to right. */
const WIDTH = 1_000
/** A bar is visible from this width. */
const MIN_WIDTH = 3
const MAX_LANES = 60

interface Lane {
  pipelineId: number
  name: string
  /** 0: on top; 1: its runs are parts of runs of the lane above it. */
  depth: number
  runs: ListedRun[]
}

/** One lane for each pipeline, in the order of their first start; what runs as parts follows the pipeline of its parent. */
export const lanesOf = (runs: readonly ListedRun[]): Lane[] => {
  const ofPipeline = Map.groupBy(runs, ({ pipeline_id }) => pipeline_id)
  const parentOf = (pipelineId: number): number | undefined => {
    const parent = ofPipeline.get(pipelineId)?.find(({ parent_pipeline_id }) => parent_pipeline_id !== null)?.parent_pipeline_id
    return parent != null && parent !== pipelineId && ofPipeline.has(parent) ? parent : undefined
  }
  const firstStart = (lane: ListedRun[]): string => lane.reduce((first, { start_date }) => (start_date < first ? start_date : first), '9')
  const inOrder = [...ofPipeline].sort(([, left], [, right]) => (firstStart(left) < firstStart(right) ? -1 : 1))
  const placed = new Set<number>()
  const place = ([pipelineId, lane]: [number, ListedRun[]], depth: number): Lane[] => {
    if (placed.has(pipelineId)) return []
    placed.add(pipelineId)
    const below = inOrder.filter(([id]) => parentOf(id) === pipelineId).flatMap((part) => place(part, depth + 1))
    return [{ pipelineId, name: lane[0]?.pipeline_name ?? '', depth, runs: lane }, ...below]
  }
  const roots = inOrder.filter(([id]) => parentOf(id) === undefined).flatMap((root) => place(root, 0))
  // What is left is part of itself by way of others.
  return [...roots, ...inOrder.flatMap((rest) => place(rest, 0))]
}

const toX = (at: string, { from, to }: Range): number =>
  Math.min(WIDTH, Math.max(0, (secondsBetween(from, at) / Math.max(1, secondsBetween(from, to))) * WIDTH))

/** What the drawing spans: of a page that does not hold all of the period's runs, only the time of those that it does. */
const spanOf = (runs: readonly ListedRun[], range: Range, isWhole: boolean, now: string): Range => {
  if (isWhole) return range
  const [starts, ends] = [runs.map(({ start_date }) => start_date), runs.map(({ end_date }) => end_date ?? now)]
  const [first, last] = [starts.toSorted()[0] ?? range.from, ends.toSorted().at(-1) ?? range.to]
  return { from: first > range.from ? first : range.from, to: last < range.to ? last : range.to }
}

/** Bars by start and length, coloured by state. The table below it says the same in words. `isWhole`: these are all runs of the period. */
export const Timeline = ({
  runs,
  range: period,
  isWhole,
  now,
}: {
  runs: readonly ListedRun[]
  range: Range
  isWhole: boolean
  now: string
}) => {
  const range = spanOf(runs, period, isWhole, now)
  const lanes = lanesOf(runs)
  const shown = lanes.slice(0, MAX_LANES)
  return (
    <section class="panel timeline" aria-label="Timeline">
      <div class="lane axis" aria-hidden="true">
        <span>Pipeline, times in UTC</span>
        <div>
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <span>
              {inMinutes(new Date(Date.parse(range.from) + share * (Date.parse(range.to) - Date.parse(range.from))).toISOString()).slice(
                5,
                16,
              )}
            </span>
          ))}
        </div>
      </div>
      {shown.map(({ pipelineId, name, depth, runs: bars }) => (
        <div class="lane">
          <a href={`/pipelines/${pipelineId}`} title={name} style={depth > 0 ? `padding-left: ${depth}rem` : undefined}>
            {depth > 0 ? <span aria-hidden="true">└ </span> : null}
            {name}
          </a>
          <svg viewBox={`0 0 ${WIDTH} 20`} preserveAspectRatio="none" aria-hidden="true">
            {bars.map((run) => {
              const x = toX(run.start_date, range)
              const state = worstOf(run, now)
              return (
                <a href={`/pipelines/${pipelineId}?execution=${run.id}`} tabindex={-1}>
                  <rect
                    class={`run ${toneOf(state)}`}
                    x={x.toFixed(1)}
                    y="3"
                    width={Math.max(MIN_WIDTH, toX(run.end_date ?? now, range) - x).toFixed(1)}
                    height="14"
                  >
                    <title>{`${state}, ${inMinutes(run.start_date)}, ${duration(secondsOf(run, now))}`}</title>
                  </rect>
                </a>
              )
            })}
          </svg>
        </div>
      ))}
      {lanes.length > shown.length ? <p class="soft">and {lanes.length - shown.length} more pipelines in the table</p> : null}
    </section>
  )
}
