import type { IncidentKind } from '../incidents/kind.ts'
import type { Check } from './check.ts'

/** The kind of incident of a check. Details that another version wrote have the kind's name as their summary. */
export const incidentKindOf = ({ incidentKind, incidentTitle, isDeadline, badge, evidence, explain }: Check): IncidentKind => ({
  kind: incidentKind,
  title: incidentTitle,
  badge,
  ...(isDeadline && { isDeadline }),
  explain: (details) => {
    const read = evidence().safeParse(details)
    return read.success ? explain(read.data) : incidentKind
  },
})
