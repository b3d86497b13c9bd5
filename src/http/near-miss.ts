import type { z } from '@hono/zod-openapi'

/** Shorter names are within two edits of too many others. */
const MIN_CHARACTERS = 5
const MAX_EDITS = 2
/** No known name is longer, and the comparison would take long. */
const MAX_CHARACTERS = 100
const MAX_WARNINGS = 5
/** Unknown names of one body. */
const MAX_COMPARED = 100

/** The number of inserted, deleted and replaced characters (Levenshtein distance); above `max`, any larger number. */
export const countEdits = (left: string, right: string, max: number): number => {
  if (Math.abs(left.length - right.length) > max) return max + 1
  let above = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    if (Math.min(...current) > max) return max + 1
    above = current
  }
  return above[right.length] ?? 0
}

/** The known name with the fewest edits, the first of several; undefined if none is within `max` edits. */
export const nearestName = (name: string, known: Iterable<string>, max: number): string | undefined => {
  let nearest: string | undefined
  let fewest = max + 1
  for (const candidate of known) {
    const edits = countEdits(name.toLowerCase(), candidate.toLowerCase(), Math.min(max, fewest - 1))
    if (edits < fewest) {
      nearest = candidate
      fewest = edits
    }
  }
  return nearest
}

interface Known {
  fields: Map<string, z.ZodType>
}
const knownOf = new WeakMap<z.ZodType, Known | null>()

/** The fields of an object's schema, also of a wrapped one; null if it is no object with named fields. */
const fieldsOf = (schema: z.ZodType): Known | null => {
  const before = knownOf.get(schema)
  if (before !== undefined) return before
  const { shape, innerType, in: input } = (schema as unknown as { def: { shape?: object; innerType?: z.ZodType; in?: z.ZodType } }).def
  const inner = innerType ?? input
  const known = shape ? { fields: new Map(Object.entries(shape) as [string, z.ZodType][]) } : inner ? fieldsOf(inner) : null
  knownOf.set(schema, known)
  return known
}

/** The names of the fields that a body's schema knows; undefined if it is no object. */
export const knownFields = (schema: z.ZodType): string[] | undefined => {
  const known = fieldsOf(schema)
  return known === null ? undefined : [...known.fields.keys()]
}

/** The schema of a list's elements, also of a wrapped list; undefined if it is no list. */
const elementOf = (schema: z.ZodType): z.ZodType | undefined => {
  const {
    element,
    innerType,
    in: input,
  } = (schema as unknown as { def: { element?: z.ZodType; innerType?: z.ZodType; in?: z.ZodType } }).def
  const inner = innerType ?? input
  return element ?? (inner && elementOf(inner))
}

/**
 * A sentence for each unknown field of the body whose name is close to a known one. Watcher ignores it, like every unknown
 * field, but it is probably a typing error. In a list of objects, only the first object with such a field is reported. Only the
 * first MAX_COMPARED unknown names are compared: a large body must not cost seconds.
 */
export const nearMisses = (body: unknown, schema: z.ZodType): string[] => {
  let comparisons = MAX_COMPARED
  const search = (value: unknown, known: Known | null, where: string): string[] => {
    if (known === null || value === null || typeof value !== 'object' || Array.isArray(value)) return []
    const sentences: string[] = []
    for (const [name, part] of Object.entries(value)) {
      const field = known.fields.get(name)
      if (comparisons <= 0 || sentences.length >= MAX_WARNINGS) break
      if (Array.isArray(part)) sentences.push(...searchList(part, field && elementOf(field), `${name}: `))
      if (field !== undefined || name.length < MIN_CHARACTERS || name.length > MAX_CHARACTERS) continue
      comparisons -= 1
      const nearest = nearestName(name, known.fields.keys(), MAX_EDITS)
      if (nearest !== undefined) sentences.push(`${where}${encodeURIComponent(name.toWellFormed())} is ignored: did you mean ${nearest}?`)
    }
    return sentences
  }
  const searchList = (list: unknown[], element: z.ZodType | undefined, where: string): string[] => {
    const known = element ? fieldsOf(element) : null
    for (const part of known ? list : []) {
      const found = search(part, known, where)
      if (found.length > 0 || comparisons <= 0) return found
    }
    return []
  }
  return search(body, fieldsOf(schema), '').slice(0, MAX_WARNINGS)
}
