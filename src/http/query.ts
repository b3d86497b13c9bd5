import type { z } from '@hono/zod-openapi'
import type { Issue } from '../core/errors.ts'
import { knownFields, nearestName } from './near-miss.ts'

/** Every operation knows this parameter: `?profile=true`. */
const PROFILE = 'profile'
const MAX_NAMED_CHARACTERS = 50
const MAX_ISSUES = 20

/** A fault for each unknown query parameter: if it were ignored, a filter with a typing error would return every row. */
export const findUnknownParameters = (url: string, query: z.ZodObject | undefined): Issue[] => {
  const begin = url.indexOf('?')
  if (begin === -1) return []
  const known = Object.keys(query?.shape ?? {})
  const given = new Set(new URLSearchParams(url.slice(begin)).keys())
  const unknown = [...given].filter((name) => name !== PROFILE && !known.includes(name))
  return unknown.slice(0, MAX_ISSUES).map((name) => ({ loc: ['query', name], msg: describe(name, known), type: 'unknown_parameter' }))
}

/** A fault for each unknown field of the body of an operation where a field that is ignored could mean everything. */
export const findUnknownFields = (body: unknown, schema: z.ZodType): Issue[] => {
  const known = knownFields(schema)
  if (known === undefined || body === null || typeof body !== 'object' || Array.isArray(body)) return []
  const unknown = Object.keys(body).filter((name) => !known.includes(name))
  return unknown.slice(0, MAX_ISSUES).map((name) => ({ loc: ['body', name], msg: describe(name, known), type: 'unknown_field' }))
}

const describe = (name: string, known: string[]): string => {
  if (known.length === 0) return 'Unknown: this operation takes no query parameters'
  // Even a very different name gets a suggestion: an operation knows only a few.
  const nearest = nearestName(name.slice(0, MAX_NAMED_CHARACTERS), known, MAX_NAMED_CHARACTERS) ?? known[0]
  return `Unknown: did you mean ${nearest}?`
}
