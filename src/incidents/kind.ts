/** A kind of incident, as the feature or check describes it that opens it. */
export interface IncidentKind {
  kind: string
  /** One sentence that a person can act on, without a full stop, from the incident's `details`. */
  explain(details: unknown): string
}

/** What incidents need to know of the whole house. */
export interface IncidentKinds {
  incidentKinds: readonly IncidentKind[]
}
