import { anomalies } from './anomalies/index.ts'
import type { Check } from './check.ts'
import { freshness } from './freshness/index.ts'
import { timeliness } from './timeliness/index.ts'

/** Every check, the most severe first: badges and filters on the pages have this order. */
export const checks: readonly Check[] = [timeliness, freshness, anomalies]
