import { z } from '@hono/zod-openapi'
import { ApiError } from '../../core/errors.ts'
import { once } from '../../core/once.ts'
import { UUID } from '../../core/uuid.ts'
import { tellsOthers } from '../../env.ts'
import type { House } from '../../features/feature.ts'
import { type Answer, type Router, serveOperation, serveUndocumented } from '../../http/router.ts'
import type { Scope } from '../../http/scope.ts'
import { idText } from '../../http/text-fields.ts'
import { describeBadge, drawBadge, stateOf } from './badge.ts'
import { MAX_BODY_BYTES, readPingBody } from './body.ts'
import { type PingFields, pingQuery, readFields } from './fields.ts'
import { makePingUrl, type Ping, readStates, recordPing } from './queries.ts'

const tag = 'Pings'
const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'Ping-Body-Limit': String(MAX_BODY_BYTES) }
/** Badges are pictures on other pages, asked for with every view. */
const FRESH_SECONDS = 60

const notFound = (): ApiError => new ApiError('ping_not_found', 'not found')

const MAX_EXIT_STATUS = 255

/** What the end of the path says; undefined: nothing that we know. */
const actionOf = (suffix: string | undefined): Pick<Ping, 'action' | 'exitStatus'> | undefined => {
  if (suffix === undefined) return { action: 'success' }
  if (suffix === 'start' || suffix === 'fail' || suffix === 'log') return { action: suffix }
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > MAX_EXIT_STATUS) return undefined
  return { action: Number(suffix) === 0 ? 'success' : 'fail', exitStatus: Number(suffix) }
}

/** Reads `/ping/{key}/{slug}[/{suffix}]` or `/ping/{uuid}[/{suffix}]`; undefined: no pipeline can have this name. */
const readPath = ({ key, name, suffix }: Record<string, string | undefined>) => {
  const isUrl = UUID.test(key ?? '')
  const action = actionOf(isUrl ? name : suffix)
  if (!action || (isUrl && suffix !== undefined) || (!isUrl && name === undefined)) return undefined
  const slug = name?.trim() ?? ''
  if (!isUrl && (slug === '' || slug.length > 150 || slug.includes('\0') || !slug.isWellFormed())) return undefined
  return { ...action, target: isUrl ? { uuid: key ?? '' } : { slug } }
}

interface PingInput {
  params: Record<string, string | undefined>
  query: PingFields & { rid?: string | undefined; create?: boolean | undefined }
}

const answerPing = async ({ params, query }: PingInput, request: Request, scope: Scope): Promise<Answer> => {
  const { db, now, settings, sendAfterwards } = scope
  const read = readPath(params)
  const { text, form } = await readPingBody(request)
  if (!read) throw notFound()
  const { rid, create = false, ...fields } = query
  const ping = { ...read, rid, create, fields: { ...readFields(form), ...fields }, body: text }
  const { outcome, names, job_ids } = await recordPing(
    db,
    ping,
    { createRules: settings.WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES, tells: tellsOthers(settings) },
    now,
  )
  sendAfterwards(job_ids ?? [])
  if (outcome === 'unknown') throw notFound()
  if (outcome === 'ambiguous') throw ambiguous(names ?? [])
  return { status: outcome === 'created' ? 201 : 200, text: 'OK', headers: TEXT }
}

const ambiguous = (names: string[]): ApiError =>
  new ApiError(
    'ping_ambiguous',
    `several pipelines are written like this in a URL: ping the exact name, one of ${names.map((name) => JSON.stringify(name)).join(', ')}`,
  )

const DESCRIPTION = `A pipeline that cannot call the API is watched by its pings, with any client of healthchecks, with curl, or in a cron line. The address says what happened:

- \`…/start\`: a run has begun;
- nothing more, or \`…/0\`: it has succeeded;
- \`…/fail\`, or an exit status \`…/1\` to \`…/255\`: it has failed;
- \`…/log\`: only a text to keep.

\`GET\`, \`HEAD\`, \`POST\` and \`PUT\` do the same. \`{key}\` is a token of the kind \`ping\` (\`name:token:ping\` in \`WATCHER_API_TOKENS\`). \`{name}\` is the name of the pipeline, or the name in lower case with \`-\` in the place of other characters.
With the UUID of \`POST /pipeline/{id}/ping_url\` the address is \`/ping/{uuid}\` and needs no name.

The body, its first 100,000 bytes, is kept as the log of the run, whatever its content type says; of a form the fields below are read. A success without a start is a run of length 0. Two starts without \`rid\`: the first run is ended as failed (superseded).
The answer is the text \`OK\`.`

const keyField = () => z.string().openapi({ description: 'A token of the kind `ping`, or the UUID of a ping URL.', example: 'ping-key' })
const PATHS = ['/ping/{key}', '/ping/{key}/{name}', '/ping/{key}/{name}/{suffix}'] as const

const pathFields: Record<(typeof PATHS)[number], () => z.ZodRawShape> = {
  '/ping/{key}': () => ({ key: keyField() }),
  '/ping/{key}/{name}': () => ({
    key: keyField(),
    name: z.string().openapi({ description: 'The pipeline; after a UUID, what happened.', example: 'nightly-backup' }),
  }),
  '/ping/{key}/{name}/{suffix}': () => ({
    key: keyField(),
    name: z.string().openapi({ description: 'The pipeline.', example: 'nightly-backup' }),
    suffix: z.string().openapi({ description: '`start`, `fail`, `log` or an exit status from 0 to 255.', example: 'start' }),
  }),
}
const OPERATIONS = {
  '/ping/{key}': 'ping_url',
  '/ping/{key}/{name}': 'ping_success',
  '/ping/{key}/{name}/{suffix}': 'ping_outcome',
} as const

const urlAnswer = once(() =>
  z
    .object({
      uuid: z.uuid().openapi({ example: '8a4b0ad8-3dd4-4a5a-8a5f-0c8f7a4d3b1e' }),
      url: z.url().openapi({
        description: 'Whoever has it may ping.',
        example: 'https://watcher.example.com/ping/8a4b0ad8-3dd4-4a5a-8a5f-0c8f7a4d3b1e',
      }),
    })
    .openapi('PingUrl'),
)

export const routes = (router: Router, house: House): void => {
  for (const path of PATHS) {
    const route = { path, access: 'ping', params: pathFields[path], query: pingQuery, ignoresUnknownQuery: true } as const
    // One method is documented for all: a generated client needs each operation once.
    serveOperation(
      router,
      {
        ...route,
        method: 'post',
        operationId: OPERATIONS[path],
        tag,
        summary:
          path === '/ping/{key}/{name}'
            ? 'Ping: a run has succeeded'
            : path === '/ping/{key}'
              ? 'Ping by URL'
              : 'Ping: start, fail, log or an exit status',
        description: DESCRIPTION,
        answers: {
          200: { description: 'Recorded. The text `OK`.', mediaType: 'text/plain' },
          201: { description: 'Recorded, and the pipeline is created. The text `OK`.', mediaType: 'text/plain' },
        },
        errors: ['ping_not_found', 'ping_ambiguous'],
      },
      (input, scope, request) => answerPing(input as PingInput, request, scope),
    )
    for (const method of ['get', 'put'] as const) {
      serveUndocumented(router, { ...route, method }, (input, scope, request) => answerPing(input as PingInput, request, scope))
    }
  }

  serveOperation(
    router,
    {
      method: 'post',
      path: '/pipeline/{id}/ping_url',
      access: 'write',
      operationId: 'make_ping_url',
      tag,
      summary: 'Make a ping URL for one pipeline',
      description: 'Asked again, it answers a new one, and the earlier one ends.',
      params: () => ({ id: idText('The pipeline.') }),
      answers: { 201: { description: 'The URL. It is shown only now.', schema: urlAnswer } },
      errors: ['pipeline_not_found'],
    },
    async ({ params: { id }, url }, { db, now, settings }) => {
      const uuid = crypto.randomUUID()
      if (!(await makePingUrl(db, id, uuid, now))) throw new ApiError('pipeline_not_found', `Pipeline ${id} not found`)
      return { status: 201, body: { uuid, url: `${settings.WATCHER_PUBLIC_URL ?? new URL(url).origin}/ping/${uuid}` } }
    },
  )

  serveOperation(
    router,
    {
      method: 'get',
      path: '/badge/{key}/{file}',
      access: 'ping',
      operationId: 'get_badge',
      tag,
      summary: 'The state of a pipeline as a picture or JSON',
      description:
        'For wikis and dashboards. `{file}` is the name of the pipeline, as in a ping, and `.svg` or `.json`. It may be cached for a minute.',
      params: () => ({
        key: keyField(),
        file: z.string().openapi({ description: 'The pipeline and the format.', example: 'nightly-backup.svg' }),
      }),
      ignoresUnknownQuery: true,
      answers: { 200: { description: 'An image, or `{"pipeline", "state", "status", "total", "grace", "down"}`.' } },
      errors: ['ping_not_found', 'ping_ambiguous'],
    },
    async ({ params: { key, file } }, { db }) => {
      const [, name, format] = /^(.*)\.(svg|json)$/s.exec(file as string) ?? []
      const read =
        name === undefined ? undefined : readPath(UUID.test(key as string) ? { key: key as string } : { key: key as string, name })
      if (!read) throw notFound()
      const states = await readStates(db, read.target)
      const [state] = states
      if (!state) throw notFound()
      if (states.length > 1) throw ambiguous(states.map((found) => found.name))
      const badge = stateOf(state, house.incidentKinds)
      const headers = { 'Cache-Control': `public, max-age=${FRESH_SECONDS}`, 'Access-Control-Allow-Origin': '*' }
      if (format === 'json') return { status: 200, body: describeBadge(state.name, badge), headers }
      return { status: 200, text: drawBadge(state.name, badge), headers: { ...headers, 'Content-Type': 'image/svg+xml; charset=utf-8' } }
    },
  )
}
