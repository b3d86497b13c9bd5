/** Waiting jobs from which on people are told. */
export const WARNING_DEPTH = 50
export const CRITICAL_DEPTH = 100

export type DepthLevel = 'healthy' | 'warning' | 'critical'

export const levelOf = (waiting: number): DepthLevel => {
  if (waiting >= CRITICAL_DEPTH) return 'critical'
  return waiting >= WARNING_DEPTH ? 'warning' : 'healthy'
}

const RANK: Record<DepthLevel, number> = { healthy: 0, warning: 1, critical: 2 }

/** People are told of a threshold when it is crossed upwards. */
export const isWorse = (level: DepthLevel, before: DepthLevel): boolean => RANK[level] > RANK[before]
