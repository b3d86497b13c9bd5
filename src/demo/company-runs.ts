import { minutesAllowed, PIPELINES, type Pipeline } from './company.ts'
import { FAILURES } from './company-operation.ts'
import { isLevelTold, type Oddity, oddityOf } from './planted.ts'
import { seededBy } from './seeded.ts'

/** A run at Northwind Goods in the thirty days before an hour. The same hour always gives the same runs. */
export interface Run {
  /** The scheduled time. It identifies a run of the pipeline: a later call makes the same run again. */
  slot: string
  /** The slot of the parent's run, if this run is a part. */
  parentSlot?: string
  start: { start_date: string; next_watermark?: string | number; execution_metadata: Record<string, unknown> }
  /** Absent while it runs. */
  end?: End
  /** What is not normal in it, on purpose; `told`: a run on a new level that is known by then. Absent: it is normal. */
  planted?: Oddity | 'told'
}

interface End {
  end_date: string
  completed_successfully: boolean
  inserts?: number
  updates?: number
  soft_deletes?: number
  total_rows?: number
  execution_metadata?: Record<string, unknown>
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
export const HISTORY_DAYS = 30

/** A nightly run with all its parts never takes longer. */
const NIGHTLY_RUN_HOURS = 4
const STARTED_WITHIN_SECONDS = 60
const RUNNING_NOW = 3

/** The shares of its rows that a type inserts, updates and marks as deleted. A type that is absent only counts rows. */
const CHANGES: Partial<Record<Pipeline['type'], [inserts: number, updates: number, softDeletes: number]>> = {
  extraction: [0.62, 0.36, 0.02],
  'api-integration': [0.55, 0.45, 0],
  'dbt-transformation': [0.7, 0.28, 0.02],
  'ml-features': [1, 0, 0],
  export: [1, 0, 0],
}

const iso = (millis: number) => new Date(millis).toISOString()

const byName = new Map(PIPELINES.map((pipeline) => [pipeline.name, pipeline]))
const parentOf = ({ parent }: Pipeline) => (parent === undefined ? undefined : byName.get(parent))
const rootOf = (pipeline: Pipeline): Pipeline => {
  const parent = parentOf(pipeline)
  return parent ? rootOf(parent) : pipeline
}

/** The number of ancestors of a pipeline's runs: 0 for a run without a parent. */
export const depthOf = (pipeline: Pipeline): number => {
  const parent = parentOf(pipeline)
  return parent ? depthOf(parent) + 1 : 0
}

const minutesOf = ({ schedule }: Pipeline) => (schedule.hour * 60 + schedule.minute) * MINUTE

/** The slot of the daily pipeline `other` on the same UTC day: a nightly run never crosses midnight. */
const slotOnSameDay = (slot: number, other: Pipeline) => slot - (slot % DAY) + minutesOf(other)

const isLate = ({ trouble }: Pipeline) => trouble === 'late' || trouble === 'muted and late'
const isSilent = ({ trouble }: Pipeline) => trouble === 'silent' || trouble === 'muted and silent'
/** How long a silent or stopped pipeline has changed nothing. */
const quietMillis = ({ name }: Pipeline) => (4 + 6 * seededBy(`${name} quiet`)()) * DAY

/** The latest end of a run of this slot. Until then the demo leaves the run out, unless the pipeline is chosen to be running. */
const settledAt = (pipeline: Pipeline, slot: number): number => {
  if (pipeline.parent || pipeline.type === 'orchestration') return slotOnSameDay(slot, rootOf(pipeline)) + NIGHTLY_RUN_HOURS * HOUR
  return slot + 5 * MINUTE + (isLate(pipeline) ? 8 : 4) * pipeline.seconds * 1_000
}

const slotsBetween = (pipeline: Pipeline, from: number, until: number): number[] => {
  const interval = pipeline.schedule.everyHours * HOUR
  const first = minutesOf(pipeline) + Math.ceil((from - minutesOf(pipeline)) / interval) * interval
  return Array.from({ length: Math.max(0, Math.ceil((until - first) / interval)) }, (_, index) => first + index * interval)
}

const slotsOf = (pipeline: Pipeline, now: number, isRunning: boolean): number[] => {
  const slots = slotsBetween(pipeline, now - HISTORY_DAYS * DAY, now)
  if (isRunning) return slots
  const { trouble } = pipeline
  if (trouble === 'hanging') return slots.filter((slot) => slot < now - (now % DAY))
  if (trouble === 'stopped' || trouble === 'inactive') return slots.filter((slot) => slot < now - quietMillis(pipeline))
  const settled = slots.filter((slot) => settledAt(pipeline, slot) <= now)
  return pipeline.parent ? settled.filter((slot) => slotOnSameDay(slot, rootOf(pipeline)) >= now - HISTORY_DAYS * DAY) : settled
}

/** The position of a run among the others of its pipeline. */
interface Place {
  slot: number
  runsAgo: number
  now: number
  isRunning: boolean
}

const TIMES_ROWS: Record<Oddity, number> = { empty: 0, flood: 4, slow: 1, level: 2.5 }

/** The rows of a run: the pipeline's usual number, changed by the weekday, growth over the month and noise. */
const rowsOf = (pipeline: Pipeline, { slot, runsAgo, now }: Place, random: () => number): number => {
  const nature = seededBy(`${pipeline.name} nature`)
  const [weekend, growth, noise] = [0.7 + 0.35 * nature(), 0.12 * nature(), 0.03 + 0.05 * nature()]
  const weekday = new Date(slot).getUTCDay() % 6 === 0 ? weekend : 1
  const rows = pipeline.rows * weekday * (1 + growth * (1 - (now - slot) / (HISTORY_DAYS * DAY))) * (1 + noise * (2 * random() - 1))
  const oddity = oddityOf(pipeline.name, runsAgo)
  if (oddity) return Math.round(TIMES_ROWS[oddity] * rows)
  return isSilent(pipeline) && slot >= now - quietMillis(pipeline) ? 0 : Math.round(rows)
}

const secondsOf = (pipeline: Pipeline, rows: number, { runsAgo }: Place, random: () => number): number => {
  if (isLate(pipeline) && runsAgo === 0) return Math.round(minutesAllowed(pipeline) * 60 * (1.4 + 1.5 * random()))
  const times = oddityOf(pipeline.name, runsAgo) === 'slow' ? 3 : 1
  const load = Math.min(1.2, rows / pipeline.rows)
  return Math.max(5, Math.round(pipeline.seconds * times * (0.7 + 0.3 * load) * (0.85 + 0.3 * random())))
}

/** About one run in fifty fails, a part more rarely. The last three succeed, except the last run of a pipeline with trouble `failed`. */
const failsAt = ({ name, trouble, parent }: Pipeline, { runsAgo }: Place, chance: number): boolean => {
  if (trouble === 'failed' && runsAgo === 0) return true
  return runsAgo > 2 && oddityOf(name, runsAgo) === undefined && chance < (parent ? 0.004 : 0.022)
}

const endOf = (pipeline: Pipeline, started: number, place: Place, random: () => number): End => {
  const [chance, share, pick] = [random(), random(), random()]
  const rows = rowsOf(pipeline, place, random)
  const seconds = secondsOf(pipeline, rows, place, random)
  if (failsAt(pipeline, place, chance)) {
    const failures = FAILURES[pipeline.type] ?? []
    const error = failures[Math.floor(pick * failures.length)] ?? ''
    const [{ sources, targets }, lasted] = [pipeline, Math.round(seconds * (0.05 + 0.9 * share))]
    return {
      end_date: iso(started + lasted * 1_000),
      completed_successfully: false,
      execution_metadata: { error: error.replace('{source}', sources[0] ?? '').replace('{target}', targets[0] ?? '') },
    }
  }
  const changes = CHANGES[pipeline.type]
  const [updates, softDeletes] = changes ? [Math.round(rows * changes[1]), Math.round(rows * changes[2])] : [0, 0]
  return {
    end_date: iso(started + seconds * 1_000),
    completed_successfully: true,
    ...(changes && { inserts: rows - updates - softDeletes, updates, soft_deletes: softDeletes }),
    total_rows: rows,
  }
}

/** The watermark of a run: an id or offset for extractions, a time for other loads, none for types that load nothing. */
const watermarkAt = ({ type, rows, schedule }: Pipeline, slot: number): string | number | undefined => {
  if (type === 'orchestration' || type === 'reporting' || type === 'audit') return undefined
  return type === 'extraction' ? Math.floor((slot / HOUR / schedule.everyHours) * rows) : iso(slot)
}

const runAt = (pipeline: Pipeline, place: Place): Run => {
  const { slot, runsAgo, isRunning } = place
  const random = seededBy(`${pipeline.name} ${iso(slot)}`)
  const started = slot + Math.floor(random() * STARTED_WITHIN_SECONDS) * 1_000
  const parent = parentOf(pipeline)
  const watermark = watermarkAt(pipeline, slot)
  const planted = isLevelTold(pipeline.name, runsAgo) ? 'told' : oddityOf(pipeline.name, runsAgo)
  const goesOn = runsAgo === 0 && (isRunning || pipeline.trouble === 'hanging')
  return {
    slot: iso(slot),
    ...(parent && { parentSlot: iso(slotOnSameDay(slot, parent)) }),
    start: {
      start_date: iso(started),
      ...(watermark !== undefined && { next_watermark: watermark }),
      execution_metadata: { triggered_by: parent?.name ?? 'schedule' },
    },
    ...(!goesOn && { end: endOf(pipeline, started, place, random) }),
    ...(planted && { planted }),
  }
}

/** Makes a run end after the last of its parts, and fail if one of them has failed. */
const gatherParts = (run: Run, parts: { name: string; end: End }[]): Run => {
  const failed = parts.filter(({ end }) => !end.completed_successfully).map(({ name }) => name)
  const last = Math.max(...parts.map(({ end }) => Date.parse(end.end_date)))
  return {
    ...run,
    end: {
      end_date: iso(last + 20_000),
      completed_successfully: failed.length === 0,
      ...(failed.length > 0 && { execution_metadata: { error: `${failed.length} of ${parts.length} steps failed: ${failed.join(', ')}` } }),
    },
  }
}

/** Picks the pipelines to show as running: six-hourly ones without trouble or rules, those that started last. */
const pickRunning = (now: number): Set<string> => {
  const began = (pipeline: Pipeline) => slotsBetween(pipeline, now - DAY, now).at(-1) ?? 0
  const candidates = PIPELINES.filter(({ schedule, trouble, metrics }) => schedule.everyHours === 6 && !trouble && metrics.length === 0)
  return new Set(
    candidates
      .sort((left, right) => began(right) - began(left))
      .slice(0, RUNNING_NOW)
      .map(({ name }) => name),
  )
}

/** The runs of every pipeline up to the start of the hour of `at`, oldest first. They have ended by then or are still running. */
export const runsUntil = (at: Date): Map<string, Run[]> => {
  const now = at.getTime() - (at.getTime() % HOUR)
  const running = pickRunning(now)
  const runs = new Map<string, Run[]>()
  // The deepest pipelines come first, because a nightly run's end depends on its parts.
  for (const pipeline of PIPELINES.toSorted((left, right) => depthOf(right) - depthOf(left))) {
    const isRunning = running.has(pipeline.name)
    const slots = slotsOf(pipeline, now, isRunning)
    const own = slots.map((slot, index) => runAt(pipeline, { slot, runsAgo: slots.length - 1 - index, now, isRunning }))
    runs.set(pipeline.name, pipeline.steps.length > 0 ? own.map((run) => gatherParts(run, partsOf(pipeline, run, runs))) : own)
  }
  return runs
}

const partsOf = ({ steps }: Pipeline, { slot }: Run, runs: Map<string, Run[]>) =>
  steps.flatMap((name) => (runs.get(name) ?? []).flatMap(({ parentSlot, end }) => (parentSlot === slot && end ? [{ name, end }] : [])))
