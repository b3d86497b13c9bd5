import { checks } from './checks/index.ts'
import type { House } from './features/feature.ts'
import { features } from './features/index.ts'
import type { JobKind, RunJob } from './jobs/job.ts'
import type { Runners } from './jobs/run.ts'
import type { AlertKind } from './notifications/alert.ts'
import { sendAlert } from './notifications/deliver.ts'

/** What is derived from the lists of checks and features: whoever adds to a list adds to all of this. */

/** What follows a run before what the clock asks for: the order in which kinds of jobs are listed. */
const members = [...checks.filter(({ sweeps }) => !sweeps), ...checks.filter(({ sweeps }) => sweeps), ...features]

/** Every kind of alert that is sent. */
export const alertKinds: readonly AlertKind[] = [...checks.map(({ alert }) => alert), ...features.flatMap(({ alerts }) => alerts ?? [])]

const makers: Partial<Record<JobKind, (house: House) => RunJob>> = Object.assign({}, ...members.map(({ jobs }) => jobs), {
  send_alert: () => sendAlert(alertKinds),
})

export const house: House = { jobKinds: Object.keys(makers) as JobKind[], checks }

/** What runs each kind of job. */
export const runners: Runners = Object.fromEntries(Object.entries(makers).map(([kind, make]) => [kind, make?.(house)]))

/** The jobs that Cron Triggers ask for, and what is looked at with every quarter-hourly tick. */
export const sweeps = members.flatMap((member) => member.sweeps ?? [])
export const watches = features.flatMap(({ watch }) => (watch ? [watch(house)] : []))
