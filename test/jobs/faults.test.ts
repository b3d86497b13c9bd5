// biome-ignore-all lint/suspicious/noExplicitAny: each service has a form of its own
import { env } from 'cloudflare:workers'
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Mail } from '../../src/core/outbound.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { countOf, sql } from '../support/api.ts'
import { advanceClock, type Background, deliver, fireCron, openBackground, openChannel, setClock } from '../support/background.ts'

/**
 * Background work is a sequence of calls to other services: round trips to the database, posts to Slack, sends to the queue.
 * This test calls them steps. It plays each scenario once to count the steps, and then once for each step and each failure.
 * A worker that dies goes no further: the promise it waits for never settles, and none of its own handlers run.
 */
type Failure =
  /** The worker is stopped, before or after the step. */
  | 'dies before'
  | 'dies after'
  /** The step fails, or it happens but its answer is lost. The worker lives. */
  | 'refused'
  | 'answer lost'
  /** The step and the next ones fail, except sends to the queue. */
  | 'outage'

const FAILURES: Failure[] = ['dies before', 'dies after', 'refused', 'answer lost', 'outage']
const OUTAGE_STEPS = 6

interface Fault {
  step: number
  failure: Failure
}

const tally = { faults: 0, jobs: 0, findings: 0, alerts: 0, repeated_and_marked: 0, lost: 0, doubled: 0 }

let background: Background
let fault: Fault | undefined
let steps = 0
/** What each step was: `database`, `queue`, or a message to a channel. */
let taken: string[] = []

/** One run of the worker, from its entry to its end or its death. Everything that it began ends with it. */
interface Invocation {
  isDead: boolean
  die: () => void
}
const invocations = new AsyncLocalStorage<Invocation>()

/** How long a dead worker's last call may still take: what it sent still arrives. */
const IN_FLIGHT_MILLIS = 20

const never = () => new Promise<never>(() => {})

/** Takes one step; the fault may make it fail. */
const step = async <Result>(kind: string, take: () => Promise<Result>): Promise<Result> => {
  const invocation = invocations.getStore()
  if (!invocation) return take()
  if (invocation.isDead) return never()
  const here = steps
  steps += 1
  taken.push(kind)
  if (!fault || here < fault.step || (fault.failure !== 'outage' && here > fault.step)) return take()
  if (fault.failure === 'outage') {
    if (here >= fault.step + OUTAGE_STEPS || kind === 'queue') return take()
    throw new TypeError('Network connection lost')
  }
  if (fault.failure === 'refused') throw new TypeError('Network connection lost')
  if (fault.failure === 'dies before') {
    invocation.die()
    return never()
  }
  await take()
  if (fault.failure === 'answer lost') throw new TypeError('Network connection lost')
  invocation.die()
  return never()
}

/** Runs one invocation of the worker until it ends or dies. */
const invoke = (work: () => Promise<unknown>): Promise<'done' | 'failed' | 'died'> =>
  new Promise((resolve) => {
    const invocation: Invocation = {
      isDead: false,
      die: () => {
        invocation.isDead = true
        setTimeout(() => resolve('died'), IN_FLIGHT_MILLIS)
      },
    }
    invocations.run(invocation, work).then(
      () => resolve('done'),
      () => resolve('failed'),
    )
  })

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {})
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(() => {
  console.log(`Fault injection: ${JSON.stringify(tally)}`)
})

const BEGIN = '2025-06-15T12:14:00.000Z'

interface Scenario {
  name: string
  /** Writes the rows that exist at the beginning. */
  prepare: () => Promise<void>
  /** The request or cron that begins the scenario. It is repeated until it is answered, as clients do. */
  begin: () => Promise<'done' | 'failed' | 'died'>
  /** Counts the findings; at the end there must be exactly `expected`. */
  findings: () => Promise<number>
  expected: { findings: number; alerts: number }
  /** Other conditions at the end. */
  verify?: () => Promise<void>
}

const openWorld = async (): Promise<void> => {
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
  setClock(BEGIN)
  background = openBackground()
  const { queue } = background
  const send = queue.sendBatch.bind(queue)
  queue.sendBatch = (messages) => step('queue', () => send(messages))
  steps = 0
  taken = []
}

/** Delivers due messages one by one. A message whose worker died or failed is delivered again. */
const deliverDue = async (copies: number): Promise<void> => {
  for (const message of background.queue.take()) {
    for (let copy = 0; copy < copies; copy += 1) {
      const outcome = await invoke(() => deliver(background, [message], message.deliveries >= 20 ? 'watcher-dead-jobs' : 'watcher-jobs'))
      if (outcome !== 'done') background.queue.sent.push({ ...message, dueMillis: Date.now() + 15_000, deliveries: message.deliveries + 1 })
    }
  }
}

/** Advances the clock to the next message or cron tick, again and again, until nothing is left to do. */
const settle = async (copies: number): Promise<void> => {
  let quietTicks = 0
  for (let round = 0; round < 400; round += 1) {
    await deliverDue(copies)
    const tick = Math.ceil((Date.now() + 1) / 900_000) * 900_000
    const next = Math.min(tick, ...background.queue.sent.map(({ dueMillis }) => dueMillis))
    setClock(new Date(Math.max(next, Date.now())))
    if (next < tick) continue
    const unfinished = await countOf("job where state in ('waiting', 'running')")
    quietTicks = unfinished === 0 && background.queue.sent.length === 0 ? quietTicks + 1 : 0
    if (quietTicks > 1) return
    await invoke(() => fireCron(background, CRONS.quarterHourly, new Date(tick)))
    if (tick % 3_600_000 === 0) await invoke(() => fireCron(background, CRONS.hourly, new Date(tick)))
  }
  throw new Error('the jobs do not come to an end')
}

/** While it runs, calls of the worker to other services are steps. */
const withSteps = async (met: Fault | undefined, work: () => Promise<void>): Promise<void> => {
  fault = met
  const real = globalThis.fetch
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const url = String(input instanceof Request ? input.url : input)
    return step(url === env.NEON_FETCH_ENDPOINT ? 'database' : 'message', () => real(input, init))
  })
  await work()
  spy.mockRestore()
}

const play = async (scenario: Scenario, met: Fault | undefined, copies = 1): Promise<void> => {
  fault = undefined
  await openWorld()
  await scenario.prepare()
  await withSteps(met, async () => {
    for (let tries = 0; tries < 10 && (await scenario.begin()) !== 'done'; tries += 1) advanceClock(2)
    await settle(copies)
  })

  const messages = await background.slack.messages()
  const unmarked = messages.filter((text) => !text.includes('sent again: whether the first message arrived is not known'))
  const marked = messages.length - unmarked.length
  const arrived = unmarked.length > 0 ? unmarked.length : Math.min(marked, scenario.expected.alerts)
  const findings = await scenario.findings()
  tally.faults += met ? 1 : 0
  tally.jobs += await countOf('job')
  tally.findings += findings
  tally.alerts += arrived
  tally.repeated_and_marked += messages.length - arrived
  tally.lost += Math.max(0, scenario.expected.findings - findings) + Math.max(0, scenario.expected.alerts - messages.length)
  tally.doubled += Math.max(0, findings - scenario.expected.findings) + Math.max(0, unmarked.length - scenario.expected.alerts)

  const where = `${scenario.name}, ${met ? `${met.failure} at step ${met.step}` : 'no fault'}, ${copies} deliveries`
  expect([where, findings], where).toEqual([where, scenario.expected.findings])
  expect(unmarked.length, where).toBeLessThanOrEqual(scenario.expected.alerts)
  expect(messages.length, where).toBeGreaterThanOrEqual(scenario.expected.alerts)
  // A message is marked only if the worker died before it could record Slack's answer, or got no answer.
  expect(marked, where).toBeLessThanOrEqual(met ? 1 : 0)
  expect(await sql("select id, kind, state, attempts, error, due_at, created_at from job where state <> 'succeeded'"), where).toEqual([])
  await scenario.verify?.()
}

const pipelineWith = (columns: string, values: string) =>
  sql(
    `with t as (insert into pipeline_type (name) values ('t') returning id) insert into pipeline (name, pipeline_type_id, ${columns}) select 'p', id, ${values} from t`,
  )

const ANOMALY: Scenario = {
  name: 'an execution with an anomaly ends',
  prepare: async () => {
    await pipelineWith('next_watermark', `'7'`)
    await sql(`insert into anomaly_detection_rule (pipeline_id, metric_field, minimum_executions) values (1, 'inserts', 5)`)
    await sql(`insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts)
      select 1, '2025-06-15T12:00:00Z'::timestamptz - i * interval '1 day', '2025-06-15T12:01:00Z'::timestamptz - i * interval '1 day', true, 60, 100 + i
      from generate_series(1, 7) i`)
    await sql(`insert into pipeline_execution (pipeline_id, start_date, next_watermark) values (1, '2025-06-15T12:00:00Z', '7')`)
  },
  begin: () =>
    invoke(async () => {
      const { status } = await background.post('/end_pipeline_execution', { id: 8, end_date: '2025-06-15T12:01:00Z', inserts: 5000 })
      if (status !== 204) throw new Error(`answered ${status}`)
    }),
  findings: () => countOf('anomaly_detection_result'),
  expected: { findings: 1, alerts: 1 },
  verify: async () => {
    expect(await countOf('pipeline_execution where id = 8 and inserts = 5000 and completed_successfully')).toBe(1)
    expect(await countOf("pipeline where watermark = '7'")).toBe(1)
    expect(await countOf("job where kind = 'detect_anomalies'")).toBe(1)
  },
}

const TIMELINESS: Scenario = {
  name: 'a run is late when the cron fires',
  prepare: async () => {
    await pipelineWith('timeliness_number, timeliness_datepart', `10, 'minute'`)
    await sql(`insert into pipeline_execution (pipeline_id, start_date) values (1, '2025-06-15T12:00:00Z'), (1, '2025-06-15T11:59:00Z')`)
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds) values (1, '2025-06-15T11:00:00Z', '2025-06-15T12:13:00Z', true, 4380)`,
    )
  },
  begin: () => invoke(() => fireCron(background, CRONS.quarterHourly, new Date('2025-06-15T12:15:00Z'))),
  findings: () => countOf('timeliness_pipeline_execution_log'),
  expected: { findings: 3, alerts: 1 },
}

const FRESHNESS: Scenario = {
  name: 'a pipeline is stale when a client requests a check',
  prepare: () =>
    pipelineWith('freshness_number, freshness_datepart, last_target_insert', `1, 'hour', '2025-06-15T10:00:00Z'`).then(() => {}),
  begin: () =>
    invoke(async () => {
      const { status } = await background.post('/freshness')
      if (status !== 200) throw new Error(`answered ${status}`)
    }),
  findings: () => countOf('freshness_pipeline_log'),
  expected: { findings: 1, alerts: 1 },
}

const CLEANUP: Scenario = {
  name: 'cleanup deletes old logs in several jobs',
  prepare: async () => {
    await pipelineWith('active', 'true')
    await sql(`with e as (
        insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
        select 1, '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z', true, 0 from generate_series(1, 50) returning id)
      insert into pipeline_execution_closure select id, id, 0 from e`)
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds) values (1, '2025-06-01T00:00:00Z', '2025-06-01T00:00:00Z', true, 0)`,
    )
    await sql(
      `insert into job (kind, payload, created_at, due_at) values ('clean_logs', '{"retention_days":100,"batch_size":2}', '2025-06-15T12:00:00Z', '2025-06-15T12:00:00Z')`,
    )
  },
  begin: async () => 'done',
  findings: () => countOf('pipeline_execution'),
  expected: { findings: 1, alerts: 0 },
  verify: async () => expect(await countOf('pipeline_execution_closure')).toBe(0),
}

describe('no finding and no alert is lost or doubled, whichever step fails in whichever way', () => {
  it.each([ANOMALY, TIMELINESS, FRESHNESS, CLEANUP])('$name', { timeout: 240_000 }, async (scenario) => {
    await play(scenario, undefined)
    // The cron ticks continue after the work is done, so only the first steps get a fault.
    const count = Math.min(steps, 26)
    expect(count).toBeGreaterThan(12)
    for (const failure of FAILURES) {
      for (let at = 0; at < count; at += 1) await play(scenario, { step: at, failure })
    }
    await play(scenario, undefined, 2)
    for (const failure of ['dies before', 'dies after'] as const) {
      for (let at = 0; at < count; at += 1) await play(scenario, { step: at, failure }, 2)
    }
    expect([tally.lost, tally.doubled]).toEqual([0, 0])
  })
})

/** What each kind of channel needs, and what tells two of its posts apart: the event, and whether a program knows it as a repetition. */
const CHANNELS: Record<string, { settings: (url: string) => Record<string, unknown>; eventOf: (body: any, id: unknown) => string }> = {
  slack: { settings: (webhook_url) => ({ webhook_url }), eventOf: ({ text }) => textEvent(text) },
  teams: {
    settings: (webhook_url) => ({ webhook_url }),
    eventOf: ({ attachments }) => textEvent(attachments[0].content.body.map(({ inlines }: any) => inlines[0].text).join('\n')),
  },
  discord: {
    settings: (webhook_url) => ({ webhook_url }),
    eventOf: ({ embeds }) => textEvent(`${embeds[0].title}\n${embeds[0].description}`),
  },
  webhook: {
    settings: (url) => ({ url, secret: `whsec_${btoa('s'.repeat(32))}` }),
    eventOf: ({ type }, id) => `${type === 'incident.opened' ? 'opened' : 'resolved'} ${id}`,
  },
  pagerduty: {
    settings: (url) => ({ url, routing_key: 'R'.repeat(32) }),
    eventOf: ({ event_action, dedup_key }) => `${event_action === 'trigger' ? 'opened' : 'resolved'} ${dedup_key}`,
  },
  email: { settings: () => ({ to: ['on-call@example.com'] }), eventOf: ({ text }) => textEvent(text) },
  // An alert ends 45 minutes after it was sent, and a resolved one at once: before those that were sent when it was open.
  alertmanager: { settings: (url) => ({ url }), eventOf: ([{ labels, endsAt }]) => `${endsAt} ${labels.incident}` },
}
const textEvent = (text: string): string =>
  `${text.startsWith('✅') ? 'resolved' : 'opened'}${text.includes('sent again: whether the first message arrived') ? ' marked' : ''}`

const SETTINGS = { WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)), WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true', SLACK_WEBHOOK_URL: undefined }

/** A run fails and the next one succeeds; one channel of this kind is told of both. Returns the events that it got, in order. */
const tell = async (kind: string, met: Fault | undefined): Promise<string[]> => {
  fault = undefined
  await sql('truncate channel restart identity cascade')
  await openWorld()
  const mails: Mail[] = []
  const send = (mail: Mail) => step('message', async () => void mails.push(mail))
  Object.assign(background.settings, SETTINGS, { EMAIL: { send }, WATCHER_EMAIL_FROM: 'watcher@example.com' })
  await pipelineWith('active', 'true')
  const { settings, eventOf } = CHANNELS[kind] as (typeof CHANNELS)[string]
  const { status } = await background.post('/channel', { name: kind, kind, settings: settings(background.slack.url) })
  expect(status).toBe(201)
  const run = async (id: number, succeeded: boolean) => {
    await sql(`insert into pipeline_execution (pipeline_id, start_date) values (1, to_timestamp($1 / 1000.0))`, [Date.now()])
    const end = () =>
      invoke(async () => {
        const { status } = await background.post('/end_pipeline_execution', { id, completed_successfully: succeeded })
        if (status !== 204) throw new Error(`answered ${status}`)
      })
    for (let tries = 0; tries < 10 && (await end()) !== 'done'; tries += 1) advanceClock(2)
    await settle(1)
  }
  await withSteps(met, async () => {
    await run(1, false)
    await run(2, true)
  })
  expect(await sql("select id, kind, state, error from job where state <> 'succeeded'")).toEqual([])
  if (kind === 'email') return mails.map((mail) => eventOf(mail, undefined))
  const channel = kind === 'alertmanager' ? openChannel(`${background.slack.url}/api/v2/alerts`) : background.slack
  const events = (await channel.taken()).map(({ headers, body }) => eventOf(JSON.parse(body), headers['webhook-id']))
  if (kind !== 'alertmanager') return events
  return events.map((event, index) => `${events.slice(0, index).every((before) => before <= event) ? 'opened' : 'resolved'} 1`)
}

const toldTally = { kinds: 0, faults: 0, told: 0, repeated_and_known: 0, lost: 0, doubled: 0 }

describe('a channel is told of the beginning and then of the end, once, whichever step fails', () => {
  afterAll(() => console.log(`Fault injection in channels: ${JSON.stringify(toldTally)}`))

  it.each(Object.keys(CHANNELS))('%s', { timeout: 240_000 }, async (kind) => {
    toldTally.kinds += 1
    await tell(kind, undefined)
    const count = Math.min(steps, 34)
    expect(count).toBeGreaterThan(20)
    expect(taken.filter((what) => what === 'message').length).toBeGreaterThan(1)
    const isText = ['slack', 'teams', 'discord', 'email'].includes(kind)
    // Where a message is sent, and where that is recorded. Before that, e-mail takes no other way than Slack.
    const atSending = taken.flatMap((what, at) => (what === 'message' ? [at, at + 1] : []))
    const everywhere = kind === 'email' ? atSending : [...Array(count).keys()]
    for (const failure of FAILURES) {
      const isMetEverywhere = failure === 'dies after' || failure === 'answer lost'
      // A kind for people and one for programs meet the other failures too: the others take the same ways.
      const others = ['slack', 'pagerduty', 'email'].includes(kind) ? atSending : []
      for (const at of isMetEverywhere ? everywhere : others) {
        const where = `${kind}, ${failure} at step ${at}`
        const events = await tell(kind, { step: at, failure })
        const words = events.map((event) => event.split(' ')[0])
        toldTally.faults += 1
        toldTally.told += new Set(words).size
        toldTally.lost += 2 - new Set(words).size
        // A program knows a repetition by its key; for people it is marked.
        const doubled = isText
          ? events.filter((event, index) => !event.includes('marked') && events.indexOf(event) !== index).length
          : new Set(events).size - 2
        toldTally.doubled += doubled
        toldTally.repeated_and_known += events.length - 2
        expect([...new Set(words)], where).toEqual(['opened', 'resolved'])
        expect(doubled, where).toBe(0)
        // Nothing about the beginning comes after the end.
        expect(words.lastIndexOf('opened'), where).toBeLessThan(words.indexOf('resolved'))
      }
    }
    expect([toldTally.lost, toldTally.doubled]).toEqual([0, 0])
  })
})
