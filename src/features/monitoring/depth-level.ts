/** The numbers of waiting jobs at which people are alerted. */
export const WARNING_DEPTH = 50
export const CRITICAL_DEPTH = 100

export type DepthLevel = 'healthy' | 'warning' | 'critical'

export const levelOf = (waiting: number): DepthLevel => {
  if (waiting >= CRITICAL_DEPTH) return 'critical'
  return waiting >= WARNING_DEPTH ? 'warning' : 'healthy'
}

const RANK: Record<DepthLevel, number> = { healthy: 0, warning: 1, critical: 2 }

/** Whether the level rose: people are alerted only then. */
export const isWorse = (level: DepthLevel, before: DepthLevel): boolean => RANK[level] > RANK[before]
