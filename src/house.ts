import { incidentKindOf } from './checks/incident-kind.ts'
import { checks } from './checks/index.ts'
import type { House } from './features/feature.ts'
import { features } from './features/index.ts'
import { ingests } from './ingest/index.ts'
import { CRONS } from './jobs/crons.ts'
import { checkDeadlines, deadlineSweep } from './jobs/deadlines.ts'
import type { JobKind, RunJob } from './jobs/job.ts'
import type { Runners } from './jobs/run.ts'
import type { Sweep } from './jobs/schedule.ts'
import type { Vocabulary } from './notifications/compose.ts'
import { sendAlert } from './notifications/deliver.ts'
import { notify } from './notifications/notify.ts'
import { remind } from './notifications/remind.ts'

/** Everything here is derived from the lists of checks and features: a new entry in a list needs no change in this file. */

/** The order of the job kinds: checks that follow a run, then checks that a cron starts, then features. */
const members = [...checks.filter(({ sweeps }) => !sweeps), ...checks.filter(({ sweeps }) => sweeps), ...features, ...ingests]

const incidentKinds = [...features.flatMap(({ incidents }) => incidents ?? []), ...checks.map(incidentKindOf)]

/** What messages are made of. */
export const vocabulary: Vocabulary = {
  incidentKinds,
  alertKinds: [...checks.map(({ alert }) => alert), ...features.flatMap(({ alerts }) => alerts ?? [])],
  alertOf: Object.fromEntries(checks.map(({ incidentKind, alert }) => [incidentKind, alert])),
}

const deadlines = members.flatMap((member) => member.deadlines ?? [])

const makers: Partial<Record<JobKind, (house: House) => RunJob>> = Object.assign({}, ...members.map(({ jobs }) => jobs), {
  check_deadlines: () => checkDeadlines(deadlines),
  notify: () => notify,
  check_reminders: () => remind,
  send_alert: () => sendAlert(vocabulary),
})

export const house: House = {
  jobKinds: Object.keys(makers) as JobKind[],
  checks,
  incidentKinds,
  beforeCleanup: features.flatMap(({ beforeCleanup }) => beforeCleanup ?? []),
}

/** The function that runs each kind of job. */
export const runners: Runners = Object.fromEntries(Object.entries(makers).map(([kind, make]) => [kind, make?.(house)]))

/** The jobs that Cron Triggers start, and the functions that run at every quarter-hourly tick. */
export const sweeps: readonly Sweep[] = [
  ...members.flatMap((member) => member.sweeps ?? []),
  deadlineSweep,
  { cron: CRONS.quarterHourly, kind: 'check_reminders', payload: () => ({}) },
]
export const watches = features.flatMap(({ watches }) => (watches ?? []).map((make) => make(house)))
