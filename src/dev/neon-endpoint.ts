import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { asText, listenLocally, Refusal, readBytes } from './local-server.ts'
import { createPools } from './neon-pools.ts'

/**
 * Neon's SQL-over-HTTP endpoint in front of any PostgreSQL: the worker runs the same driver here and in production.
 * The protocol is that of @neondatabase/serverless 1.2 and Neon's proxy (proxy/src/serverless in neondatabase/neon): one
 * statement, or several as one transaction; parameters and results as text; rows as arrays; PostgreSQL's errors with
 * all fields as HTTP 400; at most 10 MiB in and out (507); a statement is cancelled when its client disconnects.
 */
export interface NeonEndpoint {
  /** For example `http://127.0.0.1:41234/sql`; the worker takes it as NEON_FETCH_ENDPOINT. */
  url: string
  close(): Promise<void>
}

interface Statement {
  query: string
  params?: (string | null)[]
}

const MAX_BYTES = 10 * 1024 * 1024

const HEADER_ISOLATION_LEVELS: Record<string, string> = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
}

/**
 * Starts the endpoint on a free loopback port, or on `port`. `databaseUrl` names the server; the client's connection string
 * names the database. If `password` is set, the client must send it: other users of this machine can reach the port.
 */
export const startNeonEndpoint = async (
  databaseUrl: string,
  { port = 0, password }: { port?: number; password?: string } = {},
): Promise<NeonEndpoint> => {
  const pools = createPools(databaseUrl)
  const traffic = new Map<string, { requests: number; statements: number }>()

  const server = createServer(async (request, response) => {
    try {
      assertLocalHost(request)
      if (request.method === 'GET' && password === undefined) return sendTraffic(request, response, traffic)
      const { database, application } = readTarget(request.headers, databaseUrl, password)
      const counted = traffic.get(database) ?? { requests: 0, statements: 0 }
      traffic.set(database, counted)
      counted.requests += 1
      const body = await readBody(request)
      counted.statements += 'queries' in body ? body.queries.length : 1
      const work = (client: pg.PoolClient) => execute(client, body, request.headers)
      send(response, 200, await pools.run(database, application, response, work))
    } catch (error) {
      sendError(response, error)
    }
  })
  const listening = await listenLocally(server, port)
  return {
    url: `http://127.0.0.1:${listening.port}/sql`,
    close: async () => {
      await listening.close()
      await pools.end()
    },
  }
}

/**
 * Starts the endpoint for a worker of our own, with a new password. Answers the worker's settings: it gets neither the real
 * credentials nor the address of the database.
 */
export const startOwnEndpoint = async (databaseUrl: string) => {
  const password = randomUUID()
  const { url, close } = await startNeonEndpoint(databaseUrl, { password })
  const settings = {
    DATABASE_URL: `postgresql://watcher:${password}@localhost${new URL(databaseUrl).pathname}`,
    NEON_FETCH_ENDPOINT: url,
  }
  return { settings, close }
}

/** A page on a foreign site may give this address a name of its own (DNS rebinding): its requests carry that name. */
const assertLocalHost = ({ headers: { host } }: IncomingMessage): void => {
  const name = host?.replace(/:\d+$/, '')
  if (name !== '127.0.0.1' && name !== 'localhost') throw new Refusal(403, 'this endpoint serves 127.0.0.1 only')
}

/** `GET /?database=name` answers how many requests and statements this database has received: tests and the bench count round trips. */
const sendTraffic = (request: IncomingMessage, response: ServerResponse, traffic: Map<string, unknown>): void => {
  const database = new URL(request.url ?? '/', 'http://localhost').searchParams.get('database') ?? ''
  send(response, 200, traffic.get(database) ?? { requests: 0, statements: 0 })
}

const readTarget = (headers: IncomingHttpHeaders, fallback: string, password: string | undefined) => {
  const text = headers['neon-connection-string']
  if (typeof text !== 'string') throw new Refusal(400, 'missing header: Neon-Connection-String')
  const url = new URL(text)
  if (password !== undefined && url.password !== password) throw new Refusal(401, 'password authentication failed')
  const database = decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(new URL(fallback).pathname.slice(1))
  return { database, application: url.searchParams.get('application_name') ?? '' }
}

const readBody = async (request: IncomingMessage): Promise<Statement | { queries: Statement[] }> => {
  const bytes = await readBytes(request, MAX_BYTES)
  if (!bytes) throw new Refusal(507, 'request is too large (max is 10485760 bytes)')
  try {
    return JSON.parse(asText(bytes))
  } catch (error) {
    throw new Refusal(400, `could not parse the HTTP request body: ${(error as Error).message}`)
  }
}

const execute = async (client: pg.PoolClient, body: Statement | { queries: Statement[] }, headers: IncomingHttpHeaders) => {
  if (!('queries' in body)) return runStatement(client, body)
  await client.query(beginStatement(headers))
  try {
    const results = []
    for (const statement of body.queries) results.push(await runStatement(client, statement))
    await client.query('COMMIT')
    return { results }
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

const beginStatement = (headers: IncomingHttpHeaders): string => {
  const level = headers['neon-batch-isolation-level']
  const modes: string[] = []
  if (level !== undefined) {
    const name = HEADER_ISOLATION_LEVELS[String(level)]
    if (!name) throw new Refusal(400, `invalid isolation level: ${level}`)
    modes.push(`ISOLATION LEVEL ${name}`)
  }
  if (headers['neon-batch-read-only'] === 'true') modes.push('READ ONLY')
  if (headers['neon-batch-deferrable'] === 'true') modes.push('DEFERRABLE')
  return `START TRANSACTION ${modes.join(', ')}`
}

const AS_TEXT = { getTypeParser: () => (text: string) => text }

const runStatement = async (client: pg.PoolClient, { query, params = [] }: Statement) => {
  const result = await client.query({
    text: query,
    values: params,
    rowMode: 'array',
    queryMode: 'extended', // as Neon does: one statement per query, even without parameters
    types: AS_TEXT,
  } as pg.QueryArrayConfig)
  return {
    command: result.command,
    rowCount: result.rowCount,
    rowAsArray: true,
    fields: result.fields.map((field) => ({
      name: field.name,
      dataTypeID: field.dataTypeID,
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: 'text',
    })),
    rows: result.rows,
  }
}

const send = (response: ServerResponse, status: number, body: unknown): void => {
  const text = JSON.stringify(body)
  if (status === 200 && Buffer.byteLength(text) > MAX_BYTES) {
    throw new Refusal(507, 'response is too large (max is 10485760 bytes)')
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

const sendError = (response: ServerResponse, error: unknown): void => {
  if (response.destroyed) return
  if (error instanceof Refusal) {
    send(response, error.status, { message: error.message })
  } else if (error instanceof pg.DatabaseError) {
    const fields = POSTGRES_ERROR_FIELDS.map((name) => [name, error[name as keyof pg.DatabaseError] ?? null])
    send(response, 400, { message: error.message, ...Object.fromEntries(fields) })
  } else {
    // The connection broke during the statement. Whether it was executed is unknown, as with Neon.
    send(response, 500, { message: `compute error: ${(error as Error).message}` })
  }
}

const POSTGRES_ERROR_FIELDS = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const
