import { z } from '@hono/zod-openapi'
import { ApiError, type ErrorCode } from '../core/errors.ts'
import type { CreatedOrExisting } from '../db/call.ts'
import type { Database } from '../db/client.ts'
import type { JsonPage } from '../db/json-list.ts'
import { idAnswer } from './fields.ts'
import { linkAfter, type Page } from './paging.ts'
import { describeTarget, type Target } from './patch.ts'
import { type Router, serveOperation } from './router.ts'
import { idText } from './text-fields.ts'

/** What the endpoints below need to know of a resource. */
export interface Resource {
  path: string
  tag: string
  /** For summaries and messages: "pipeline type". */
  noun: string
  /** The noun in operation ids, if it differs. */
  operationNoun?: string
  /** The schema of a row in an answer. */
  answer: () => z.ZodType
  notFound: ErrorCode
}

export interface PatchableResource extends Resource {
  patchErrors: ErrorCode[]
  patchDescription: string
}

const withArticle = (noun: string): string => `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`

const plural = (noun: string): string => {
  if (noun.endsWith('s')) return `${noun}es`
  return noun.endsWith('ly') ? noun.replace(/y$/, 'ies') : `${noun}s`
}

/** The operation id, which is the name in generated clients: `get_anomaly_detection_rule`. */
const operation = (verb: string, noun: string): string => `${verb}_${noun.replaceAll(' ', '_')}`

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const notFound = ({ noun, notFound: code }: Pick<Resource, 'noun' | 'notFound'>, target: Target): ApiError =>
  new ApiError(code, describeTarget(capitalised(noun), target))

/** `POST /things`: 201 with the id of a new row, 200 with the id of an existing one. */
export const serveCreateOrGet = <Body extends z.ZodType>(
  router: Router,
  { path, tag, noun }: Pick<Resource, 'path' | 'tag' | 'noun'>,
  { body, description, errors = [] }: { body: () => Body; description: string; errors?: ErrorCode[] },
  create: (db: Database, body: z.output<Body>, now: string) => Promise<CreatedOrExisting>,
): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path,
      access: 'write',
      operationId: operation('create_or_get', noun),
      tag,
      summary: `Create or get ${withArticle(noun)}`,
      description,
      body,
      answers: {
        200: { description: 'The row existed already.', schema: idAnswer },
        201: { description: 'The row was created.', schema: idAnswer },
      },
      errors,
    },
    async (input, { db, now, sendAfterwards }) => {
      const { outcome, id, job_ids } = await create(db, input.body, now)
      if (job_ids) sendAfterwards(job_ids)
      return { status: outcome === 'created' ? 201 : 200, body: { id } }
    },
  )

/** `GET /things`: a page of rows, ordered by id. */
export const serveList = <Query extends z.ZodRawShape>(
  router: Router,
  {
    path,
    tag,
    noun,
    answer,
    operationNoun = noun,
    operationId,
  }: Pick<Resource, 'path' | 'tag' | 'noun' | 'answer' | 'operationNoun'> & { operationId?: string },
  query: () => Query,
  list: (db: Database, filters: z.output<z.ZodObject<Query>> & Page) => Promise<JsonPage>,
): void =>
  serveOperation(
    router,
    {
      method: 'get',
      path,
      access: 'read',
      operationId: operationId ?? operation('list', plural(operationNoun)),
      tag,
      summary: `List ${plural(noun)}`,
      query,
      answers: { 200: { description: 'The rows, ordered by id.', schema: () => z.array(answer()), paged: true } },
    },
    async (input, { db }) => {
      const filters = input.query as z.output<z.ZodObject<Query>> & Page
      const { json, next } = await list(db, filters)
      return { status: 200, json, headers: linkAfter(input.url, next) }
    },
  )

/** `GET /things/{id}`: one row. */
export const serveOne = (
  router: Router,
  resource: Resource,
  find: (db: Database, id: number, now: string) => Promise<object | undefined>,
  answer: () => z.ZodType = resource.answer,
): void =>
  serveOperation(
    router,
    {
      method: 'get',
      path: `${resource.path}/{id}`,
      access: 'read',
      operationId: operation('get', resource.operationNoun ?? resource.noun),
      tag: resource.tag,
      summary: `Get one ${resource.noun}`,
      params: () => ({ id: idText(`The id of the ${resource.noun}.`) }),
      answers: { 200: { description: `The ${resource.noun}.`, schema: answer } },
      errors: [resource.notFound],
    },
    async ({ params: { id } }, { db, now }) => {
      const row = await find(db, id, now)
      if (!row) throw notFound(resource, { id })
      return { status: 200, body: row }
    },
  )

/** A row after a change, and the ids of the jobs that the change recorded. */
export interface Updated {
  row: object
  jobIds: readonly number[]
}

/** `PATCH /things`: changes the fields in the body, and answers with the whole row. */
export const servePatch = <Changes>(
  router: Router,
  resource: PatchableResource,
  body: () => z.ZodType<{ target: Target; changes: Changes }>,
  update: (db: Database, target: Target, changes: Changes, now: string) => Promise<Updated | undefined>,
): void =>
  serveOperation(
    router,
    {
      method: 'patch',
      path: resource.path,
      access: 'write',
      operationId: operation('update', resource.noun),
      tag: resource.tag,
      summary: `Update ${withArticle(resource.noun)}`,
      description: `Only the fields in the body change. ${resource.patchDescription}`,
      body,
      answers: { 200: { description: 'The whole row after the change.', schema: resource.answer } },
      errors: [resource.notFound, ...resource.patchErrors],
    },
    async ({ body: { target, changes } }, { db, now, sendAfterwards }) => {
      const updated = await update(db, target, changes, now)
      if (!updated) throw notFound(resource, target)
      sendAfterwards(updated.jobIds)
      return { status: 200, body: updated.row }
    },
  )
