import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, makePipeline, sql } from '../support/api.ts'
import {
  advanceClock,
  type Background,
  type Channel,
  drain,
  fireCron,
  openBackground,
  openChannel,
  recordRun,
  setClock,
} from '../support/background.ts'

let background: Background
/** What Alertmanager gets. */
let alerts: Channel

const post = (path: string, body?: unknown) => call('POST', path, body, {}, background.settings)

beforeEach(async () => {
  background = openBackground()
  Object.assign(background.settings, { WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)), WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true' })
  await sql('truncate pipeline, pipeline_type, job, incident, channel, silence restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  const { url } = openChannel()
  alerts = openChannel(`${url}/api/v2/alerts`)
  expect((await post('/channel', { name: 'am', kind: 'alertmanager', settings: { url } })).status).toBe(201)
})
afterEach(() => vi.useRealTimers())

const tick = async () => {
  advanceClock(900)
  await fireCron(background, CRONS.quarterHourly, new Date())
  await drain(background)
}
const end = async (pipeline_id: number, completed_successfully: boolean) => {
  await recordRun(background, pipeline_id, 1, 0, { completed_successfully })
  await drain(background)
}

describe('a tick renews at an Alertmanager', () => {
  it('all that is open, also thousands', { timeout: 60_000 }, async () => {
    const COUNT = 5_001
    await sql(
      `with opened as (
        insert into incident (kind, subject, severity, opened_at, detected_at, last_occurrence_at, details)
        select 'queue', 'channel ' || n, 'warning', now(), now(), now(), '{"channel_id": 0, "channel_name": "x"}' from generate_series(1, $1::int) n returning id),
      event as (insert into incident_event (incident_id, kind, at) select id, 'opened', now() from opened returning id, incident_id)
      insert into notification (channel_id, channel_name, incident_id, incident_event_id, event, state, created_at)
      select 1, 'am', incident_id, id, 'opened', 'sending', now() from event`,
      [COUNT],
    )
    await tick()
    const renewed = (await alerts.taken()).flatMap(({ body }) =>
      (JSON.parse(body) as { labels: { incident: string } }[]).map(({ labels }) => Number(labels.incident)),
    )
    expect(renewed).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1))
  })

  it('nothing whose end it was told: what opened again is silenced', async () => {
    const id = await makePipeline()
    await end(id, false)
    await tick()
    await end(id, true)
    const told = await alerts.posts()
    expect(told).toBe(3) // it opened, was renewed, and ended
    expect((await post('/silence', { ends_at: '2026-03-10T14:00:00Z', reason: 'x' })).status).toBe(201)
    await end(id, false)
    expect(await sql(`select kind from incident_event where kind in ('reopened', 'silenced')`)).toHaveLength(2)
    await tick()
    expect(await alerts.posts()).toBe(told)
  })

  it('nothing of which it never heard: the message that it opened failed for good', async () => {
    await alerts.answers({ status: 400 })
    await end(await makePipeline(), false)
    await tick()
    await tick()
    const names = (await alerts.taken()).map(({ body }) => JSON.parse(body)[0].labels.alertname)
    expect([...new Set(names)]).toEqual(['watcher_queue']) // that a job failed for good, and its renewals
  })
})
