import { z } from 'zod'
import { typedId, typedName, typedReader } from '../frame/fields.ts'
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
const direction = z.enum(DIRECTIONS)
const depth = z.coerce.number().int().min(1).max(MAX_DEPTH)

/** Reads the values; one that is not understood counts as absent, and the page says so. */
export const choose = (typed: Typed): Chosen => {
  const faults: string[] = []
  const read = typedReader(faults)
  return {
    address: read(typedId, typed.address, undefined, 'the id of an address'),
    search: read(typedName, typed.search, '', 'a part of a name of at most 150 letters'),
    direction: read(direction, typed.direction, 'both', 'a direction: both are shown'),
    depth: read(depth, typed.depth, DEFAULT_DEPTH, `a depth from 1 to ${MAX_DEPTH}: ${DEFAULT_DEPTH} steps are shown`),
    target: read(typedName, typed.target, '', 'a part of a name of at most 150 letters: all paths are shown'),
    faults,
  }
}
