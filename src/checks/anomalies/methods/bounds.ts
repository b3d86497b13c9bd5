import type { Method } from './method.ts'

/** Only the hard limits of the rule: no baseline is needed. */
export const bounds: Method = {
  defaults: { std_deviation_threshold_multiplier: 2, season: 'none', min_change_percent: 0 },
  keepsFlagged: true,
  bandOf: () => null,
}
