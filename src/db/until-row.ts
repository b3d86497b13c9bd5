import { z } from 'zod'
import { whole } from './rows.ts'

/** The row of a statement that creates a row or finds it. */
export const createdRow = z.object({ outcome: z.enum(['created', 'existing']), id: whole })

const MAX_TRIES = 10

/** Repeats a statement that returns no row after a lost race: the next try sees what the winner committed. */
export const untilRow = async <Row>(attempt: () => Promise<Row[]>): Promise<Row> => {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const [row] = await attempt()
    if (row !== undefined) return row
  }
  throw new Error(`No row after ${MAX_TRIES} tries: the statement must find or create one`)
}
