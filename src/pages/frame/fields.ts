import { z } from 'zod'

/** Beyond it nobody turns pages. */
export const LAST_PAGE = 1000

/** Pages of a list are numbered from 1. */
export const pageNumber = () => z.coerce.number().int().min(1).max(LAST_PAGE).catch(1)

/** An id in a page's query; without one, or with something else, undefined. */
export const idInQuery = () => z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional().catch(undefined)

/** A text that people type to find something. */
export const searchText = () =>
  z
    .string()
    .trim()
    .max(150)
    .refine((text) => !text.includes('\0')) // which no text in PostgreSQL can contain
    .catch('')

/** For `ilike`: what people type, anywhere in the text; `%` and `_` are just characters. null for nothing typed. */
export const patternOf = (search: string): string | null => (search === '' ? null : `%${search.replace(/[\\%_]/g, '\\$&')}%`)
