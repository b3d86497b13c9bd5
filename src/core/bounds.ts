/** Bounds and defaults that a setting and a field of the API share. */
export interface Bounds {
  min: number
  max: number
  default: number
}

/** How far the timeliness check looks back, in minutes. At most a year: an earlier check has judged older runs. */
export const LOOKBACK_MINUTES: Bounds = { min: 5, max: 527_040, default: 60 }

/** How long runs and logs are kept, in days. */
export const RETENTION_DAYS: Bounds = { min: 90, max: 36_500, default: 365 }

/** How long the runs' counts by day are kept, in days: reports reach as far back. */
export const DAY_RETENTION_DAYS: Bounds = { min: 90, max: 36_500, default: 1_825 }

/** How long the events of OpenLineage are kept as they came, in days. What they say is kept as runs and lineage. */
export const EVENT_RETENTION_DAYS: Bounds = { min: 1, max: 3_650, default: 30 }

/** How many runs in a row fail before the incident `failed` opens. */
export const ALERT_AFTER_FAILURES: Bounds = { min: 1, max: 100, default: 1 }

/** How long an incident is only shown before anybody is told, in minutes. */
export const ALERT_DELAY_MINUTES: Bounds = { min: 0, max: 1_440, default: 0 }

/** How many good runs in a row fail to move the watermark before it is stalled. Without the field: never. */
export const STALL_RUNS: Omit<Bounds, 'default'> = { min: 2, max: 10_000 }

/** How late a scheduled run may start, in minutes. */
export const GRACE_MINUTES: Bounds = { min: 1, max: 10_080, default: 15 }
