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
