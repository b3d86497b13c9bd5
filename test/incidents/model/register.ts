import type { ChannelModel } from './channels.ts'
import { Disputed } from './disputed.ts'
import { DAY, type Incident, isOpen, type Kind, MINUTE, type Pipeline } from './world.ts'

/** What opens again so soon after its end is the same incident. */
export const REOPENS_WITHIN = 15 * MINUTE

export interface Opening {
  kind: Kind
  pipeline: Pipeline | null
  openedAt: number
  occurrences: number
}

/** Every incident, what caused it, and what each channel was told. `isUpstream`: whether data flows from one pipeline to another. */
export class Register {
  readonly incidents: Incident[] = []
  private fresh: Incident[] = []

  private readonly channels: ChannelModel[]
  private readonly isUpstream: (pipeline: Pipeline, of: Pipeline) => boolean

  constructor(channels: ChannelModel[], isUpstream: (pipeline: Pipeline, of: Pipeline) => boolean) {
    this.channels = channels
    this.isUpstream = isUpstream
  }

  openOf(kind: Kind, pipeline: Pipeline | null): Incident | undefined {
    return this.incidents.find((incident) => incident.kind === kind && incident.pipeline === pipeline && isOpen(incident))
  }

  /** Opens an incident, or extends the open one, or reopens one that was resolved just now. */
  open({ kind, pipeline, openedAt, occurrences }: Opening, now: number): Incident {
    const open = this.openOf(kind, pipeline)
    if (open) {
      open.occurrences += occurrences
      return open
    }
    const before = this.incidents.findLast((incident) => incident.kind === kind && incident.pipeline === pipeline)
    if (before?.resolvedAt != null && before.resolvedBy === 'auto' && now - before.resolvedAt < REOPENS_WITHIN) {
      Object.assign(before, { state: 'open', resolvedAt: null, resolvedBy: null, acknowledgedAt: null })
      before.occurrences += occurrences
      before.reopenedAt.push(now)
      this.fresh.push(before)
      return before
    }
    const incident: Incident = {
      number: this.incidents.length + 1,
      kind,
      pipeline,
      state: 'open',
      openedAt,
      detectedAt: now,
      acknowledgedAt: null,
      resolvedAt: null,
      resolvedBy: null,
      occurrences,
      causedBy: null,
      lastFailure: null,
      lateRun: null,
      coversFrom: 0,
      reopenedAt: [],
    }
    this.incidents.push(incident)
    this.fresh.push(incident)
    return incident
  }

  resolve(incident: Incident, now: number, by: 'auto' | 'person' = 'auto', isSilent = false): void {
    Object.assign(incident, { state: 'resolved', resolvedAt: now, resolvedBy: by })
    for (const channel of this.channels) channel.end(incident, isSilent)
  }

  /** Finds the causes of what has opened since the last call, and tells it. */
  settle(now: number): void {
    const fresh = this.fresh.filter(isOpen).sort(byAge)
    this.fresh = []
    for (const incident of fresh) {
      const cause = this.causeOf(incident, now)
      if (incident.reopenedAt.length > 0) this.refuseDispute(incident, cause)
      if (cause && fresh.includes(cause) && byAge(incident, cause) < 0) throw new Disputed('a cause that one sweep found after its effect')
      if (cause) this.fold(incident, cause)
      else if (fresh.length > 1) this.refuseOwnEffect(incident)
    }
    for (const root of fresh.filter(({ causedBy }) => causedBy === null)) {
      for (const effect of this.incidents) {
        if (isOpen(effect) && effect.causedBy === null && this.mayCause(root, effect)) {
          if (root.pipeline !== effect.pipeline && now - effect.detectedAt >= DAY) throw new Disputed('a cause of what is older than a day')
          this.fold(effect, root)
        }
      }
    }
    for (const channel of this.channels) {
      for (const incident of fresh.filter(({ causedBy }) => causedBy === null)) channel.begin(incident)
      for (const incident of fresh.filter(({ causedBy }) => causedBy !== null)) channel.begin(incident)
      channel.release(now)
    }
  }

  /** The service does not look for the cause of a reopened incident anew: a known difference, and the end of the comparison. */
  private refuseDispute(incident: Incident, cause: Incident | null): void {
    if (incident.causedBy !== cause) throw new Disputed('the cause of a reopened incident')
  }

  /** In a cycle, the service may find the cause on the same pipeline, by way of another that one sweep found with it. */
  private refuseOwnEffect(incident: Incident): void {
    const { pipeline } = incident
    if (pipeline === null || !this.isUpstream(pipeline, pipeline)) return
    const others = this.incidents.filter((other) => other !== incident && other.pipeline === pipeline && isOpen(other))
    if (others.some(({ causedBy }) => causedBy === null)) throw new Disputed('a pipeline that is upstream of itself')
  }

  /** A cause has no cause: what the effect has caused is caused by its cause. */
  private fold(effect: Incident, root: Incident): void {
    effect.causedBy = root
    for (const other of this.incidents) if (isOpen(other) && other.causedBy === effect) other.causedBy = root
  }

  private causeOf(effect: Incident, now: number): Incident | null {
    const candidates = this.incidents.filter(
      (cause) =>
        isOpen(cause) &&
        cause.causedBy === null &&
        now - cause.detectedAt <= DAY &&
        (cause.acknowledgedAt === null || now - cause.acknowledgedAt <= DAY) &&
        this.mayCause(cause, effect) &&
        (byAge(cause, effect) < 0 || !this.mayCause(effect, cause)),
    )
    return candidates.sort(byAge)[0] ?? null
  }

  private mayCause(cause: Incident, effect: Incident): boolean {
    if (cause === effect || cause.pipeline === null || effect.pipeline === null) return false
    if (cause.pipeline === effect.pipeline) return isSymptom(effect) && !isSymptom(cause)
    return this.isUpstream(cause.pipeline, effect.pipeline)
  }
}

/** On one pipeline, `stale` and `missed` fold under `late` and `failed`. */
const isSymptom = ({ kind }: Incident): boolean => kind === 'stale' || kind === 'missed'

const byAge = (one: Incident, other: Incident): number => one.detectedAt - other.detectedAt || one.number - other.number
