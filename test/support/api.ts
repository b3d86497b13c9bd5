import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { neon, neonConfig } from '@neondatabase/serverless'
import { expect } from 'vitest'
import { parseJson } from '../../src/core/json.ts'
import worker from '../../src/index.ts'

export interface Reply {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the service answered
  body: any
  headers: Headers
}

/**
 * Sends a request to the worker through its own entry. A `body` that is text or bytes is sent unchanged. (`exports.default.fetch`
 * is not used: it gets slower with every call, and the closure's test would take 60 seconds instead of 7.)
 */
export const call = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  settings: Record<string, unknown> = {},
): Promise<Reply> => {
  const text = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const request = new Request<unknown, IncomingRequestCfProperties>(`https://watcher.test${path}`, {
    method,
    body: text,
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  })
  const context = createExecutionContext()
  const response = await worker.fetch(request, { ...env, ...settings } as Env, context)
  await waitOnExecutionContext(context)
  const answer = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json'
  return { status: response.status, body: isJson && answer ? parseJson(answer) : answer, headers: response.headers }
}

export const get = (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers)
export const post = (path: string, body?: unknown, headers?: Record<string, string>) => call('POST', path, body, headers)
export const patch = (path: string, body: unknown) => call('PATCH', path, body)

/** Runs SQL directly, not through the service; returns rows as the driver reads them. */
export const sql = (text: string, params: unknown[] = []) => {
  neonConfig.fetchEndpoint = env.NEON_FETCH_ENDPOINT // a request with another setting may have changed it
  return neon(env.DATABASE_URL).query(text, params)
}

/** The number of requests that the Neon endpoint has received for this file's database. */
export const countRoundTrips = async (): Promise<number> => {
  const database = new URL(env.DATABASE_URL).pathname.slice(1)
  const response = await fetch(`${env.NEON_FETCH_ENDPOINT}?database=${database}`)
  return ((await response.json()) as { requests: number }).requests
}

/** The number of rows of a table, or of what else stands after `from`. */
export const countOf = async (from: string, params: unknown[] = []): Promise<number> =>
  Number((await sql(`select count(*) as n from ${from}`, params))[0]?.n)

/**
 * Forces a race: while the work runs, a statement that inserts into (or updates) the table waits until `contenders` such
 * statements have arrived; none of them sees the writes of the others. Returns the number of rows that they wrote.
 */
export const race = async (
  event: 'insert' | 'update',
  table: string,
  contenders: number,
  work: () => Promise<unknown>,
): Promise<number> => {
  await sql(`create sequence race_arrival`)
  await sql(`create sequence race_write`)
  await sql(`create function meet_for_race() returns trigger language plpgsql as $$
    begin
      if tg_level = 'ROW' then
        perform nextval('race_write');
        return null;
      end if;
      if nextval('race_arrival') > ${contenders} then return null; end if;
      for turn in 1..500 loop
        exit when (select last_value from race_arrival) >= ${contenders};
        perform pg_sleep(0.01);
      end loop;
      return null;
    end $$`)
  try {
    await sql(`create trigger meet_for_race before ${event} on ${table} for each statement execute function meet_for_race()`)
    await sql(`create trigger count_for_race after ${event} on ${table} for each row execute function meet_for_race()`)
    await work()
    expect(Number((await sql('select last_value from race_arrival'))[0]?.last_value)).toBeGreaterThanOrEqual(contenders)
    return await countOf('generate_series(1, (select last_value from race_write)) where (select is_called from race_write)')
  } finally {
    await sql('drop function meet_for_race cascade')
    await sql('drop sequence race_arrival, race_write')
  }
}

/**
 * While the work runs, each row inserted into the table takes a second: what begins `later` in its work comes while that transaction is open.
 */
export const slowInserts = async (table: string, first: () => Promise<unknown>, later: () => Promise<unknown>): Promise<void> => {
  await sql('create function insert_slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$')
  try {
    await sql(`create trigger insert_slowly before insert on ${table} for each row execute function insert_slowly()`)
    await Promise.all([first(), sql('select pg_sleep(0.4)').then(later)])
  } finally {
    await sql('drop function insert_slowly cascade')
  }
}

let made = 0
/** A name that no other test of this file uses. */
export const unique = (prefix: string): string => {
  made += 1
  return `${prefix}-${made}`
}

/** Creates a pipeline and returns its id. */
export const makePipeline = async (fields: Record<string, unknown> = {}): Promise<number> => {
  const { status, body } = await post('/pipeline', { name: unique('pipeline'), pipeline_type_name: 'extraction', ...fields })
  expect(status).toBe(201)
  return body.id
}

/** Starts an execution and returns its id. */
export const startRun = async (fields: Record<string, unknown>): Promise<number> => {
  const { status, body } = await post('/start_pipeline_execution', fields)
  expect(status).toBe(201)
  return body.id
}

/** A pipeline as the API returns it. */
export const readPipeline = async (id: number) => (await get(`/pipeline/${id}`)).body
export const readExecution = async (id: number) => (await get(`/pipeline_execution/${id}`)).body

/** Expects an error of the documented shape: `detail` is the message or, for 422, the list of faults. */
export const expectError = (reply: Reply, status: number, code: string, loc?: (string | number)[]): void => {
  expect([reply.status, reply.body.code]).toEqual([status, code])
  expect(Object.keys(reply.body).sort()).toEqual(['code', 'detail', 'message', 'request_id'])
  expect(reply.body.message).toMatch(/\S.*\S/)
  expect(reply.headers.get('x-request-id')).toBe(reply.body.request_id)
  if (status === 422)
    expect(reply.body.detail[0]).toMatchObject({ loc: expect.any(Array), msg: expect.any(String), type: expect.any(String) })
  else expect(reply.body.detail).toBe(reply.body.message)
  if (loc) expect(reply.body.detail.map((issue: { loc: unknown }) => issue.loc)).toContainEqual(loc)
}
