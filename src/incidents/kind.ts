/** How the pages show a problem: a word, a sign, and one of the pages' colours. */
export interface Badge {
  /** What is wrong, in lower case, letters and `_` only; it is also part of URLs (`?state=late`). */
  word: string
  sign: string
  tone: 'failed' | 'late' | 'stale' | 'anomalous' | 'inactive'
}

/** A kind of incident, as the feature or check describes it that opens it. */
export interface IncidentKind {
  kind: string
  /** The first words of a message about it: `Pipeline Execution Failed`. */
  title: string
  /** The mark of a pipeline that has such an incident; undefined: it is about Watcher itself. */
  badge?: Badge
  /** True if `opened_at` is a deadline: messages say by how much it is over. */
  isDeadline?: true
  /** One sentence that a person can act on, without a full stop, from the incident's `details`. */
  explain(details: unknown): string
}

/** What incidents need to know of the whole house. */
export interface IncidentKinds {
  incidentKinds: readonly IncidentKind[]
}

/** The incident in one sentence. A kind that another version knows has its name as the summary. */
export const summaryOf = ({ kind, details }: { kind: string; details: unknown }, { incidentKinds }: IncidentKinds): string =>
  incidentKinds.find((known) => known.kind === kind)?.explain(details) ?? kind
