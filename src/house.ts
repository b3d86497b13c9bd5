import type { Check } from './checks/check.ts'
import { checks } from './checks/index.ts'
import type { House } from './features/feature.ts'
import { features } from './features/index.ts'
import type { IncidentKind } from './incidents/kind.ts'
import type { JobKind, RunJob } from './jobs/job.ts'
import type { Runners } from './jobs/run.ts'
import type { AlertKind } from './notifications/alert.ts'
import { sendAlert } from './notifications/deliver.ts'

/** Everything here is derived from the lists of checks and features: a new entry in a list needs no change in this file. */

/** The order of the job kinds: checks that follow a run, then checks that a cron starts, then features. */
const members = [...checks.filter(({ sweeps }) => !sweeps), ...checks.filter(({ sweeps }) => sweeps), ...features]

/** Every kind of alert. */
export const alertKinds: readonly AlertKind[] = [...checks.map(({ alert }) => alert), ...features.flatMap(({ alerts }) => alerts ?? [])]

const makers: Partial<Record<JobKind, (house: House) => RunJob>> = Object.assign({}, ...members.map(({ jobs }) => jobs), {
  send_alert: () => sendAlert(alertKinds),
})

/** The kind of incident of a check. Details that another version wrote have the kind's name as their summary. */
const incidentKindOf = ({ incidentKind, evidence, explain }: Check): IncidentKind => ({
  kind: incidentKind,
  explain: (details) => {
    const read = evidence().safeParse(details)
    return read.success ? explain(read.data) : incidentKind
  },
})

export const house: House = {
  jobKinds: Object.keys(makers) as JobKind[],
  checks,
  incidentKinds: [...features.flatMap(({ incidents }) => incidents ?? []), ...checks.map(incidentKindOf)],
  beforeCleanup: features.flatMap(({ beforeCleanup }) => beforeCleanup ?? []),
}

/** The function that runs each kind of job. */
export const runners: Runners = Object.fromEntries(Object.entries(makers).map(([kind, make]) => [kind, make?.(house)]))

/** The jobs that Cron Triggers start, and the functions that run at every quarter-hourly tick. */
export const sweeps = members.flatMap((member) => member.sweeps ?? [])
export const watches = features.flatMap(({ watch }) => (watch ? [watch(house)] : []))
