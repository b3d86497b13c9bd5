import { sendAlert } from './alerts/job.ts'
import { createApp } from './app.ts'
import { features } from './features/index.ts'
import { consumeBatch } from './jobs/consume.ts'
import type { Runners } from './jobs/run.ts'
import { runSchedule } from './jobs/schedule.ts'

const runners = Object.assign({ send_alert: sendAlert }, ...features.map(({ jobs }) => jobs)) as Runners
const sweeps = features.flatMap((feature) => feature.sweeps ?? [])
const watches = features.flatMap(({ watch }) => watch ?? [])
const app = createApp(runners)

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  scheduled: (controller, env, context) => runSchedule(controller, env, context, sweeps, watches, runners),
  queue: (batch, env, context) => consumeBatch(batch, env, context, runners),
} satisfies ExportedHandler<Env>
