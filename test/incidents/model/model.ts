import { ChannelModel } from './channels.ts'
import { Register } from './register.ts'
import { type Slot, slotsUntil } from './slots.ts'
import { DAY, HOUR, type Incident, isAfter, MINUTE, type Pipeline, type Run } from './world.ts'

const LOOKBACK = HOUR
/** Without a check for longer than this, the service was away. */
const AWAY_AFTER = 30 * MINUTE

/** What should be wrong, by the contract's words alone: kept simple, and slow. */
export class Model {
  readonly channels = [new ChannelModel('people', null, false), new ChannelModel('pager', ['failed', 'late'], true)]
  readonly register = new Register(this.channels, (pipeline, of) => this.isUpstream(pipeline, of))
  readonly runs: Run[] = []
  private readonly judged = new Map<Pipeline, number>()
  private readonly held: { pipeline: Pipeline; slot: Slot }[] = []
  private readonly loggedLate = new Set<Run>()
  private readonly loggedStale = new Set<string>()
  readonly pipelines: Pipeline[]
  private lastTick: number

  constructor(pipelines: Pipeline[], now: number) {
    this.pipelines = pipelines
    this.lastTick = now
  }

  start(id: number, pipeline: Pipeline, start: number, now: number): Run {
    const run: Run = { id, pipeline, start, end: null, succeeded: false, changesData: false }
    this.runs.push(run)
    const missed = this.register.openOf('missed', pipeline)
    if (missed && start >= missed.coversFrom) this.register.resolve(missed, now)
    this.register.settle(now)
    return run
  }

  end(run: Run, end: number, succeeded: boolean, changesData: boolean, now: number): void {
    Object.assign(run, { end, succeeded, changesData })
    if (succeeded) this.succeed(run, now)
    else this.fail(run, now)
    this.register.settle(now)
  }

  private succeed(run: Run, now: number): void {
    const { pipeline } = run
    const failed = this.register.openOf('failed', pipeline)
    if (failed && this.ended(pipeline).every((other) => other.succeeded || isAfter(run, other))) this.register.resolve(failed, now)
    const late = this.register.openOf('late', pipeline)
    if (late?.lateRun && (late.lateRun === run || (run.start > late.lateRun.start && isInTime(run)))) this.register.resolve(late, now)
    const stale = this.register.openOf('stale', pipeline)
    if (stale && run.changesData && run.end === this.lastChange(pipeline) && !this.isStale(pipeline, now)) this.register.resolve(stale, now)
  }

  private fail(run: Run, now: number): void {
    const { pipeline } = run
    const row = this.failuresInARow(pipeline)
    const open = this.register.openOf('failed', pipeline)
    if (!row.includes(run) || (!open && row.length < pipeline.alertAfter)) return
    const [first] = row
    const failed = this.register.open({ kind: 'failed', pipeline, openedAt: first?.end ?? now, occurrences: open ? 1 : row.length }, now)
    failed.openedAt = Math.min(failed.openedAt, first?.end ?? now)
    const late = this.register.openOf('late', pipeline)
    if (late?.lateRun === run) this.register.resolve(late, now, 'auto', true)
  }

  /** The failed runs after the last success, in the order of their ends. */
  private failuresInARow(pipeline: Pipeline): Run[] {
    const ended = this.ended(pipeline)
    return ended.filter((run) => !run.succeeded && ended.every((other) => !other.succeeded || isAfter(run, other)))
  }

  private ended(pipeline: Pipeline): Run[] {
    return this.runs.filter((run) => run.pipeline === pipeline && run.end !== null).sort((one, other) => (isAfter(one, other) ? 1 : -1))
  }

  /** The quarter-hourly tick: it also notices that the service was away. */
  tick(now: number): void {
    const tick = this.register.openOf('queue', null)
    if (now - this.lastTick > AWAY_AFTER) {
      this.register.open({ kind: 'queue', pipeline: null, openedAt: this.lastTick, occurrences: 1 }, now)
      for (const pipeline of this.pipelines) this.hold(pipeline, now)
    } else if (tick) this.register.resolve(tick, now)
    this.noticeMissed(now)
    this.register.settle(now)
    this.noticeLate(now)
    this.register.settle(now)
    this.lastTick = now
  }

  /** The hourly check of freshness. */
  checkFreshness(now: number): void {
    for (const pipeline of this.pipelines) {
      const last = this.lastChange(pipeline)
      if (last === null || pipeline.freshness === null || !this.isStale(pipeline, now)) continue
      const key = `${pipeline.id} ${last}`
      if (this.loggedStale.has(key)) continue
      this.loggedStale.add(key)
      // A newer change that is too old as well is the same trouble: no further occurrence.
      if (!this.register.openOf('stale', pipeline))
        this.register.open({ kind: 'stale', pipeline, openedAt: last + pipeline.freshness, occurrences: 1 }, now)
    }
    this.forgetLate(now)
    this.register.settle(now)
  }

  /** What is due at this instant without a tick: scheduled times, and what was held. */
  passMinute(now: number): void {
    this.noticeMissed(now)
    this.register.settle(now)
  }

  /** The service has looked for late runs at this instant: within 90 seconds of a deadline, and then at all of them. */
  passLateCheck(now: number): void {
    this.noticeLate(now)
    this.register.settle(now)
  }

  private hold(pipeline: Pipeline, now: number): void {
    for (const one of this.held) if (one.pipeline === pipeline && one.slot.deadline <= now) one.slot.deadline = now + pipeline.grace
    for (const slot of this.due(pipeline, now)) this.held.push({ pipeline, slot: { ...slot, deadline: now + pipeline.grace } })
    const last = this.held.findLast((other) => other.pipeline === pipeline)
    if (last) this.judged.set(pipeline, last.slot.at)
  }

  private due(pipeline: Pipeline, now: number): Slot[] {
    return slotsUntil(pipeline, this.lastJudged(pipeline), now, this.lastStart(pipeline))
  }

  private noticeMissed(now: number): void {
    for (const pipeline of this.pipelines) {
      const held = this.held.filter((other) => other.pipeline === pipeline)
      // Times are judged in their order: what is due after those that are held waits for them.
      if (held.some(({ slot }) => slot.deadline > now)) continue
      for (const one of held) this.held.splice(this.held.indexOf(one), 1)
      for (const slot of [...held.map(({ slot }) => slot), ...this.due(pipeline, now)]) {
        this.judged.set(pipeline, Math.max(slot.at, this.judged.get(pipeline) ?? 0))
        if (this.runs.some((run) => run.pipeline === pipeline && run.start >= slot.from)) continue
        const missed = this.register.open({ kind: 'missed', pipeline, openedAt: slot.at, occurrences: 1 }, now)
        missed.coversFrom = slot.from
      }
    }
  }

  /** The runs beyond their threshold that the tick at `now` logs. */
  private overdue(pipeline: Pipeline, now: number): Run[] {
    const from = Math.min(now, this.lastTick) - LOOKBACK
    const threshold = pipeline.timeliness ?? Number.POSITIVE_INFINITY
    return this.runs.filter((run) => {
      if (run.pipeline !== pipeline || this.loggedLate.has(run)) return false
      if (run.end === null) return now > run.start + threshold
      return run.succeeded && run.end > run.start + threshold && (run.start >= from || run.end >= from)
    })
  }

  private noticeLate(now: number): void {
    for (const pipeline of this.pipelines) {
      const { timeliness } = pipeline
      if (timeliness === null) continue
      const overdue = this.overdue(pipeline, now)
      for (const run of overdue) this.loggedLate.add(run)
      for (const run of overdue.filter(({ end }) => end === null || end >= now - DAY).sort((one, other) => one.start - other.start)) {
        const late = this.register.open({ kind: 'late', pipeline, openedAt: run.start + timeliness, occurrences: 1 }, now)
        // A run that is found later may have begun before the one that is known.
        late.openedAt = Math.min(late.openedAt, run.start + timeliness)
        if (!late.lateRun || run.start >= late.lateRun.start) late.lateRun = run
      }
    }
    this.forgetLate(now)
  }

  /** What was found only after its end stays for a day at most. */
  private forgetLate(now: number): void {
    for (const pipeline of this.pipelines) {
      const late = this.register.openOf('late', pipeline)
      const run = late?.lateRun
      if (late && run?.succeeded && Math.max(late.detectedAt, run.end ?? now) <= now - DAY) this.register.resolve(late, now)
    }
  }

  act(incident: Incident, what: 'acknowledge' | 'resolve', now: number): void {
    if (what === 'resolve') this.register.resolve(incident, now, 'person')
    else Object.assign(incident, { state: 'acknowledged', acknowledgedAt: now })
  }

  /** The instants after `now` at which something happens without a tick. */
  nextInstant(now: number): number {
    const instants = this.pipelines.flatMap((pipeline) => {
      if (this.held.some((other) => other.pipeline === pipeline)) return []
      const slot = slotsUntil(pipeline, this.judged.get(pipeline) ?? pipeline.createdAt, now + DAY, this.lastStart(pipeline))[0]
      return slot ? [slot.deadline] : []
    })
    for (const { slot } of this.held) instants.push(slot.deadline)
    for (const channel of this.channels) instants.push(...channel.deadlines())
    return Math.min(...instants.map((at) => Math.max(at, now)))
  }

  /** Whether the next tick will find a run that is beyond its threshold already. */
  hasUnnoticedLate(pipeline: Pipeline, now: number): boolean {
    return this.overdue(pipeline, now).length > 0
  }

  /** The latest scheduled time that is judged, or when the schedule was set: what was due before is nobody's fault. */
  lastJudged(pipeline: Pipeline): number {
    return this.judged.get(pipeline) ?? pipeline.createdAt
  }

  lastStart(pipeline: Pipeline): number {
    const starts = this.runs.filter((run) => run.pipeline === pipeline).map(({ start }) => start)
    return starts.length === 0 ? pipeline.createdAt : Math.max(...starts)
  }

  private lastChange(pipeline: Pipeline): number | null {
    const ends = this.runs.flatMap((run) =>
      run.pipeline === pipeline && run.succeeded && run.changesData && run.end !== null ? [run.end] : [],
    )
    return ends.length === 0 ? null : Math.max(...ends)
  }

  private isStale(pipeline: Pipeline, now: number): boolean {
    const last = this.lastChange(pipeline)
    return pipeline.freshness !== null && last !== null && last + pipeline.freshness < now
  }

  /** Whether one pipeline writes what leads, through any pipelines, to what the other reads. */
  private isUpstream(pipeline: Pipeline, of: Pipeline): boolean {
    const reached = new Set(pipeline.writes)
    for (const address of reached) {
      for (const { reads, writes } of this.pipelines) if (reads.includes(address)) for (const next of writes) reached.add(next)
    }
    return of.reads.some((address) => reached.has(address))
  }
}

const isInTime = ({ start, end, pipeline }: Run): boolean => pipeline.timeliness === null || (end ?? 0) <= start + pipeline.timeliness
