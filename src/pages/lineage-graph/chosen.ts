import { z } from 'zod'
import { DIRECTIONS, type GraphFilters } from './queries.ts'

/** What the address of the page says, as it was typed. */
export type Typed = Partial<Record<'address' | 'search' | 'direction' | 'depth' | 'target', string | undefined>>

export interface Chosen extends GraphFilters {
  address: number | undefined
  search: string
  /** One sentence for each value that was not understood. */
  faults: string[]
}

const MAX_DEPTH = 50
const DEFAULT_DEPTH = 3
const id = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const direction = z.enum(DIRECTIONS)
const depth = z.coerce.number().int().min(1).max(MAX_DEPTH)
const name = z
  .string()
  .max(150)
  .refine((text) => !text.includes('\0')) // a text in PostgreSQL cannot contain it

/** Reads the values; one that is not understood counts as absent, and the page says so. */
export const choose = (typed: Typed): Chosen => {
  const faults: string[] = []
  const read = <Value, Otherwise>(field: z.ZodType<Value>, text: string | undefined, otherwise: Otherwise, expected: string) => {
    const given = text?.trim() ?? ''
    if (given === '') return otherwise
    const result = field.safeParse(given)
    if (result.success) return result.data
    faults.push(`“${given.slice(0, 40).replace(/\p{Cc}/gu, '�')}” is not ${expected}.`)
    return otherwise
  }
  return {
    address: read(id, typed.address, undefined, 'the id of an address'),
    search: read(name, typed.search, '', 'a part of a name of at most 150 letters'),
    direction: read(direction, typed.direction, 'both', 'a direction: both are shown'),
    depth: read(depth, typed.depth, DEFAULT_DEPTH, `a depth from 1 to ${MAX_DEPTH}: ${DEFAULT_DEPTH} steps are shown`),
    target: read(name, typed.target, '', 'a part of a name of at most 150 letters: all paths are shown'),
    faults,
  }
}
