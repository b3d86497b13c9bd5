import { randomFrom } from '../../support/graphs.ts'
import { compare, timeOf } from './compare.ts'
import { Disputed } from './disputed.ts'
import { Model } from './model.ts'
import { pick, planPipelines, type Random } from './plan.ts'
import { Service } from './service.ts'
import { HOUR, type Incident, MINUTE, type Pipeline, type Run } from './world.ts'

const BEGIN = Date.parse('2026-03-10T05:00:05Z')
const TICK = 15 * MINUTE
/** A tick comes a little after its time, and after what is due at that time. */
const TICK_DELAY = 5_000

/** The first tick after an instant. */
const tickAfter = (instant: number): number => (Math.floor((instant - TICK_DELAY) / TICK) + 1) * TICK + TICK_DELAY

/** One random life, of the service and of the model side by side. */
export class Sequence {
  private readonly random: Random
  private readonly log: string[] = []
  private now = BEGIN
  private compared = 0
  /** A tick that the platform leaves out. */
  private skips = 0

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
  async live(steps: number): Promise<{ dispute: string | null; compared: number; incidents: Incident[]; messages: number }> {
    const dispute = await this.takeSteps(steps)
    return {
      dispute,
      compared: this.compared,
      incidents: this.model.register.incidents,
      messages: this.model.channels.reduce((sum, { messages }) => sum + messages.length, 0),
    }
  }

  private async takeSteps(steps: number): Promise<string | null> {
    try {
      for (let step = 0; step < steps; step += 1) await this.step()
      await this.waitFor(tickAfter(this.now) - this.now)
      return null
    } catch (error) {
      if (error instanceof Disputed) return error.message
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
   * A start that is reported late moves an interval's times: one of them may be over already, and the service looks at the time that it has
   * planned. The contract says nothing of that, so such a start is left out; and so is a first start from before the schedule was set.
   */
  private isClear({ schedule, grace, ...pipeline }: Pipeline, start: number): boolean {
    if (schedule === null || !('every' in schedule)) return true
    if (this.model.runs.some((run) => run.pipeline.name === pipeline.name && run.start >= start)) return true
    return start + schedule.every + grace > this.now && start >= Math.max(pipeline.createdAt, this.now - 8 * MINUTE)
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

  /** Nothing is checked and nobody is served for a while; or the platform leaves out one tick. */
  private async outage(): Promise<void> {
    const length = pick(this.random, [0, 60 * MINUTE, 210 * MINUTE, 26 * HOUR])
    await this.waitUntilAllNoticed()
    if (length === 0) return this.leaveOut(tickAfter(this.now))
    if (this.model.register.openOf('queue', null)) return // the checks that end the last outage come first
    this.note(`away for ${length / MINUTE} min`)
    this.now = tickAfter(this.now) + length
    await this.tick(false)
  }

  /** What is due after a tick that is left out is noticed by the next one, with whatever that one finds, in any order: so nothing is due. */
  private leaveOut(tick: number): void {
    if (this.model.nextInstant(tick - MINUTE) <= tick + TICK) return
    this.note('a tick is left out')
    this.skips = tick
  }

  /** A person acknowledges or resolves an incident. */
  private async act(): Promise<void> {
    const open = (await this.service.incidents()).filter(({ state, kind }) => state !== 'resolved' && kind !== 'queue')
    if (open.length === 0) return
    const { id, kind, pipeline_name } = pick(this.random, open)
    const pipeline = this.model.pipelines.find(({ name }) => name === pipeline_name) ?? null
    const incident = this.model.register.openOf(kind, pipeline)
    if (!incident) throw new Error(`The model has no open incident ${kind} of ${pipeline_name} (seed ${this.seed})`)
    const what = pick(this.random, ['acknowledge', 'resolve'] as const)
    await this.service.act(id, what)
    this.note(`person: ${what} ${kind} of ${pipeline_name}`)
    this.model.act(incident, what, this.now)
  }

  /** A deadline is noticed within 90 seconds: nothing happens meanwhile, since the contract leaves the order open. */
  private async waitUntilAllNoticed(): Promise<void> {
    while (this.model.nextInstant(this.now) <= this.now) await this.waitFor(MINUTE)
  }

  private async waitUntilNoticed(pipeline: Pipeline): Promise<void> {
    await this.waitUntilAllNoticed()
    while (this.model.hasUnnoticedLate(pipeline, this.now)) {
      await this.waitFor(tickAfter(this.now) - this.now)
      await this.waitFor(7_000)
      await this.waitUntilAllNoticed()
    }
  }

  private async waitFor(millis: number): Promise<void> {
    const until = this.now + millis
    while (this.now < until) {
      const nextTick = tickAfter(this.now)
      const due = this.model.nextInstant(this.now)
      const noticed = (Math.floor(due / MINUTE) + 1) * MINUTE
      this.now = Math.min(until, nextTick, Math.max(noticed, this.now), Math.max(this.service.nextMessageAt, this.now + 1))
      if (this.now === nextTick && this.now !== this.skips) await this.tick()
      else {
        const checks = await this.service.deliver(this.now)
        if (
          this.now === noticed ||
          checks.includes('check_schedules') ||
          this.model.channels.some((channel) => channel.deadlines().some((at) => at <= this.now))
        )
          this.model.passMinute(this.now)
        if (checks.includes('check_timeliness')) this.model.passLateCheck(this.now)
      }
    }
  }

  private async tick(compares = true): Promise<void> {
    await this.service.tick(this.now)
    this.model.tick(this.now)
    if (this.now % HOUR === TICK_DELAY) this.model.checkFreshness(this.now)
    if (!compares) return
    this.compared += 1
    await compare(this.model, this.service, `seed ${this.seed}, ${timeOf(this.now)}\n${this.log.join('\n')}\n`)
  }

  private note(what: string): void {
    this.log.push(`${timeOf(this.now)} ${what}`)
  }
}
