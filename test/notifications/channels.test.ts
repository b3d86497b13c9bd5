import { env } from 'cloudflare:workers'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Mail } from '../../src/core/outbound.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, countOf, expectError, makePipeline, sql, startRun } from '../support/api.ts'
import {
  advanceClock,
  type Background,
  type Channel,
  drain,
  fireCron,
  jobsOf,
  openBackground,
  openChannel,
  recordRun,
  setClock,
} from '../support/background.ts'

const KEY = btoa('k'.repeat(32))
const SECRET = `whsec_${btoa('s'.repeat(32))}`

let background: Background
let pipeline_id: number

beforeEach(async () => {
  background = openBackground()
  Object.assign(background.settings, {
    WATCHER_ENCRYPTION_KEY: KEY,
    WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true',
    WATCHER_PUBLIC_URL: 'https://watcher.example.com',
    WATCHER_ALERT_FORMAT: 'full',
  })
  await sql('truncate pipeline, pipeline_type, job, incident, channel restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  pipeline_id = await makePipeline({
    name: 'orders',
    owner: 'team-finance',
    runbook_url: 'https://wiki.example.com/orders',
    tags: ['finance'],
  })
})
afterEach(() => vi.useRealTimers())

const api = (method: string, path: string, body?: unknown) => call(method, path, body, {}, background.settings)
const post = (path: string, body?: unknown) => api('POST', path, body)
const noSlack = () => Object.assign(background.settings, { SLACK_WEBHOOK_URL: undefined })

/** What each kind of channel needs, with this URL. */
const SETTINGS: Record<string, (url: string) => Record<string, string>> = {
  slack: (webhook_url) => ({ webhook_url }),
  webhook: (url) => ({ url, secret: SECRET }),
  pagerduty: (url) => ({ routing_key: 'R'.repeat(32), url }),
  alertmanager: (url) => ({ url, bearer: 'let-me-in-please-' }),
  teams: (webhook_url) => ({ webhook_url }),
  discord: (webhook_url) => ({ webhook_url }),
}
const KINDS = Object.keys(SETTINGS)

/** Creates a channel of this kind at the receiver. An Alertmanager gets its posts below its address. */
const makeChannel = async (kind: string, fields: Record<string, unknown> = {}): Promise<Channel & { id: number }> => {
  const channel = openChannel()
  const { status, body } = await post('/channel', {
    name: `${kind} ${await countOf('channel')}`,
    kind,
    settings: SETTINGS[kind]?.(channel.url),
    ...fields,
  })
  expect([status, body]).toEqual([201, expect.anything()])
  return kind === 'alertmanager' ? { ...below(channel, '/api/v2/alerts'), id: body.id } : { ...channel, id: body.id }
}
const below = (channel: Channel, path: string): Channel => openChannel(channel.url + path)

const bodies = async (channel: Channel) => (await channel.taken()).map(({ body }) => JSON.parse(body))

const fail = async (error = 'disk full', pipeline = pipeline_id): Promise<number> => {
  const id = await startRun({ pipeline_id: pipeline, start_date: new Date(Date.now() - 60_000).toISOString() })
  const metadata = { execution_metadata: { error } }
  expect((await post('/end_pipeline_execution', { id, completed_successfully: false, ...metadata })).status).toBe(204)
  return id
}
const succeed = async (pipeline = pipeline_id) => recordRun(background, pipeline, 1, 0)
const notifications = async (query = '') => (await api('GET', `/notification${query}`)).body as Record<string, unknown>[]

describe('a failed run', () => {
  it('is told to Slack with what to do, and so is its end', async () => {
    await recordRun(background, pipeline_id, 31, 30)
    const run = await fail()
    await drain(background)
    expect(await background.slack.messages()).toEqual([
      `⚠️ WARNING
Timestamp: 2026-03-10 12:00:00 UTC
Message: Pipeline Execution Failed - 1 pipeline(s)

Details:
• Pipelines:
  • orders (ID: ${pipeline_id}): Run ${run} failed: disk full

orders
Run ${run} failed: disk full
Owner: team-finance
Since: 2026-03-10 12:00:00 UTC (0 s ago)
Last good run: 2026-03-10 11:30:00 UTC (30 min ago)
Incident: https://watcher.example.com/incidents/1
Runbook: https://wiki.example.com/orders`,
    ])
    advanceClock(3_900)
    const good = await succeed()
    await drain(background)
    expect((await background.slack.messages())[1]).toBe(`✅ RESOLVED
Timestamp: 2026-03-10 13:05:00 UTC
Message: 1 incident(s) resolved

Details:
• Resolved:
  • orders (ID: ${pipeline_id}): Pipeline Execution Failed, after 1 h 5 min. Run ${good} has succeeded. https://watcher.example.com/incidents/1`)
    expect(await notifications()).toMatchObject([
      { id: 2, channel_id: null, channel_name: 'slack', incident_id: 1, event: 'resolved', state: 'sent', attempts: 1, error: null },
      { id: 1, event: 'opened', state: 'sent', sent_at: '2026-03-10T12:00:00.000000Z' },
    ])
    const { body } = await api('GET', '/incident/1')
    expect(body.events.map(({ kind, text }: { kind: string; text: string }) => [kind, text])).toEqual([
      ['opened', null],
      ['notified', 'slack: opened'],
      ['resolved', `Run ${good} has succeeded`],
      ['notified', 'slack: resolved'],
    ])
  })

  it('goes to the log while there is no channel at all, and to nobody twice', async () => {
    noSlack()
    const logged: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line) => void logged.push(line))
    await fail()
    await drain(background)
    expect(logged.filter((line) => JSON.stringify(line).includes('Pipeline Execution Failed'))).toHaveLength(1)
    expect(await notifications()).toMatchObject([{ channel_id: null, channel_name: 'log', state: 'sent' }])
    await makeChannel('slack')
    await fail('again', await makePipeline())
    await drain(background)
    expect(await notifications()).toMatchObject([{ channel_name: 'slack 0', state: 'sent' }, { channel_name: 'log' }])
  })

  it('is told only after so many in a row as the pipeline or its type allows', async () => {
    await api('PATCH', '/pipeline_type', { id: 1, alert_after_failures: 3 })
    await succeed()
    advanceClock(60)
    const first = await fail()
    advanceClock(60)
    await fail()
    await drain(background)
    expect(await countOf('incident')).toBe(0)
    advanceClock(60)
    const third = await fail()
    await drain(background)
    expect((await api('GET', '/incident')).body).toMatchObject([
      { occurrences: 3, opened_at: '2026-03-10T12:01:00.000000Z', first_execution_id: first, last_execution_id: third },
    ])
    expect((await background.slack.messages())[0]).toContain('Failures in a row: 3')
    advanceClock(60)
    await succeed()
    advanceClock(60)
    await fail()
    await fail()
    expect((await api('GET', '/incident?state=open')).body).toEqual([])
    await api('PATCH', '/pipeline', { id: pipeline_id, alert_after_failures: 1 })
    await fail()
    expect((await api('GET', '/incident?state=open')).body).toMatchObject([{ state: 'open' }])
  })

  it('of a delayed pipeline is told with all that the sweep found of it, and of nothing else', async () => {
    const brief = { timeliness_number: 10, timeliness_datepart: 'minute' }
    const delayed = await makePipeline({ ...brief, alert_delay_minutes: 5 })
    const other = await makePipeline(brief)
    for (const [pipeline, minutes] of [
      [delayed, 40],
      [delayed, 50],
      [other, 30],
    ] as const)
      await recordRun(background, pipeline, minutes, null)
    await post('/timeliness')
    await drain(background)
    expect(await background.slack.messages()).toEqual([expect.stringContaining('1 execution(s) overdue')])
    advanceClock(301)
    await drain(background)
    expect((await background.slack.messages()).slice(1)).toEqual([expect.stringContaining('2 execution(s) overdue')])
  })

  it('of a delayed pipeline that comes again is delayed anew, if nobody has heard of it', async () => {
    await api('PATCH', '/pipeline', { id: pipeline_id, alert_delay_minutes: 10 })
    const later = async (minutes: number, what: () => Promise<unknown>) => {
      advanceClock(minutes * 60)
      await what()
      await drain(background)
    }
    await later(0, fail)
    await later(5, succeed)
    await later(7, fail)
    await later(1, succeed)
    await later(60, async () => {})
    expect(await background.slack.posts()).toBe(0)
  })

  it('of a delayed pipeline is shown at once, told after the delay, and not told if it is over or acknowledged by then', async () => {
    await api('PATCH', '/pipeline', { id: pipeline_id, alert_delay_minutes: 10 })
    await fail()
    await drain(background)
    expect((await api('GET', '/incident?state=open')).body).toHaveLength(1)
    expect(await background.slack.posts()).toBe(0)
    advanceClock(599)
    await drain(background)
    expect(await background.slack.posts()).toBe(0)
    advanceClock(2)
    await drain(background)
    expect(await background.slack.posts()).toBe(1)
    await succeed()
    advanceClock(3_600)
    await drain(background)
    expect(await background.slack.posts()).toBe(2)

    await fail() // a task that is tried again is no failed pipeline
    advanceClock(300)
    await succeed()
    advanceClock(600)
    await drain(background)
    expect(await background.slack.posts()).toBe(2)

    advanceClock(3_600)
    await fail()
    const pager = await makeChannel('pagerduty')
    await post('/incident/3/acknowledge')
    advanceClock(601)
    await drain(background)
    expect(await background.slack.posts()).toBe(2)
    expect((await bodies(pager))[0]).toMatchObject({ event_action: 'trigger' })
  })
})

describe('each kind of channel', () => {
  it.each(KINDS)('%s is told of the beginning and the end, in its own form', async (kind) => {
    noSlack()
    const channel = await makeChannel(kind)
    const run = await fail()
    await drain(background)
    await succeed()
    await drain(background)
    const taken = await channel.taken()
    expect(taken).toHaveLength(2)
    expect(taken[0]?.headers['user-agent']).toBe('Watcher (+https://watcher.example.com)')
    const [opened, resolved] = taken.map(({ body }) => JSON.parse(body))
    const url = 'https://watcher.example.com/incidents/1'
    const forms: Record<string, () => void> = {
      slack: () => {
        expect(opened.text).toMatch(/^⚠️ WARNING\n/)
        expect(resolved.text).toMatch(/^✅ RESOLVED\n/)
      },
      webhook: () => {
        expect(opened).toMatchObject({
          type: 'incident.opened',
          timestamp: '2026-03-10T12:00:00.000000Z',
          data: {
            id: 1,
            kind: 'failed',
            state: 'open',
            pipeline_name: 'orders',
            owner: 'team-finance',
            summary: `Run ${run} failed: disk full`,
            url,
          },
        })
        expect(resolved).toMatchObject({ type: 'incident.resolved', data: { id: 1, state: 'resolved', resolved_by: 'auto' } })
      },
      pagerduty: () => {
        expect(opened).toEqual({
          routing_key: 'R'.repeat(32),
          event_action: 'trigger',
          dedup_key: 'watcher-watcher.example.com-incident-1',
          client: 'Watcher',
          client_url: url,
          payload: {
            summary: `orders: Run ${run} failed: disk full`,
            source: 'watcher.example.com',
            severity: 'warning',
            timestamp: '2026-03-10T12:00:00.000000Z',
            component: 'orders',
            group: 'team-finance',
            class: 'failed',
            custom_details: expect.objectContaining({ why: 'disk full', downstream_pipelines: 0 }),
          },
          links: [
            { href: url, text: 'Incident' },
            { href: 'https://wiki.example.com/orders', text: 'Runbook' },
          ],
        })
        expect(resolved).toMatchObject({ event_action: 'resolve', dedup_key: 'watcher-watcher.example.com-incident-1' })
      },
      alertmanager: () => {
        const labels = {
          alertname: 'watcher_failed',
          kind: 'failed',
          severity: 'warning',
          incident: '1',
          pipeline: 'orders',
          owner: 'team-finance',
        }
        expect(opened).toMatchObject([
          { labels, startsAt: '2026-03-10T12:00:00.000000Z', endsAt: '2026-03-10T12:45:00.000000Z', generatorURL: url },
        ])
        expect(resolved).toMatchObject([{ labels, endsAt: '2026-03-10T12:00:00.000000Z' }])
        expect(taken[0]?.headers.authorization).toBe('Bearer let-me-in-please-')
      },
      teams: () => {
        const { content } = opened.attachments[0]
        expect(content).toMatchObject({ type: 'AdaptiveCard', actions: [{ type: 'Action.OpenUrl', url }] })
        expect(content.body[0].inlines[0].text).toBe('⚠️ WARNING')
      },
      discord: () => {
        expect(opened).toMatchObject({ embeds: [{ title: '⚠️ WARNING', url }], allowed_mentions: { parse: [] } })
        expect(resolved.embeds[0].title).toBe('✅ RESOLVED')
      },
    }
    forms[kind]?.()
    expect((await notifications()).map(({ state, event }) => [event, state])).toEqual([
      ['resolved', 'sent'],
      ['opened', 'sent'],
    ])
  })

  it.each(KINDS)('%s sends a test, and says what the other side said', async (kind) => {
    const channel = await makeChannel(kind, { active: false })
    await channel.answers({ status: 200, body: 'welcome' }, { status: 404, body: 'no such hook' })
    expect((await post(`/channel/${channel.id}/test`)).body).toEqual({
      delivered: true,
      answer: expect.stringMatching(/answered 200 \(welcome\)$/),
    })
    const refused = (await post(`/channel/${channel.id}/test`)).body
    expect(refused).toEqual({
      delivered: false,
      answer: expect.stringContaining('answered 404 (no such hook): check the settings of the channel'),
    })
    expect(await channel.posts()).toBe(2)
    expect(await countOf('job')).toBe(0)
    expectError(await post('/channel/99/test'), 404, 'channel_not_found')
  })

  it('a pager hears of an acknowledgement, a channel for people does not', async () => {
    const [pager, webhook, discord] = [await makeChannel('pagerduty'), await makeChannel('webhook'), await makeChannel('discord')]
    await fail()
    await drain(background)
    await post('/incident/1/acknowledge', { note: 'on it' })
    await drain(background)
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge'])
    expect((await bodies(webhook)).map(({ type }) => type)).toEqual(['incident.opened', 'incident.acknowledged'])
    expect([await discord.posts(), await background.slack.posts()]).toEqual([1, 1])
  })

  it('what is muted ends at a pager, and people hear nothing of it', async () => {
    const pager = await makeChannel('pagerduty')
    await fail()
    await drain(background)
    await api('PATCH', '/pipeline', { id: pipeline_id, active: false })
    await drain(background)
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
    expect(await background.slack.posts()).toBe(1)
  })

  it('the signature of a webhook is that of Standard Webhooks, and the id stays the same in every attempt', async () => {
    const channel = await makeChannel('webhook')
    await channel.answers({ status: 500, accepted: true })
    await fail()
    await drain(background)
    advanceClock(60)
    await drain(background)
    const taken = await channel.taken()
    expect(taken.map(({ headers }) => headers['webhook-id'])).toEqual(['notification_2', 'notification_2'])
    const verifier = new Webhook(SECRET)
    for (const { headers, body } of taken) {
      expect(verifier.verify(body, headers as Record<string, string>)).toMatchObject({ type: 'incident.opened' })
      expect(() => verifier.verify(body.replace('disk full', 'disk fine'), headers as Record<string, string>)).toThrow(
        'No matching signature',
      )
    }
  })
})

describe('what a channel hears', () => {
  const filters: [string, Record<string, unknown>, boolean][] = [
    ['the severity', { min_severity: 'critical' }, false],
    ['the kind', { kinds: ['late', 'failed'] }, true],
    ['another kind', { kinds: ['late'] }, false],
    ['the owner', { owners: ['team-finance', 'team-web'] }, true],
    ['another owner', { owners: ['team-web'] }, false],
    ['a tag', { tags: ['web', 'finance'] }, true],
    ['another tag', { tags: ['web'] }, false],
    ['the type', { pipeline_type_ids: [1] }, true],
    ['another type', { pipeline_type_ids: [2] }, false],
    ['nothing, because it is inactive', { active: false }, false],
  ]
  it.each(filters)('is decided by %s', async (_what, filter, isTold) => {
    await makePipeline({ pipeline_type_name: 'of another type' })
    const channel = await makeChannel('slack', filter)
    await fail()
    await drain(background)
    expect(await channel.posts()).toBe(isTold ? 1 : 0)
    await succeed()
    await drain(background)
    expect(await channel.posts()).toBe(isTold ? 2 : 0)
  })

  it('a critical incident passes, and one that becomes critical is told again', async () => {
    const critical = await makeChannel('slack', { min_severity: 'critical' })
    await fail()
    await drain(background)
    await api('PATCH', '/pipeline', { id: pipeline_id, severity: 'critical' })
    advanceClock(1)
    await fail('worse')
    await drain(background)
    expect(await background.slack.messages()).toHaveLength(2)
    expect((await background.slack.messages())[1]).toMatch(/^🚨 CRITICAL\n[\s\S]*\norders \(critical\)\n/)
    expect((await notifications(`?channel_id=${critical.id}`)).map(({ event }) => event)).toEqual(['opened'])
    advanceClock(1)
    await fail('still')
    await drain(background)
    expect(await background.slack.posts()).toBe(2)
  })

  it('includes a rise to critical, also of what somebody has', async () => {
    const calm = await makeChannel('slack', { min_severity: 'critical' })
    await fail()
    await drain(background)
    await post('/incident/1/acknowledge')
    await api('PATCH', '/pipeline', { id: pipeline_id, severity: 'critical' })
    await fail()
    await drain(background)
    expect(await calm.posts()).toBe(1)
    expect(await background.slack.posts()).toBe(2)
  })

  it('includes all incidents of a sweep, also one whose finding was logged before', async () => {
    const daily = { freshness_number: 1, freshness_datepart: 'hour' }
    const [known, fresh] = [await makePipeline({ name: 'known', ...daily }), await makePipeline({ name: 'fresh', ...daily })]
    const check = async () => {
      await post('/freshness')
      await drain(background)
    }
    await recordRun(background, known, 130, 120, { inserts: 5 })
    await check()
    await api('PATCH', '/pipeline', { id: known, mute_freshness_check: true })
    advanceClock(3_600)
    await api('PATCH', '/pipeline', { id: known, mute_freshness_check: false })
    await recordRun(background, fresh, 130, 120, { inserts: 5 })
    await check()
    const last = (await background.slack.messages()).at(-1)
    for (const name of ['known (ID', 'fresh (ID']) expect(last).toContain(name)
  })

  it('does not include the end, if it does not want to hear of it', async () => {
    const channel = await makeChannel('slack', { send_resolved: false })
    await fail()
    await drain(background)
    await succeed()
    await drain(background)
    expect(await channel.posts()).toBe(1)
  })

  it('begins with the next event, for a channel that is made while an incident is open', async () => {
    await fail()
    await drain(background)
    const channel = await makeChannel('slack')
    await fail()
    await succeed()
    await drain(background)
    expect(await channel.posts()).toBe(0)
  })

  it('of a sweep is one message for people, with the original text first, and one for each incident for pagers', async () => {
    const [slack, pager, filtered] = [
      background.slack,
      await makeChannel('pagerduty'),
      await makeChannel('slack', { owners: ['team-web'] }),
    ]
    await api('PATCH', '/pipeline_type', { id: 1, timeliness_number: 10, timeliness_datepart: 'minute' })
    const web = await makePipeline({ name: 'web', owner: 'team-web' })
    const runs = [
      await recordRun(background, pipeline_id, 60, null),
      await recordRun(background, web, 45, null),
      await recordRun(background, web, 30, null),
    ]
    await background.post('/timeliness')
    await drain(background)
    const line = (run: number | undefined, pipeline: number, seconds: number) =>
      `  • Pipeline Execution ID: ${run} (Pipeline ID: ${pipeline}): ${seconds} seconds (running), Expected within 10 minutes (parent config)`
    const [message] = await slack.messages()
    expect(message?.split('\n\norders\n')[0]).toBe(`⚠️ WARNING
Timestamp: 2026-03-10 12:00:00 UTC
Message: Pipeline Execution Timeliness Check Failed - 3 execution(s) overdue

Details:
• Failed Executions:
${line(runs[0], pipeline_id, 3600)}
${line(runs[1], web, 2700)}
${line(runs[2], web, 1800)}`)
    expect(message).toContain(
      '\norders\nHas been running for 1 h; 10 min are expected\nOwner: team-finance\nOver by: 50 min\nLast good run: none\n',
    )
    expect((await bodies(pager)).map(({ payload }) => payload.component).sort()).toEqual(['orders', 'web'])
    const [other] = await filtered.messages()
    expect(other).toContain('Message: Pipeline Execution Timeliness Check Failed - 1 execution(s) overdue')
    expect(other).not.toContain('orders')

    advanceClock(900)
    await recordRun(background, web, 20, null)
    await background.post('/timeliness')
    await drain(background)
    expect(await slack.posts()).toBe(1) // a further late run of an open incident is counted, not told
    expect((await api('GET', `/incident?pipeline_id=${web}`)).body).toMatchObject([{ occurrences: 3 }])
  })
})

describe('the order', () => {
  it('is kept: "resolved" waits for "opened", and is dropped if "opened" failed for good', async () => {
    noSlack()
    const channel = await makeChannel('slack')
    await channel.answers({ status: 500 }, { status: 500 })
    await fail()
    await drain(background)
    await succeed()
    await drain(background)
    expect((await notifications()).map(({ event, state }) => [event, state])).toEqual([
      ['resolved', 'waiting'],
      ['opened', 'sending'],
    ])
    advanceClock(15)
    await drain(background)
    expect(await channel.posts()).toBe(2)
    advanceClock(120)
    await drain(background)
    advanceClock(120)
    await drain(background)
    expect((await channel.messages()).map((message) => message.split('\n')[0])).toEqual(['⚠️ WARNING', '✅ RESOLVED'])

    await channel.answers({ status: 500 }, { status: 404 })
    advanceClock(3_600)
    await fail()
    await drain(background)
    await succeed()
    await drain(background)
    advanceClock(120)
    await drain(background)
    advanceClock(120)
    await drain(background)
    expect((await notifications()).slice(0, 2).map(({ event, state, error }) => [event, state, error])).toEqual([
      ['resolved', 'dropped', null],
      ['opened', 'failed', 'Slack answered 404 (ok): check the settings of the channel "slack 0", then send it again'],
    ])
    expect(await channel.posts()).toBe(6)
  })

  it('what is over before it was begun is not told, and the pair is marked', async () => {
    await fail()
    const [notify] = background.queue.take()
    await succeed()
    background.queue.sent.push(notify as NonNullable<typeof notify>) // the messages arrive in the wrong order
    background.queue.sent.reverse()
    await drain(background)
    expect(await background.slack.posts()).toBe(0)

    advanceClock(3_600)
    await fail()
    const ids = (await jobsOf('notify')).map(({ id }) => id)
    await deliverAll(ids.at(-1) as number)
    const held = background.queue.take() // the message to Slack is on its way
    await succeed()
    await drain(background)
    background.queue.sent.push(...held)
    await drain(background)
    expect(await background.slack.posts()).toBe(0)
    expect((await notifications()).map(({ event, state }) => [event, state])).toEqual([['opened', 'dropped']])
    expect((await jobsOf('send_alert')).map(({ state }) => state)).toEqual(['succeeded'])
  })

  const deliverAll = async (id: number) => {
    const { deliverJob } = await import('../support/background.ts')
    background.queue.take()
    await deliverJob(background, id)
  }

  it('a channel that failed for good holds up no other, and its notification can be replayed', async () => {
    const broken = await makeChannel('slack')
    await broken.answers({ status: 410, body: 'gone' })
    await fail()
    await drain(background)
    expect(await background.slack.posts()).toBe(1)
    const [failed] = await notifications('?state=failed')
    expect(failed).toMatchObject({ channel_id: broken.id, state: 'failed', attempts: 1, error: expect.stringContaining('410 (gone)') })
    expectError(await post('/notification/99/replay'), 404, 'notification_not_found')
    expect((await post(`/notification/${failed?.id}/replay`)).status).toBe(204)
    await drain(background)
    expect(await notifications(`?channel_id=${broken.id}`)).toMatchObject([{ state: 'sent' }])
    expectError(await post(`/notification/${failed?.id}/replay`), 409, 'notification_not_failed')
  })

  it('the beginning of what is over is not replayed', async () => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    await pager.answers({ status: 400 })
    await fail()
    await drain(background)
    await succeed()
    await drain(background)
    const [opened] = (await notifications()).filter(({ event }) => event === 'opened')
    expectError(await post(`/notification/${opened?.id}/replay`), 409, 'notification_not_failed')
    expect((await post('/replay_job', { id: opened?.job_id })).status).toBeLessThan(300)
    await drain(background)
    expect(await pager.posts()).toBe(1) // the refused one
  })

  it('a deleted channel hears nothing more; what was on its way is dropped', async () => {
    const channel = await makeChannel('slack')
    await fail()
    await deliverAll((await jobsOf('notify'))[0]?.id as number)
    expect((await api('DELETE', `/channel/${channel.id}`)).status).toBe(204)
    await drain(background)
    expect(await channel.posts()).toBe(0)
    expect(await notifications(`?channel_id=${channel.id}`)).toMatchObject([{ state: 'dropped', channel_name: 'slack 0' }])
    expectError(await api('DELETE', `/channel/${channel.id}`), 404, 'channel_not_found')
  })

  it('incidents that many transactions open and close at once leave each channel with the truth', async () => {
    const pager = await makeChannel('pagerduty')
    const others = await Promise.all(Array.from({ length: 6 }, () => makePipeline()))
    await Promise.all(others.map((other) => fail('x', other)))
    await Promise.all([drain(background), ...others.slice(0, 3).map((other) => succeed(other))])
    for (let turn = 0; turn < 6; turn += 1) {
      advanceClock(60)
      await drain(background)
    }
    const open = new Set<string>()
    for (const { dedup_key, event_action } of await bodies(pager)) {
      if (event_action === 'trigger') open.add(dedup_key)
      else open.delete(dedup_key)
    }
    const wrong = (await api('GET', '/incident?state=open')).body.map(
      ({ id }: { id: number }) => `watcher-watcher.example.com-incident-${id}`,
    )
    expect([...open].sort()).toEqual(wrong.sort())
    expect(await countOf(`job where state not in ('succeeded')`)).toBe(0)
  })
})

describe('the settings of a channel', () => {
  const create = (kind: string, settings: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    post('/channel', { name: 'a', kind, settings, ...more })

  it('are answered without secrets and stored encrypted; a patch replaces them', async () => {
    const { body } = await create(
      'webhook',
      { url: 'https://example.com/hook', secret: SECRET },
      { owners: ['team-finance'], repeat_minutes: 60 },
    )
    expect(body).toMatchObject({
      id: 1,
      name: 'a',
      kind: 'webhook',
      settings: { url: 'https://example.com/hook', secret: `…${SECRET.slice(-4)}` },
      owners: ['team-finance'],
      kinds: null,
      send_resolved: true,
      active: true,
      repeat_minutes: 60,
      created_at: '2026-03-10T12:00:00.000000Z',
    })
    const [row] = await sql('select settings::text, secrets, secrets_id from channel')
    expect(JSON.stringify(row)).not.toContain(SECRET.slice(6, 20))
    expect(JSON.stringify((await api('GET', '/channel')).body)).not.toContain('secrets')
    expect((await api('GET', '/channel/1')).body).toEqual(body)

    const patched = await api('PATCH', '/channel', {
      id: 1,
      kind: 'webhook',
      settings: { url: 'https://example.com/other', secret: SECRET },
      owners: null,
    })
    expect(patched.body).toMatchObject({ settings: { url: 'https://example.com/other' }, owners: null, repeat_minutes: 60 })
    const [again] = await sql('select secrets, secrets_id from channel')
    expect(again?.secrets).not.toBe(row?.secrets)
    expect(again?.secrets_id).not.toBe(row?.secrets_id)
    expectError(
      await api('PATCH', '/channel', { id: 1, kind: 'slack', settings: { webhook_url: 'https://example.com/x' } }),
      409,
      'channel_of_other_kind',
    )
    expect((await api('GET', '/channel/1')).body).toEqual(patched.body)
    expectError(await api('PATCH', '/channel', { id: 1, settings: {} }), 422, 'validation_failed', ['body', 'kind'])
    expectError(await api('PATCH', '/channel', { id: 9, active: false }), 404, 'channel_not_found')
    expectError(await create('discord', { webhook_url: 'https://example.com/x' }, { name: 'A' }), 409, 'name_taken')
  })

  it('are refused if they are incomplete, unknown or out of range', async () => {
    const faults: [string, Record<string, unknown>, string[]][] = [
      ['slack', {}, ['body', 'settings', 'webhook_url']],
      ['slack', { webhook_url: 'https://example.com/x', colour: 'red' }, ['body', 'settings', 'colour']],
      ['webhook', { url: 'https://example.com/x', secret: 'whsec_short' }, ['body', 'settings', 'secret']],
      ['webhook', { url: 'https://example.com/x', secret: 'whsec_%%' }, ['body', 'settings', 'secret']],
      ['pagerduty', { routing_key: 'x' }, ['body', 'settings', 'routing_key']],
      ['pigeon', { coop: 'north' }, ['body', 'kind']],
    ]
    for (const [kind, settings, loc] of faults) expectError(await create(kind, settings), 422, 'validation_failed', loc)
    const good = { webhook_url: 'https://example.com/x' }
    for (const more of [
      { repeat_minutes: 14 },
      { kinds: ['odd'] },
      { kinds: [] },
      { owners: [''] },
      { tags: ['x'.repeat(51)] },
      { min_severity: 'loud' },
    ]) {
      expectError(await create('slack', good, more), 422, 'validation_failed')
    }
    expect(await countOf('channel')).toBe(0)
  })

  it('need a key, and are read with the next one after a rotation', async () => {
    const channel = await makeChannel('slack')
    const use = (key: string | undefined) => Object.assign(background.settings, { WATCHER_ENCRYPTION_KEY: key })
    const other = btoa('o'.repeat(32))
    use(`${other},${KEY}`)
    expect((await post(`/channel/${channel.id}/test`)).body.delivered).toBe(true)
    use(other)
    expect((await post(`/channel/${channel.id}/test`)).body).toEqual({
      delivered: false,
      answer: expect.stringContaining('none of the keys in WATCHER_ENCRYPTION_KEY'),
    })
    use(undefined)
    const { body } = await create('slack', { webhook_url: 'https://example.com/x' })
    expect(body.message).toBe(
      'settings.webhook_url: This deployment cannot store secrets: set WATCHER_ENCRYPTION_KEY to 32 bytes in base64 (openssl rand -base64 32)',
    )
    for (const key of ['short', btoa('x'.repeat(31)), `${KEY},`]) {
      use(key)
      expectError(await api('GET', '/channel'), 503, 'misconfigured')
    }
  })

  it('cannot be moved to another row', async () => {
    const [one, two] = [await makeChannel('slack'), await makeChannel('slack')]
    await sql('update channel set secrets = (select secrets from channel where id = $1) where id = $2', [one.id, two.id])
    expect((await post(`/channel/${two.id}/test`)).body.delivered).toBe(false)
    expect(await one.posts()).toBe(0)
  })

  it('must not lead into a private network, in any notation', async () => {
    Object.assign(background.settings, { WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'false' })
    const isTaken = async (webhook_url: string) => (await create('slack', { webhook_url }, { name: crypto.randomUUID() })).status === 201
    const refused = [
      'http://example.com/x',
      'ftp://example.com/x',
      'https://user:secret@example.com/x',
      'https://localhost/x',
      'https://db.internal/x',
      'https://printer.local./x',
      'https://a.localhost/x',
      'https://intranet/x',
      'https://127.0.0.1/x',
      'https://2130706433/x',
      'https://0x7f.1/x',
      'https://0177.0.0.1/x',
      'https://10.1.2.3/x',
      'https://172.16.0.1/x',
      'https://192.168.1.1/x',
      'https://100.64.0.1/x',
      'https://169.254.169.254/latest/meta-data',
      'https://0.0.0.0/x',
      'https://[::1]/x',
      'https://[::]/x',
      'https://[fe80::1]/x',
      'https://[fd00::1]/x',
      'https://[::ffff:127.0.0.1]/x',
      'https://[::ffff:8.8.8.8]/x',
      'https://[64:ff9b::7f00:1]/x',
      'https://[2002:7f00:1::]/x',
      'http://127.0.0.1:9000/x',
      'not a url',
    ]
    for (const url of refused) expect([url, await isTaken(url)]).toEqual([url, false])
    for (const url of [
      'https://hooks.slack.com/services/T/B/x',
      'https://8.8.8.8/x',
      'https://[2606:4700::1111]/x',
      'https://internal.example.com/x',
    ])
      expect([url, await isTaken(url)]).toEqual([url, true])
    Object.assign(background.settings, { ENV_STATE: 'dev' })
    expect([
      await isTaken('http://127.0.0.1:9000/x'),
      await isTaken('http://localhost:9000'),
      await isTaken('http://127.0.0.1/x'),
      await isTaken('http://2130706433:9000/x'),
    ]).toEqual([true, true, false, false])
  })

  it('are checked again when something is sent, and no redirect is followed', async () => {
    const channel = await makeChannel('slack')
    await channel.answers({ status: 302, headers: { location: background.slack.url } })
    expect((await post(`/channel/${channel.id}/test`)).body).toEqual({ delivered: false, answer: expect.stringContaining('answered 302') })
    expect(await background.slack.posts()).toBe(0)
    Object.assign(background.settings, { WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'false' })
    expect((await post(`/channel/${channel.id}/test`)).body).toEqual({
      delivered: false,
      answer: expect.stringContaining('its URL is refused'),
    })
  })
})

describe('the pages', () => {
  const page = async (path: string) => (await call('GET', path, undefined, { accept: 'text/html' }, background.settings)).body as string

  it('say that alerts go nowhere but the log, and that a channel is failing', async () => {
    noSlack()
    for (const path of ['/overview', '/channels']) expect(await page(path)).toContain('Alerts go nowhere but the log')
    expect(await page('/diagnostics')).toContain('go nowhere but the log')
    const channel = await makeChannel('discord')
    for (const path of ['/overview', '/channels']) expect(await page(path)).not.toContain('Alerts go nowhere but the log')
    await channel.answers(...Array.from({ length: 5 }, () => ({ status: 404 })))
    for (let index = 0; index < 5; index += 1) {
      expect(await page('/overview')).not.toContain('channel fails')
      await fail('x', await makePipeline())
      await drain(background)
    }
    expect(await page('/overview')).toContain('1 channel fails')
    expect(await page('/channels')).toContain('failing: the last five deliveries failed')
  })
})

describe('e-mail', () => {
  const binding = (env as unknown as { EMAIL: { send: (mail: Mail) => Promise<unknown> } }).EMAIL
  const create = (settings: unknown = { to: ['on-call@example.com', 'lead@example.com'] }) =>
    post('/channel', { name: 'mail', kind: 'email', settings })
  /** Passes mails on to the platform's binding, which checks them, and keeps them. */
  const openMail = (): Mail[] => {
    const sent: Mail[] = []
    const EMAIL = {
      send: async (mail: Mail) => {
        const answer = await binding.send(mail)
        sent.push(mail)
        return answer
      },
    }
    Object.assign(background.settings, { EMAIL, WATCHER_EMAIL_FROM: 'watcher@example.com' })
    return sent
  }

  it('goes out as text and as HTML, with the same words as for Slack', async () => {
    noSlack()
    const sent = openMail()
    const { status, body } = await create()
    expect([status, body.settings]).toEqual([201, { to: ['on-call@example.com', 'lead@example.com'] }])
    expect((await post(`/channel/${body.id}/test`)).body).toEqual({ delivered: true, answer: 'taken for 2 addresses' })
    await fail('<script>disk & net</script>')
    await drain(background)
    await succeed()
    await drain(background)
    const [, opened, resolved] = sent
    expect(opened).toMatchObject({
      from: 'watcher@example.com',
      to: ['on-call@example.com', 'lead@example.com'],
      subject: '⚠️ WARNING: Pipeline Execution Failed - 1 pipeline(s)',
    })
    expect(opened?.text).toContain('Owner: team-finance\n')
    expect(opened?.html).toContain('&lt;script&gt;disk &amp; net&lt;/script&gt;')
    expect(opened?.html).toContain('<a href="https://watcher.example.com/incidents/1">')
    expect(resolved?.subject).toBe('✅ RESOLVED: 1 incident(s) resolved')
    expect(await notifications('?state=sent')).toHaveLength(2)
  })

  it('needs the binding, a sender and 1 to 50 addresses', async () => {
    const detail = async (settings?: unknown) => {
      const { status, body } = await create(settings)
      return [status, JSON.stringify(body.detail ?? body)]
    }
    Object.assign(background.settings, { EMAIL: undefined })
    expect(await detail()).toEqual([422, expect.stringContaining('[[send_email]]')])
    Object.assign(background.settings, { EMAIL: binding })
    expect(await detail()).toEqual([422, expect.stringContaining('WATCHER_EMAIL_FROM')])
    openMail()
    expect(await detail({ to: [] })).toEqual([422, expect.stringContaining('at least one address')])
    expect(await detail({ to: ['nobody'] })).toEqual([422, expect.stringContaining('Must be an e-mail address')])
    expect(await detail({ to: Array(51).fill('a@example.com') })).toEqual([422, expect.stringContaining('at most 50')])
    expect(await countOf('channel')).toBe(0)
  })

  it.each([
    [{ code: 'E_SENDER_NOT_VERIFIED' }, { state: 'failed', attempts: 1 }],
    [{ code: 'E_RATE_LIMIT_EXCEEDED' }, { state: 'waiting', attempts: 0 }],
    [{ code: 'E_INTERNAL_SERVER_ERROR' }, { state: 'waiting', attempts: 1, interrupted: false }],
    [{}, { state: 'waiting', attempts: 1, interrupted: true }],
  ])('that is refused with %j is handled as such', async (error, job) => {
    noSlack()
    openMail()
    await create()
    const EMAIL = { send: async () => Promise.reject(Object.assign(new Error('no'), error)) }
    Object.assign(background.settings, { EMAIL })
    await fail()
    await drain(background)
    expect((await jobsOf('send_alert'))[0]).toMatchObject(job)
  })
})

describe('many incidents of one sweep', () => {
  it('are one event for PagerDuty, which ends with the last of them; 20 are one each', async () => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    const failMany = async (count: number) => {
      const pipelines = await Promise.all(
        Array.from({ length: count }, () => makePipeline({ timeliness_number: 1, timeliness_datepart: 'minute' })),
      )
      for (const pipeline of pipelines) await startRun({ pipeline_id: pipeline, start_date: new Date(Date.now() - 300_000).toISOString() })
      await post('/timeliness')
      await drain(background)
      return pipelines
    }
    await failMany(20)
    expect(new Set((await bodies(pager)).map(({ dedup_key }) => dedup_key)).size).toBe(20)
    const pipelines = await failMany(21)
    const swept = (await bodies(pager)).slice(20)
    expect(swept).toHaveLength(1)
    const [sweep] = swept
    expect(sweep).toMatchObject({ event_action: 'trigger', dedup_key: expect.stringMatching(/^watcher-watcher\.example\.com-sweep-\d+$/) })
    expect(sweep.payload.summary).toMatch(/^21 incidents at once: pipeline-/)
    const ids = ((await api('GET', '/incident?limit=21')).body as { id: number; pipeline_id: number }[]).filter(({ pipeline_id }) =>
      pipelines.includes(pipeline_id),
    )
    for (const { id } of ids.slice(1)) await post(`/incident/${id}/resolve`)
    await post(`/incident/${ids[0]?.id}/acknowledge`) // one of many: nobody has all of them
    await drain(background)
    expect(await pager.posts()).toBe(21)
    await post(`/incident/${ids[0]?.id}/resolve`)
    await drain(background)
    expect((await bodies(pager)).slice(21)).toMatchObject([{ event_action: 'resolve', dedup_key: sweep.dedup_key }])
    expect(await countOf(`notification where sweep_id is not null and event = 'opened'`)).toBe(21)
    // What opens again afterwards has an event of its own; its end too.
    await sql(`update incident set resolved_by = 'auto' where id = $1`, [ids[5]?.id])
    await startRun({ pipeline_id: ids[5]?.pipeline_id, start_date: new Date(Date.now() - 300_000).toISOString() })
    await post('/timeliness')
    await drain(background)
    expect((await bodies(pager)).slice(22)).toMatchObject([
      { event_action: 'trigger', dedup_key: `watcher-watcher.example.com-incident-${ids[5]?.id}` },
    ])
  })
})

describe('a pager', () => {
  it.each([
    ['an acknowledgement', async () => post('/incident/1/acknowledge')],
    [
      'a rise to critical',
      async () => {
        await api('PATCH', '/pipeline', { id: pipeline_id, severity: 'critical' })
        await fail()
      },
    ],
  ])('hears of the end, although %s failed for good', async (_what, change) => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    await fail()
    await drain(background)
    await pager.answers({ status: 400 })
    await change()
    await drain(background)
    await succeed()
    await drain(background)
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
  })

  it('hears that somebody has it, although that came before it was told', async () => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    await api('PATCH', '/pipeline', { id: pipeline_id, alert_delay_minutes: 10 })
    await fail()
    await drain(background)
    await post('/incident/1/acknowledge', { note: 'mine' })
    await drain(background)
    expect(await pager.posts()).toBe(0)
    advanceClock(601)
    await drain(background)
    advanceClock(60)
    await drain(background)
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge'])
  })

  it('hears of both in their order if the acknowledgement is handled first', async () => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    await fail()
    const opening = background.queue.take()
    await post('/incident/1/acknowledge')
    await drain(background)
    background.queue.sent.push(...opening)
    await drain(background)
    advanceClock(60)
    await drain(background)
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge'])
  })

  it('is not told of a sweep for ever because one of its incidents was over before it was told, and came again', async () => {
    noSlack()
    const pager = await makeChannel('pagerduty')
    const brief = { timeliness_number: 1, timeliness_datepart: 'minute' }
    const pipelines = await Promise.all(Array.from({ length: 21 }, () => makePipeline(brief)))
    const startLate = (pipeline: number) => startRun({ pipeline_id: pipeline, start_date: new Date(Date.now() - 300_000).toISOString() })
    for (const pipeline of pipelines) await startLate(pipeline)
    await pager.answers({ status: 500 })
    await post('/timeliness')
    await drain(background)
    const ids = ((await api('GET', '/incident?limit=21')).body as { id: number; pipeline_id: number }[]).map(({ id }) => id)
    await sql(`update notification set state = 'dropped' where incident_id = $1`, [ids[0]])
    advanceClock(60)
    await drain(background)
    for (const id of ids.slice(1)) {
      await post(`/incident/${id}/resolve`)
      await drain(background)
    }
    expect((await bodies(pager)).map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
  })
})

describe('an incident that comes and goes', () => {
  const change = async (how: () => Promise<unknown>, minutes = 2) => {
    advanceClock(minutes * 60)
    await how()
    await drain(background)
  }
  const told = async () =>
    (await background.slack.messages()).map((text) =>
      text.includes('RESOLVED') ? 'resolved' : text.includes('Open again') ? 'again' : 'opened',
    )

  it('is told twice that it opened again, and then after 15 minutes of quiet', async () => {
    await change(fail)
    for (let round = 1; round <= 3; round += 1) {
      await change(succeed)
      await change(fail)
    }
    await change(succeed)
    expect(await told()).toEqual(['opened', 'resolved', 'again', 'resolved', 'again'])
    expect((await background.slack.messages())[4]).toContain('Open again, 2 times so far')
    advanceClock(14 * 60)
    await drain(background)
    expect(await told()).toHaveLength(5)
    advanceClock(61)
    await drain(background)
    expect(await told()).toEqual(['opened', 'resolved', 'again', 'resolved', 'again', 'resolved'])
  })

  it('is told nothing more if it is open after the quiet: people know', async () => {
    await change(fail)
    for (let round = 1; round <= 3; round += 1) {
      await change(succeed)
      await change(fail)
    }
    advanceClock(16 * 60)
    await drain(background)
    expect(await told()).toEqual(['opened', 'resolved', 'again', 'resolved', 'again'])
    const [incident] = (await api('GET', '/incident?state=open')).body
    await post(`/incident/${incident.id}/resolve`) // a person's word is told at once
    await drain(background)
    expect((await told()).at(-1)).toBe('resolved')
  })
})

describe('what fails for good', () => {
  const tick = async () => {
    advanceClock(900)
    await fireCron(background, CRONS.quarterHourly)
    await drain(background)
  }
  const queueIncidents = async (state: string) =>
    ((await api('GET', `/incident?kind=queue&state=${state}`)).body as { subject: string; summary: string }[]).map(
      ({ subject, summary }) => [subject, summary],
    )

  it('is told once through the other channels, and so is its end', async () => {
    noSlack()
    const [broken, working] = [await makeChannel('discord'), await makeChannel('slack')]
    await broken.answers(...Array.from({ length: 6 }, () => ({ status: 404 })))
    for (let index = 0; index < 5; index += 1) {
      await fail('x', await makePipeline())
      await drain(background)
    }
    await tick() // the sixth message that fails is about the failed jobs
    await tick()
    const about = async (channel: Channel) =>
      (await channel.taken()).map(({ body }) => body).filter((body) => body.includes('last five deliveries failed'))
    expect(await about(working)).toHaveLength(1)
    expect(await about(broken)).toEqual([])
    expect(await queueIncidents('open')).toEqual([
      [`channel ${broken.id}`, 'discord 0: the last five deliveries failed; see /channels'],
      ['failed_jobs', '6 jobs failed for good in the last 24 hours (Send Alert 6): see /monitoring, and replay what matters'],
    ])
    await fail('y', await makePipeline()) // this one arrives
    await drain(background)
    await tick()
    expect(await queueIncidents('resolved')).toMatchObject([[`channel ${broken.id}`, expect.anything()]])
    advanceClock(24 * 3600)
    await tick()
    expect((await queueIncidents('open')).map(([subject]) => subject)).toEqual(['tick']) // nothing was checked for a day
  })

  it('stays resolved when a person has resolved it, until more fails', async () => {
    const failed = async () =>
      sql(`insert into job (kind, payload, state, finished_at) values ('clean_logs', '{}', 'failed', $1)`, [new Date().toISOString()])
    await failed()
    await tick()
    expect(await queueIncidents('open')).toHaveLength(1)
    await post('/incident/1/resolve')
    await tick()
    expect(await queueIncidents('open')).toEqual([])
    await failed()
    await tick()
    expect(await queueIncidents('open')).toHaveLength(1)
  })

  it('is over for a channel that is gone', async () => {
    noSlack()
    const broken = await makeChannel('discord')
    await makeChannel('slack')
    await broken.answers(...Array.from({ length: 6 }, () => ({ status: 404 })))
    for (let index = 0; index < 5; index += 1) {
      await fail('x', await makePipeline())
      await drain(background)
    }
    await tick()
    expect((await queueIncidents('open')).map(([subject]) => subject)).toContain(`channel ${broken.id}`)
    await api('DELETE', `/channel/${broken.id}`)
    await tick()
    expect((await queueIncidents('open')).map(([subject]) => subject)).not.toContain(`channel ${broken.id}`)
  })
})
