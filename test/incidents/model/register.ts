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
      Object.assign(before, { state: 'open', resolvedAt: null, resolvedBy: null, acknowledgedAt: null, causedBy: null })
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
    const affected = this.incidents.filter(
      (incident) => isOpen(incident) && incident.causedBy === null && fresh.some((one) => one === incident || this.mayCause(one, incident)),
    )
    for (const incident of affected) {
      const twin = affected.find(
        (one) => one.detectedAt === incident.detectedAt && this.mayCause(one, incident) && this.mayCause(incident, one),
      )
      if (twin) throw new Disputed('a cycle whose incidents are found at one instant, by jobs in any order')
      if (incident.detectedAt === now && !fresh.includes(incident))
        throw new Disputed('a cause that is found at the instant of its effect, by another job: the effect may be told, or folded')
    }
    const causes = new Map(affected.map((incident) => [incident, this.causesOf(incident, now)]))
    for (const [incident, candidates] of causes) {
      const root = candidates.find((cause) => (causes.get(cause) ?? []).length === 0)
      if (root) incident.causedBy = root
    }
    // A cause has no cause: what it had caused is caused by its cause.
    for (const other of this.incidents)
      if (isOpen(other) && other.causedBy && isOpen(other.causedBy)) other.causedBy = other.causedBy.causedBy ?? other.causedBy
    for (const channel of this.channels) {
      for (const incident of fresh.filter(({ causedBy }) => causedBy === null)) channel.begin(incident)
      for (const incident of fresh.filter(({ causedBy }) => causedBy !== null)) channel.begin(incident)
      channel.release(now)
    }
  }

  /** What may have caused it, the oldest first. Of two that may cause each other, the older one does. */
  private causesOf(effect: Incident, now: number): Incident[] {
    const isCause = (cause: Incident, of: Incident): boolean =>
      isOpen(cause) &&
      cause.causedBy === null &&
      now - cause.detectedAt <= DAY &&
      (cause.acknowledgedAt === null || now - cause.acknowledgedAt <= DAY) &&
      this.mayCause(cause, of)
    const candidates = this.incidents.filter((cause) => isCause(cause, effect) && (byAge(cause, effect) < 0 || !isCause(effect, cause)))
    return candidates.sort(byAge)
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
