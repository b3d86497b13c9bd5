import { createApp } from './app.ts'
import { house, runners, sweeps, watches } from './house.ts'
import { consumeBatch } from './jobs/consume.ts'
import { runSchedule } from './jobs/schedule.ts'

const app = createApp(house, runners)

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  scheduled: (controller, env, context) => runSchedule(controller, env, context, sweeps, watches, runners),
  queue: (batch, env, context) => consumeBatch(batch, env, context, runners),
} satisfies ExportedHandler<Env>
