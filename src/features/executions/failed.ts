import { z } from 'zod'
import { once } from '../../core/once.ts'
import { amount } from '../../db/rows.ts'
import type { IncidentKind } from '../../incidents/kind.ts'

/** What report-failure.sql writes. */
const details = once(() => z.object({ pipeline_execution_id: amount, why: z.string().nullable() }))

/** A run has failed, and no run after it has succeeded. */
export const failed: IncidentKind = {
  kind: 'failed',
  title: 'Pipeline Execution Failed',
  badge: { word: 'failed', sign: '✕', tone: 'failed' },
  explain: (given) => {
    const { pipeline_execution_id, why } = details().parse(given)
    return why === null
      ? `Run ${pipeline_execution_id} failed and gave no reason: send execution_metadata with its end`
      : `Run ${pipeline_execution_id} failed: ${why}`
  },
}
