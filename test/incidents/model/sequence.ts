import { expect } from 'vitest'
import { randomFrom } from '../../support/graphs.ts'
import { isFlapping } from './channels.ts'
import { Model } from './model.ts'
import { pick, planPipelines, type Random } from './plan.ts'
import { Disputed } from './register.ts'
import { Service } from './service.ts'
import { HOUR, type Incident, isOpen, MINUTE, type Pipeline, type Run } from './world.ts'

const BEGIN = Date.parse('2026-03-10T05:00:00Z')
const TICK = 15 * MINUTE

const timeOf = (instant: number): string => new Date(instant).toISOString().slice(5, 19)

/** One random life, of the service and of the model side by side. */
export class Sequence {
  private readonly random: Random
  private readonly log: string[] = []
  private now = BEGIN
  private compared = 0

  readonly seed: number
  private readonly model: Model
  private readonly service: Service

  private constructor(seed: number, model: Model, service: Service, random: Random) {
    this.seed = seed
    this.model = model
    this.service = service

    this.random = random
  }

  static async begin(seed: number): Promise<Sequence> {
    const random = randomFrom(seed)
    const service = await Service.open(BEGIN)
    const pipelines = planPipelines(random, BEGIN)
    for (const pipeline of pipelines) await service.create(pipeline)
    const sequence = new Sequence(seed, new Model(pipelines, BEGIN), service, random)
    for (const pipeline of pipelines) sequence.log.push(JSON.stringify(pipeline))
    return sequence
  }

  /** Takes so many steps. Returns how often it compared, and how many incidents there were. */
  async live(steps: number): Promise<{ disputed: boolean; compared: number; incidents: Incident[]; messages: number }> {
    const disputed = await this.takeSteps(steps)
    return {
      disputed,
      compared: this.compared,
      incidents: this.model.register.incidents,
      messages: this.model.channels.reduce((sum, { messages }) => sum + messages.length, 0),
    }
  }

  private async takeSteps(steps: number): Promise<boolean> {
    try {
      for (let step = 0; step < steps; step += 1) await this.step()
      await this.waitFor(TICK - (this.now % TICK))
      return false
    } catch (error) {
      if (error instanceof Disputed) return true
      throw error
    }
  }

  private async step(): Promise<void> {
    const choice = this.random(100)
    if (choice < 30) await this.start()
    else if (choice < 62) await this.end()
    else if (choice < 72) await this.reportAfterwards()
    else if (choice < 76) await this.outage()
    else if (choice < 80) await this.act()
    await this.waitFor((1 + this.random(14 * 60)) * 1000)
  }

  private async start(): Promise<void> {
    const pipeline = pick(this.random, this.model.pipelines)
    await this.waitUntilNoticed(pipeline)
    const start = this.now - (this.random(3) === 0 ? this.random(8 * 60) * 1000 : 0)
    if (this.isClear(pipeline, start)) await this.startAt(pipeline, start)
  }

  private async startAt(pipeline: Pipeline, start: number): Promise<Run> {
    const id = await this.service.start(pipeline, start)
    this.note(`${pipeline.name}: run ${id} starts ${timeOf(start)}`)
    return this.model.start(id, pipeline, start, this.now)
  }

  /**
   * What an old start means for an interval is not clear, if it is the latest one: the time after it may be over already. The service waits
   * for the next one.
   */
  private isClear({ schedule, grace, ...pipeline }: Pipeline, start: number): boolean {
    if (schedule === null || !('every' in schedule)) return true
    const own = this.model.runs.filter((run) => run.pipeline.name === pipeline.name)
    if (own.some((run) => run.start >= start)) return true
    return start >= pipeline.createdAt && start + schedule.every + grace > this.now
  }

  private async end(): Promise<void> {
    const running = this.model.runs.filter(({ end }) => end === null)
    if (running.length === 0) return
    const run = pick(this.random, running)
    await this.waitUntilNoticed(run.pipeline)
    const length = Math.floor((this.now - run.start) / 1000)
    await this.endAt(run, this.now - (this.random(4) === 0 ? this.random(Math.min(length, 600) + 1) * 1000 : 0))
  }

  private async endAt(run: Run, end: number): Promise<void> {
    const succeeded = this.random(5) > 1
    const changesData = this.random(2) === 0
    await this.service.end(run.id, end, succeeded, changesData)
    this.note(`${run.pipeline.name}: run ${run.id} ends ${timeOf(end)} ${succeeded ? 'well' : 'badly'}${changesData ? ', data' : ''}`)
    this.model.end(run, end, succeeded, changesData, this.now)
  }

  /** A whole run that is reported when it is over: some minutes, hours or days old. */
  private async reportAfterwards(): Promise<void> {
    const pipeline = pick(this.random, this.model.pipelines)
    await this.waitUntilNoticed(pipeline)
    const ago = pick(this.random, [0, 3 * HOUR, 60 * HOUR]) + this.random(40 * 60) * 1000
    const start = this.now - ago - this.random(40 * 60) * 1000
    if (!this.isClear(pipeline, start)) return
    const run = await this.startAt(pipeline, start)
    await this.endAt(run, this.now - ago)
  }

  private async outage(): Promise<void> {
    const length = pick(this.random, [TICK, 60 * MINUTE, 210 * MINUTE, 26 * HOUR])
    await this.waitUntilAllNoticed()
    this.note(`away for ${length / MINUTE} min`)
    this.now = (Math.floor(this.now / TICK) + 1) * TICK + length
    await this.tick(false)
  }

  private async act(): Promise<void> {
    const rows = await this.service.incidents()
    const index = rows.findIndex(({ state }) => state !== 'resolved')
    const incident = this.model.register.incidents.find((one) => isOpen(one))
    if (index < 0 || !incident) return
    const open = rows.filter(({ state, kind }) => state !== 'resolved' && kind !== 'queue')
    if (open.length === 0) return
    const row = pick(this.random, open)
    const same = this.model.register.openOf(
      row.kind as Incident['kind'],
      this.model.pipelines.find(({ name }) => name === row.pipeline_name) ?? null,
    )
    if (!same) return
    const what = pick(this.random, ['acknowledge', 'resolve'] as const)
    await this.service.act(row.id, what)
    this.note(`person: ${what} ${row.kind} of ${row.pipeline_name}`)
    this.model.act(same, what, this.now)
  }

  /** A deadline is noticed within 90 seconds: nothing happens meanwhile, since the contract leaves the order open. */
  private async waitUntilAllNoticed(): Promise<void> {
    while (this.model.nextInstant(this.now) <= this.now) await this.waitFor(MINUTE)
  }

  private async waitUntilNoticed(pipeline: Pipeline): Promise<void> {
    await this.waitUntilAllNoticed()
    while (this.model.hasUnnoticedLate(pipeline, this.now)) {
      await this.waitFor(TICK - (this.now % TICK))
      await this.waitFor(7000)
      await this.waitUntilAllNoticed()
    }
  }

  private async waitFor(millis: number): Promise<void> {
    const until = this.now + millis
    while (this.now < until) {
      const nextTick = (Math.floor(this.now / TICK) + 1) * TICK
      const due = this.model.nextInstant(this.now)
      const noticed = (Math.floor(due / MINUTE) + 1) * MINUTE
      this.now = Math.min(until, nextTick, Math.max(noticed, this.now), Math.max(this.service.nextMessageAt, this.now + 1))
      if (this.now === nextTick) await this.tick()
      else {
        await this.service.deliver(this.now)
        if (this.now === noticed || this.model.channels.some((channel) => channel.deadlines().some((at) => at <= this.now)))
          this.model.passMinute(this.now)
      }
    }
  }

  private async tick(compares = true): Promise<void> {
    await this.service.tick(this.now)
    this.model.tick(this.now)
    if (this.now % HOUR === 0) this.model.checkFreshness(this.now)
    if (compares) await this.compare()
  }

  private note(what: string): void {
    this.log.push(`${timeOf(this.now)} ${what}`)
  }

  /** Same incidents, same messages. */
  private async compare(): Promise<void> {
    this.compared += 1
    const about = `seed ${this.seed}, ${timeOf(this.now)}\n${this.log.join('\n')}\n`
    const rows = await this.service.incidents()
    const nameOfRow = new Map(rows.map((row) => [row.id, nameOf(row.kind, row.pipeline_name, Date.parse(row.opened_at))]))
    const real = rows.map((row) => ({
      what: nameOfRow.get(row.id),
      state: row.state,
      by: row.resolved_by,
      occurrences: row.pipeline_name === null ? 1 : row.occurrences, // two checks at once may both see that the service was away
      causedBy: row.caused_by === null ? null : nameOfRow.get(row.caused_by),
    }))
    const known = (incident: Incident) => nameOf(incident.kind, incident.pipeline?.name ?? null, incident.openedAt)
    const expected = this.model.register.incidents.map((incident) => ({
      what: known(incident),
      state: incident.state,
      by: incident.resolvedBy === 'person' ? 'anyone' : incident.resolvedBy,
      occurrences: incident.occurrences,
      causedBy: incident.causedBy && known(incident.causedBy),
    }))
    const sorted = <Row extends { what: string | undefined }>(list: Row[]) =>
      list.sort((one, other) => String(one.what).localeCompare(String(other.what)))
    expect(sorted(real), about).toEqual(sorted(expected))

    const messages = await this.service.messages()
    const flapping = new Set(this.model.register.incidents.filter(isFlapping).map(known))
    for (const channel of this.model.channels) {
      const told = messages[channel.name as 'people' | 'pager'].map(({ id, what }) => ({ incident: String(nameOfRow.get(id)), what }))
      const due = channel.messages.map(({ incident, what }) => ({ incident: known(incident), what }))
      expect(byIncident(told, flapping), `${channel.name}, ${about}`).toEqual(byIncident(due, flapping))
    }
  }
}

/** Watcher's own incident is dated by its last check, which may be any in the minutes before: it goes by its day and hour. */
const nameOf = (kind: string, pipeline: string | null, openedAt: number): string =>
  pipeline === null ? `${kind} ${timeOf(openedAt).slice(0, 8)}` : `${kind} ${pipeline} ${timeOf(openedAt)}`

const byIncident = (messages: { incident: string; what: string }[], without: Set<string>): Record<string, string[]> => {
  const found: Record<string, string[]> = {}
  for (const { incident, what } of messages)
    if (!without.has(incident) && !incident.startsWith('queue')) found[incident] = [...(found[incident] ?? []), what]
  return Object.fromEntries(Object.entries(found).sort(([one], [other]) => one.localeCompare(other)))
}
