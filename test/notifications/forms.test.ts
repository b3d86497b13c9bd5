// biome-ignore-all lint/suspicious/noExplicitAny: each service has a form of its own
import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../src/notifications/channels/channel.ts'
import { channelOf } from '../../src/notifications/channels/index.ts'
import { fitText } from '../../src/notifications/fit.ts'
import { type Notification, type ToldIncident, toldRow } from '../../src/notifications/told.ts'

const MARK = '(sent again: whether the first message arrived is not known)'
const NOW = '2026-03-10T12:00:00.000000Z'

const incident = (fields: Partial<ToldIncident> = {}): ToldIncident => ({
  ...toldRow().parse({
    notification_id: 7,
    event: 'opened',
    at: NOW,
    id: 1,
    kind: 'failed',
    subject: '',
    severity: 'warning',
    state: 'open',
    pipeline_id: 3,
    pipeline_name: 'orders',
    owner: null,
    runbook_url: null,
    opened_at: NOW,
    detected_at: NOW,
    acknowledged_at: null,
    acknowledged_by: null,
    resolved_at: null,
    resolved_by: null,
    occurrences: 1,
    last_occurrence_at: NOW,
    first_execution_id: 1,
    last_execution_id: 1,
    last_success_at: null,
    details: {},
    caused_by: null,
    cause: null,
    reopenings: 0,
    effects: 2,
    caused: [],
    downstream: 0,
  }),
  summary: 'Run 1 failed: disk full',
  url: undefined,
  ...fields,
})

const SETTINGS: Record<string, Record<string, unknown>> = {
  webhook: { url: 'https://example.com/x', secret: `whsec_${btoa('s'.repeat(32))}` },
  pagerduty: { url: 'https://example.com/x', routing_key: 'R'.repeat(32) },
  alertmanager: { url: 'https://example.com' },
}

/** What a channel of this kind posts for the notification. */
const sent = async (kind: string, fields: Partial<Notification>): Promise<{ body: any; headers: Record<string, string> }> => {
  let posted: { body: any; headers: Record<string, string> } | undefined
  const notification: Notification = {
    event: 'opened',
    text: '⚠️ WARNING\nsomething',
    isRepeated: false,
    incidents: [incident()],
    sweep: undefined,
    now: NOW,
    host: 'watcher.example.com',
    url: undefined,
    ...fields,
  }
  const post = async (_url: string, body: unknown, headers = {}) => {
    posted = { body: typeof body === 'string' ? JSON.parse(body) : body, headers }
    return 'taken'
  }
  await channelOf(kind)?.send(notification, SETTINGS[kind] ?? { webhook_url: 'https://example.com/x' }, {
    ...({} as Deployment),
    post,
  })
  return posted as NonNullable<typeof posted>
}

/** The text that people see, and how large the service takes the message to be. */
const shownBy: Record<string, (body: any) => { text: string; size: number; max: number }> = {
  slack: ({ text }) => ({ text, size: text.length, max: 39_000 }),
  discord: ({ embeds: [{ title, description }] }) => ({ text: `${title}\n${description}`, size: description.length, max: 4_096 }),
  teams: (body) => ({
    text: body.attachments[0].content.body.map(({ inlines }: any) => inlines[0].text).join('\n'),
    size: new TextEncoder().encode(JSON.stringify(body)).length,
    max: 28_000,
  }),
}

describe('a message that is too long', () => {
  const lines = (count: number, what: string) => ['⚠️ WARNING', ...Array.from({ length: count }, (_, index) => `${what} ${index}`)]

  it.each(Object.keys(shownBy))('for %s is cut between two lines, says how many are missing, and keeps its mark', async (kind) => {
    // Short lines, lines of many bytes, and lines that are escaped.
    for (const what of ['ok', '管道失败'.repeat(9), '<a_b> *&*'.repeat(4)]) {
      const all = lines(9_000, what)
      const { body } = await sent(kind, { text: [...all, MARK].join('\n'), isRepeated: true })
      const { text, size, max } = (shownBy[kind] as (typeof shownBy)[string])(body)
      expect(size).toBeLessThanOrEqual(max)
      expect(size).toBeGreaterThan(max * 0.9)
      const shown = text.split('\n')
      expect(shown.at(-1)?.replaceAll('\\', '')).toBe(MARK)
      const kept = shown.length - 2
      expect(shown.at(-2)).toBe(`… cut: ${all.length - kept} more lines`)
      const last = shown.at(-3)?.replaceAll('\\', '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
      expect(last).toBe(all[kept - 1])
    }
  })

  it.each(Object.keys(shownBy))('for %s is whole as long as it fits', async (kind) => {
    const text = [...lines(40, 'ok'), MARK].join('\n')
    const { body } = await sent(kind, { text, isRepeated: true })
    expect((shownBy[kind] as (typeof shownBy)[string])(body).text.replaceAll('\\', '')).toBe(text)
  })

  it('is cut within its first line only if that is too long by itself', () => {
    const within = (max: number) => (text: string) => text.length <= max
    expect(fitText({ text: `one\n${'x'.repeat(50)}\ntwo`, isRepeated: false }, within(30))).toBe('one\n… cut: 2 more lines')
    expect(fitText({ text: `${'x'.repeat(50)}\ntwo`, isRepeated: false }, within(30))).toBe(`${'x'.repeat(11)}\n… cut: 1 more line`)
    expect(fitText({ text: '😀'.repeat(50), isRepeated: false }, within(11))).toBe('😀😀\n… cut')
  })
})

describe('an alert of Alertmanager', () => {
  const alerts = async (fields: Partial<ToldIncident>) =>
    (await sent('alertmanager', { incidents: [incident(fields)] })).body.map(({ labels: { severity }, endsAt }: any) => [
      severity,
      endsAt === NOW ? 'ends' : 'goes on',
    ])

  it('that has become critical ends the warning with any later event, also if nobody heard that it became critical', async () => {
    const critical = { severity: 'critical' } as const
    expect(await alerts({ ...critical, event: 'opened' })).toEqual([['critical', 'goes on']])
    for (const event of ['raised', 'acknowledged', 'reopened'] as const) {
      expect(await alerts({ ...critical, event })).toEqual([
        ['critical', 'goes on'],
        ['warning', 'ends'],
      ])
    }
    expect(await alerts({ ...critical, event: 'resolved', resolved_at: NOW })).toEqual([
      ['critical', 'ends'],
      ['warning', 'ends'],
    ])
    expect(await alerts({ ...critical, event: 'reminded' })).toEqual([['critical', 'goes on']])
    expect(await alerts({ event: 'resolved', resolved_at: NOW })).toEqual([['warning', 'ends']])
  })
})

describe('an incident that another one causes', () => {
  const caused = incident({ caused_by: 12, cause: { kind: 'failed', pipeline_name: 'raw\norders' } })

  it('names it to programs', async () => {
    const name = 'raw orders (failed), incident 12'
    const [alert] = (await sent('alertmanager', { incidents: [caused] })).body
    expect(alert.annotations.caused_by).toBe(name)
    expect((await sent('pagerduty', { incidents: [caused] })).body.payload.custom_details.caused_by).toBe(name)
    const { body } = await sent('pagerduty', { incidents: [caused, incident()], sweep: 5 })
    expect(body.payload.custom_details.incidents).toEqual([
      `orders: Run 1 failed: disk full (caused by ${name})`,
      'orders: Run 1 failed: disk full',
    ])
    expect((await sent('webhook', { incidents: [caused] })).body.data).toMatchObject({ caused_by: 12 })
  })

  it('and one without a cause names none', async () => {
    expect((await sent('alertmanager', {})).body[0].annotations).not.toHaveProperty('caused_by')
    expect((await sent('pagerduty', {})).body.payload.custom_details).not.toHaveProperty('caused_by')
  })
})

describe('a post to Discord', () => {
  it('escapes Markdown, but not in a URL: a backslash would be part of the link', async () => {
    const url = 'https://wiki.example.com/run_books/a*b~c?x=_y_#z'
    const { body } = await sent('discord', {
      text: `⚠️ WARNING\nRunbook: ${url}\n__init__ [a](https://evil.example.com) **b** https://x.io/[_c_](d)`,
    })
    expect(body.embeds[0].description.split('\n')).toEqual([
      `Runbook: ${url}`,
      '\\_\\_init\\_\\_ \\[a\\](https://evil.example.com) \\*\\*b\\*\\* https://x.io/\\[\\_c\\_\\](d)',
    ])
  })
})

describe('the body of a webhook', () => {
  it('says when it happened, also if it is sent later; the header says when it was sent', async () => {
    const later = '2026-03-10T15:00:00.000000Z'
    const { body, headers } = await sent('webhook', { now: later })
    expect([body.timestamp, headers['webhook-timestamp']]).toEqual([NOW, String(Date.parse(later) / 1000)])
    expect((await sent('webhook', { event: 'test', incidents: [], now: later })).body.timestamp).toBe(later)
  })

  it('counts what an incident causes under another name than the list that the API answers', async () => {
    const { data } = (await sent('webhook', {})).body
    expect(data.open_effects).toBe(2)
    expect(data).not.toHaveProperty('effects')
  })
})
