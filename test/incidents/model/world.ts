/** The words of the model: what a pipeline is, what ran, what is wrong. Instants are milliseconds since 1970, durations too. */

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export type Kind = 'failed' | 'missed' | 'late' | 'stale' | 'queue'

/** When runs are expected: at these minutes of these hours (UTC), or at least every so often. */
export type Schedule = { minutes: number[]; hours: number[] | null } | { every: number }

export interface Pipeline {
  id: number
  name: string
  createdAt: number
  schedule: Schedule | null
  grace: number
  timeliness: number | null
  freshness: number | null
  alertAfter: number
  reads: string[]
  writes: string[]
}

export interface Run {
  id: number
  pipeline: Pipeline
  start: number
  end: number | null
  succeeded: boolean
  changesData: boolean
}

export interface Incident {
  /** The order of opening; the service has ids of its own. */
  number: number
  kind: Kind
  pipeline: Pipeline | null
  state: 'open' | 'acknowledged' | 'resolved'
  openedAt: number
  detectedAt: number
  acknowledgedAt: number | null
  resolvedAt: number | null
  resolvedBy: 'auto' | 'person' | null
  occurrences: number
  causedBy: Incident | null
  /** `late`: the last late run. */
  lateRun: Run | null
  /** `missed`: a run that starts at this instant or later covers the last missed time. */
  coversFrom: number
  reopenedAt: number[]
}

export const isOpen = ({ state }: Incident): boolean => state !== 'resolved'

/** The order in which ends count: by end, then by id. */
export const isAfter = (run: Run, other: Run): boolean => (run.end ?? 0) > (other.end ?? 0) || (run.end === other.end && run.id > other.id)
