import { HOUR, type Incident, type Kind, MINUTE } from './world.ts'

/** What is still open so long after its cause was resolved is told on its own. */
const FOLDED_AFTER_CAUSE = 30 * MINUTE

export interface Message {
  incident: Incident
  what: 'begins' | 'ends'
}

/** One channel: what it takes, and what it was told. */
export class ChannelModel {
  readonly messages: Message[] = []
  private readonly told = new Set<Incident>()
  private readonly held = new Set<Incident>()

  readonly name: 'people' | 'pager'
  private readonly kinds: Kind[] | null
  private readonly isPager: boolean

  constructor(name: 'people' | 'pager', kinds: Kind[] | null, isPager: boolean) {
    this.name = name
    this.kinds = kinds
    this.isPager = isPager
  }

  private takes({ kind }: Incident): boolean {
    return this.kinds === null || this.kinds.includes(kind)
  }

  /** An incident opens or reopens: it is told, but held where the channel knows its cause. */
  begin(incident: Incident): void {
    if (!this.takes(incident)) return
    const cause = incident.causedBy
    if (cause !== null && (this.told.has(cause) || this.held.has(cause))) this.held.add(incident)
    else this.tell(incident)
  }

  /** People hear nothing of what somebody has acknowledged while it was held. */
  private tell(incident: Incident): void {
    this.held.delete(incident)
    if (incident.state === 'acknowledged' && !this.isPager) return
    this.told.add(incident)
    this.messages.push({ incident, what: 'begins' })
  }

  /** An incident is resolved. `isSilent`: another incident says the same; people hear nothing, programs do. */
  end(incident: Incident, isSilent: boolean): void {
    this.held.delete(incident)
    if (!this.told.delete(incident)) return
    if (!isSilent || this.isPager) this.messages.push({ incident, what: 'ends' })
  }

  /** Tells what is held and whose cause is over for so long. */
  release(now: number): void {
    for (const incident of this.held) {
      const cause = incident.causedBy
      if (cause === null || (cause.resolvedAt !== null && cause.resolvedAt + FOLDED_AFTER_CAUSE <= now)) this.tell(incident)
    }
  }

  /** The instants at which something held may have to be told. */
  deadlines(): number[] {
    return [...this.held].flatMap(({ causedBy }) => (causedBy?.resolvedAt == null ? [] : [causedBy.resolvedAt + FOLDED_AFTER_CAUSE]))
  }
}

/** Two reopenings within an hour: what is told of such an incident depends on how long it is quiet. */
export const isFlapping = ({ reopenedAt }: Incident): boolean =>
  reopenedAt.some((at, index) => index > 0 && at - (reopenedAt[index - 1] ?? 0) < HOUR)
