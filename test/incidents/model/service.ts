import { expect } from 'vitest'
import { CRONS } from '../../../src/jobs/crons.ts'
import { call, sql } from '../../support/api.ts'
import { type Background, type Channel, drain, fireCron, openBackground, openChannel, setClock } from '../../support/background.ts'
import { cronOf } from './slots.ts'
import { HOUR, type Kind, MINUTE, type Pipeline } from './world.ts'

const iso = (instant: number): string => new Date(instant).toISOString()

interface IncidentRow {
  id: number
  kind: Kind
  pipeline_name: string | null
  state: string
  opened_at: string
  occurrences: number
  caused_by: number | null
  resolved_by: string | null
}

/** The service under test, with its clock, its queue and two channels. */
export class Service {
  private readonly background: Background
  private readonly pager: Channel

  private constructor(background: Background, pager: Channel) {
    this.background = background
    this.pager = pager
  }

  static async open(now: number): Promise<Service> {
    setClock(new Date(now))
    await sql('truncate pipeline, pipeline_type, address, job, incident, channel, silence, cron_tick restart identity cascade')
    const background = openBackground()
    Object.assign(background.settings, {
      WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)),
      WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true',
      WATCHER_PUBLIC_URL: 'https://watcher.example.com',
      WATCHER_ALERT_FORMAT: 'full',
    })
    const pager = openChannel()
    const service = new Service(background, pager)
    const settings = { url: pager.url, secret: `whsec_${btoa('s'.repeat(32))}` }
    await service.post('/channel', { name: 'pager', kind: 'webhook', settings, kinds: ['failed', 'late'] }, 201)
    await service.tick(now)
    return service
  }

  private async post(path: string, body: unknown, expected: number) {
    const reply = await call('POST', path, body, {}, this.background.settings)
    expect([reply.status, reply.body], path).toEqual([expected, expect.anything()])
    return reply.body
  }

  /** Creates the pipeline and its lineage. Its freshness threshold is its type's: that of a pipeline that has never loaded. */
  async create(pipeline: Pipeline): Promise<void> {
    const { name, schedule, grace, timeliness, freshness, alertAfter, reads, writes } = pipeline
    const type = `type of ${name}`
    await this.post('/pipeline_type', { name: type, ...inMinutes('freshness', freshness) }, 201)
    const { id } = await this.post(
      '/pipeline',
      {
        name,
        pipeline_type_name: type,
        alert_after_failures: alertAfter,
        ...inMinutes('timeliness', timeliness),
        ...(schedule && 'every' in schedule ? inMinutes('schedule', schedule.every) : {}),
        ...(schedule && 'minutes' in schedule ? { schedule_cron: cronOf(schedule) } : {}),
        ...(schedule ? { schedule_grace_minutes: grace / MINUTE } : {}),
      },
      201,
    )
    pipeline.id = id
    const addresses = (names: string[]) => names.map((name) => ({ name, address_type_name: 'table', address_type_group_name: 'database' }))
    await this.post('/address_lineage', { pipeline_id: id, source_addresses: addresses(reads), target_addresses: addresses(writes) }, 201)
    await this.settle()
  }

  async start(pipeline: Pipeline, start: number): Promise<number> {
    const { id } = await this.post('/start_pipeline_execution', { pipeline_id: pipeline.id, start_date: iso(start) }, 201)
    await this.settle()
    return id
  }

  async end(id: number, end: number, succeeded: boolean, changesData: boolean): Promise<void> {
    const body = { id, end_date: iso(end), completed_successfully: succeeded, inserts: changesData ? 5 : 0 }
    await this.post('/end_pipeline_execution', body, 204)
    await this.settle()
  }

  async act(id: number, what: 'acknowledge' | 'resolve'): Promise<void> {
    await this.post(`/incident/${id}/${what}`, {}, 204)
    await this.settle()
  }

  /**
   * Delivers what is due, one after the other, the check of schedules first, as the model does. In parallel either of two incidents of one
   * minute may open first, and then the other is told or folded.
   */
  private settle(): Promise<void> {
    return drain(this.background, async (due) => {
      const ids = due.map(({ body }) => body.id)
      const first = await sql(`select id from job where id = any($1::bigint[]) order by kind <> 'check_schedules', id`, [ids])
      const places = new Map(first.map(({ id }, place) => [Number(id), place]))
      return due.toSorted((one, other) => (places.get(one.body.id) ?? 0) - (places.get(other.body.id) ?? 0))
    })
  }

  /** Fires what is due at this instant: on a quarter of an hour the tick, on an hour the freshness check too. */
  async tick(now: number): Promise<void> {
    setClock(new Date(now))
    const dueAt = now - (now % (15 * MINUTE))
    await fireCron(this.background, CRONS.quarterHourly, new Date(dueAt))
    await this.settle()
    if (dueAt % HOUR !== 0) return
    await fireCron(this.background, CRONS.hourly, new Date(dueAt))
    await this.settle()
  }

  /** Delivers what the queue has for this instant. Returns the checks that have run. */
  async deliver(now: number): Promise<string[]> {
    setClock(new Date(now))
    await this.settle()
    return (await sql(`select distinct kind from job where kind like 'check%' and started_at = $1`, [iso(now)])).map(({ kind }) =>
      String(kind),
    )
  }

  /** When the queue has its next message. */
  get nextMessageAt(): number {
    return Math.min(...this.background.queue.sent.map(({ dueMillis }) => dueMillis))
  }

  async incidents(): Promise<IncidentRow[]> {
    const { body } = await call('GET', '/incident?limit=1000', undefined, {}, this.background.settings)
    return (body as IncidentRow[]).reverse()
  }

  /** What each channel has received, by the incident's id. */
  async messages(): Promise<Record<'people' | 'pager', { id: number; what: 'begins' | 'ends' }[]>> {
    const people = (await this.background.slack.messages()).flatMap((text) => {
      const what = text.startsWith('✅ RESOLVED') ? ('ends' as const) : ('begins' as const)
      return [...text.matchAll(/\/incidents\/(\d+)/g)].map(([, id]) => ({ id: Number(id), what }))
    })
    const pager = (await this.pager.taken()).flatMap(({ body }) => {
      const { type, data } = JSON.parse(body) as { type: string; data: { id: number } }
      if (type === 'incident.acknowledged') return []
      return [{ id: data.id, what: type === 'incident.resolved' ? ('ends' as const) : ('begins' as const) }]
    })
    return { people, pager }
  }
}

const inMinutes = (what: string, millis: number | null) =>
  millis === null ? {} : { [`${what}_number`]: millis / MINUTE, [`${what}_datepart`]: 'minute' }
