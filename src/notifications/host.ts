import type { Settings } from '../env.ts'

/** The host that stands for this deployment in other services: their keys for an incident contain it. */
export const hostOf = ({ WATCHER_PUBLIC_URL }: Pick<Settings, 'WATCHER_PUBLIC_URL'>): string =>
  WATCHER_PUBLIC_URL === undefined ? 'watcher' : new URL(WATCHER_PUBLIC_URL).host
