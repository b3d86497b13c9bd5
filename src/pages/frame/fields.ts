import { z } from 'zod'

/** The last page of a list; a reader finds later rows with filters. */
export const LAST_PAGE = 1000

/** The number of a page of a list, from 1; anything else counts as 1. */
export const pageNumber = () => z.coerce.number().int().min(1).max(LAST_PAGE).catch(1)

/** An id, and a name of at most 150 letters, as an address has them. */
export const typedId = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
export const typedName = z
  .string()
  .trim()
  .max(150)
  .refine((text) => !text.includes('\0')) // a text in PostgreSQL cannot contain it

/** An id in a page's query; undefined if it is absent or not an id. */
export const idInQuery = () => typedId.optional().catch(undefined)

/** One of some words in a page's query, as `asNow` gives it for words of earlier versions; undefined if it is absent or another word. */
export const wordInQuery = (words: readonly string[], asNow = (word: string) => word) =>
  z
    .string()
    .transform(asNow)
    .refine((word) => words.includes(word))
    .optional()
    .catch(undefined)

/** A search text of at most 150 characters; anything else counts as empty. */
export const searchText = () => typedName.catch('')

/** The pattern for `ilike` that finds the search text anywhere; `%` and `_` match only themselves. null if the text is empty. */
export const patternOf = (search: string): string | null => (search === '' ? null : `%${search.replace(/[\\%_]/g, '\\$&')}%`)

/** The same for the search box: who types `orders load` or `orders_load` also finds `orders-load`. One of these letters stands for any. */
export const loosePatternOf = (search: string): string | null => {
  const pattern = patternOf(search)
  return pattern !== null && /[^-_ ]/.test(search) ? pattern.replace(/\\_|[- ]/g, '_') : pattern
}

const MAX_SHOWN = 40

/**
 * Makes the function that reads the values of an address. One that is not understood gives `otherwise`, and `faults` gets a sentence: what was
 * expected, and what the page does.
 */
export const typedReader =
  (faults: string[]) =>
  <Value, Otherwise>(field: z.ZodType<Value>, text: string | undefined, otherwise: Otherwise, expected: string): Value | Otherwise => {
    const given = text?.trim() ?? ''
    if (given === '') return otherwise
    const result = field.safeParse(given)
    if (result.success) return result.data
    faults.push(`“${given.slice(0, MAX_SHOWN).replace(/\p{Cc}/gu, '�')}” is not ${expected}.`)
    return otherwise
  }
