import { z } from 'zod'
import { once } from '../core/once.ts'
import { type AlertKind, alertKind, foundFields } from '../notifications/alert.ts'
import { inOneLine } from '../notifications/message.ts'

/**
 * The alert of a check without its own texts: a title, and one sentence per finding. The payload's items hold the evidence
 * of the findings.
 */
export const plainAlert = <Evidence>(
  kind: string,
  title: string,
  evidence: () => z.ZodType<Evidence>,
  explain: (evidence: Evidence) => string,
): AlertKind => {
  const payload = once(() => z.object({ ...foundFields, items: z.array(evidence()) }))
  return alertKind(kind, payload, ({ at, count, items }) => ({
    at,
    level: 'WARNING',
    message: `${title} Check Failed - ${count} finding(s)`,
    details: [['Findings', '•', items.map((item) => inOneLine(explain(item))), count]],
  }))
}
