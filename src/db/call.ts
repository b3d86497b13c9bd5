import type { Database } from './client.ts'
import type { Statement } from './statement.ts'

/**
 * Calls one of our functions, which returns one JSON column: `row_to_json(…) as row`, its `outcome` and what belongs to it. The hot
 * calls read it without a schema, because function and type stand side by side. Ids stay below 2^53.
 */
export const callFunction = async <Outcome extends { outcome: string }>(
  db: Database,
  statement: Statement,
  values: Record<string, unknown>,
): Promise<Outcome> => {
  const [found] = await db.read(statement, ({ row }) => JSON.parse(row as string) as Outcome, values)
  if (typeof found?.outcome !== 'string') throw new Error('the function returned no outcome')
  return found
}

/** What a function returns that creates a row or finds it. */
export interface CreatedOrExisting {
  outcome: 'created' | 'existing'
  id: number
  /** The jobs that it recorded, for the caller to send. */
  job_ids?: number[] | null
}
