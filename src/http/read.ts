import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ApiError, type Issue, validationFault } from '../core/errors.ts'
import { readBody } from './body.ts'
import { nearMisses } from './near-miss.ts'
import { findUnknownFields, findUnknownParameters } from './query.ts'
import type { RegisteredRoute } from './route.ts'

export interface Parts {
  path?: z.ZodObject
  query?: z.ZodObject
  header?: z.ZodObject
  body?: z.ZodType
}

type Part = keyof Parts

/** The schemas of a route's input, in the order of the checks. */
export const partsOf = ({ params, query, headers, body }: Pick<RegisteredRoute, 'params' | 'query' | 'headers' | 'body'>): Parts => ({
  ...(params && { path: z.object(params()) }),
  ...(query && { query: z.object(query()) }),
  ...(headers && { header: z.object(headers()) }),
  ...(body && { body: body() }),
})

interface ReadInput {
  params: object
  query: object
  headers: object
  body: unknown
  url: string
}

/**
 * Reads every part of the input with its schema. Throws one error with the faults of all parts. `warnings` gets probable
 * typing errors that are not refused.
 */
export const readInput = async (context: Context, route: RegisteredRoute, parts: Parts, warnings: string[]): Promise<ReadInput> => {
  const issues: Issue[] = []
  const input: ReadInput = { params: {}, query: {}, headers: {}, body: undefined, url: context.req.url }
  if (parts.path) {
    const result = parts.path.safeParse(context.req.param(), { error: wordIssue })
    if (result.success) input.params = result.data
    // For a page, a wrong parameter in the path is a wrong URL: 404, not 422.
    else if (route.kind === 'page') throw new ApiError('path_not_found', `There is no page ${context.req.path}`)
    else addIssues('path', result.error, issues)
  }
  if (route.kind === 'operation' && !route.ignoresUnknownQuery) issues.push(...findUnknownParameters(context.req.url, parts.query))
  if (parts.query) {
    const result = parts.query.safeParse(context.req.query(), { error: wordIssue })
    if (result.success) input.query = result.data
    else addIssues('query', result.error, issues)
  }
  if (parts.header) {
    const result = parts.header.safeParse(pickHeaders(context, Object.keys(parts.header.shape)), { error: wordIssue })
    if (result.success) input.headers = result.data
    else addIssues('header', result.error, issues)
  }
  if (parts.body) {
    const body = await readBody(context.req.raw)
    const result = parts.body.safeParse(body, { error: wordIssue })
    if (result.success) input.body = result.data
    else addIssues('body', result.error, issues)
    if (route.kind === 'operation' && route.refusesUnknownFields) issues.push(...findUnknownFields(body, parts.body))
    else warnings.push(...nearMisses(body, parts.body))
  }
  if (issues.length > 0) throw validationFault(issues)
  return input
}

const addIssues = (part: Part, { issues: found }: z.ZodError, issues: Issue[]): void => {
  for (const issue of found) issues.push(describeIssue(part, issue))
}

/** Only the headers that the route knows: a request has dozens. */
const pickHeaders = (context: Context, names: string[]) => Object.fromEntries(names.map((name) => [name, context.req.header(name)]))

/** A message in place of zod's "Invalid input: expected string, received undefined"; undefined keeps zod's own. */
const wordIssue = (issue: { code?: string; input?: unknown; expected?: string }): string | undefined => {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union') return undefined
  if (issue.input === undefined) return 'Required'
  if (issue.input === null) return 'Must not be null'
  return issue.code === 'invalid_union' ? undefined : `Must be ${/^[aeio]/.test(issue.expected ?? '') ? 'an' : 'a'} ${issue.expected}`
}

const describeIssue = (part: string, issue: z.core.$ZodIssue): Issue => ({
  loc: [part, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))],
  msg: issue.message,
  type: issue.message === 'Required' ? 'missing' : issue.code,
})
