import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NeonEndpoint, startNeonEndpoint } from '../../src/dev/neon-endpoint.ts'
import { type PostgresServer, startPostgres } from '../../src/dev/postgres.ts'

let folder: string
let postgres: PostgresServer
let endpoint: NeonEndpoint
const connection = 'postgresql://postgres@localhost/postgres'

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watcher-endpoint-'))
  postgres = await startPostgres(folder, { durable: false })
  endpoint = await startNeonEndpoint(postgres.url)
  neonConfig.fetchEndpoint = endpoint.url
  neonConfig.disableWarningInBrowsers = true
})

afterAll(async () => {
  await endpoint.close()
  await postgres.stop()
  for (const used of new Set([folder, postgres.folder])) rmSync(used, { recursive: true, force: true })
})

const sql = () => neon(connection, { fullResults: true })
const failureOf = (query: Promise<unknown>) =>
  query.then(
    () => expect.unreachable(),
    (error: NeonDbError) => error,
  )

describe("the local stand-in for Neon's HTTP endpoint", () => {
  it("answers PostgreSQL's text values, with types, command and row count", async () => {
    const types = { getTypeParser: () => (text: string) => text }
    const result = await sql().query(
      `select 9007199254740993::int8 as big, '2025-01-09 20:30:45.123456+00'::timestamptz as at, null as nothing, '{"a":1}'::jsonb as json`,
      [],
      { types } as never,
    )
    expect(result.rows).toEqual([{ big: '9007199254740993', at: '2025-01-09 20:30:45.123456+00', nothing: null, json: '{"a": 1}' }])
    expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
      ['big', 20],
      ['at', 1184],
      ['nothing', 25],
      ['json', 3802],
    ])
    expect([result.command, result.rowCount]).toEqual(['SELECT', 1])
  })

  it('accepts every parameter type that the driver sends', async () => {
    const { rows } = await sql().query('select $1::int + 1 as n, $2::bool as b, $3::text[] as list, $4::jsonb as j, $5::text as t', [
      41,
      true,
      ['a', 'b,"c'],
      { x: 1 },
      null,
    ])
    expect(rows).toEqual([{ n: 42, b: true, list: ['a', 'b,"c'], j: { x: 1 }, t: null }])
  })

  it('uses the extended protocol: one statement per query', async () => {
    expect((await failureOf(sql().query('select 1; select 2'))).code).toBe('42601')
  })

  it("passes on PostgreSQL's error with all its fields", async () => {
    await sql().query('create table guarded (n int constraint n_positive check (n > 0))')
    expect(await failureOf(sql().query('insert into guarded values (-1)'))).toMatchObject({
      name: 'NeonDbError',
      code: '23514',
      severity: 'ERROR',
      constraint: 'n_positive',
      table: 'guarded',
      schema: 'public',
      detail: expect.stringContaining('-1'),
      routine: expect.any(String),
    })
  })

  it('runs several statements as one transaction: all or none take effect', async () => {
    await sql().query('create table ledger (n int)')
    const client = sql()
    await client.transaction([client.query('insert into ledger values (1)'), client.query('insert into ledger values (2)')])
    await failureOf(client.transaction([client.query('insert into ledger values (3)'), client.query('select 1/0')]))
    expect((await client.query('select array_agg(n order by n) as n from ledger')).rows).toEqual([{ n: [1, 2] }])
  })

  it('applies isolation level, read only and deferrable', async () => {
    const client = sql()
    const shown = await client.transaction([client.query('show transaction_isolation'), client.query('show transaction_read_only')], {
      isolationLevel: 'Serializable',
      readOnly: true,
      deferrable: true,
    })
    expect(shown.map(({ rows }) => Object.values(rows[0] ?? {})[0])).toEqual(['serializable', 'on'])
    const refused = await failureOf(client.transaction([client.query('create table never (n int)')], { readOnly: true }))
    expect(refused.code).toBe('25006')
  })

  it('cancels the statement when the client disconnects', async () => {
    const leave = new AbortController()
    const query = failureOf(neon(connection, { fetchOptions: { signal: leave.signal } }).query('select pg_sleep(30)'))
    const running = async () =>
      (await sql().query(`select count(*)::int as n from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'`))
        .rows[0]?.n
    await expect.poll(running).toBe(1)
    leave.abort()
    await query
    await expect.poll(running).toBe(0)
  })

  const send = (body: unknown, application = 'watcher', host?: string) =>
    fetch(endpoint.url, {
      method: 'POST',
      headers: { 'Neon-Connection-String': `${connection}?application_name=${application}`, ...(host && { host }) },
      body: JSON.stringify(body),
    })
  const asleep = async (seconds: number) =>
    (await sql().query(`select count(*)::int as n from pg_stat_activity where query = 'select pg_sleep(${seconds})' and state = 'active'`))
      .rows[0]?.n

  it('gives pages a quarter of the connections and jobs a half, so that other requests find one', async () => {
    const pages = Array.from({ length: 60 }, () => send({ query: 'select pg_sleep(1.01)' }, 'watcher-pages'))
    const jobs = Array.from({ length: 60 }, () => send({ query: 'select pg_sleep(1.02)' }, 'watcher-jobs'))
    await expect.poll(async () => [await asleep(1.01), await asleep(1.02)]).toEqual([10, 20])
    const begun = performance.now()
    await Promise.all(Array.from({ length: 50 }, () => send({ query: 'select 1' })))
    expect([await asleep(1.01), await asleep(1.02)]).toEqual([10, 20]) // the same that slept before
    console.log(`50 other statements took ${(performance.now() - begun).toFixed(0)} ms meanwhile`)
    const statuses = (await Promise.all([...pages, ...jobs])).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(90)
    expect(statuses.every((status) => status === 200 || status === 500)).toBe(true) // who waited for five seconds
  })

  it('cancels statements also when all connections are in use', async () => {
    const leave = new AbortController()
    const all = Array.from({ length: 40 }, () =>
      failureOf(neon(connection, { fetchOptions: { signal: leave.signal } }).query('select pg_sleep(31)')),
    )
    const watcher = new pg.Client({ connectionString: postgres.url })
    await watcher.connect()
    const running = async () =>
      Number(
        (await watcher.query(`select count(*) as n from pg_stat_activity where query = 'select pg_sleep(31)' and state = 'active'`)).rows[0]
          .n,
      )
    await expect.poll(running).toBe(40)
    leave.abort()
    await Promise.all(all)
    await expect.poll(running).toBe(0)
    await watcher.end()
  })

  it('serves only requests to this machine: a foreign name may be DNS rebinding', async () => {
    const ask = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { method: 'POST', headers: { host, 'neon-connection-string': connection } }
        const outgoing = request(endpoint.url, options, (response) => resolve(response.resume().statusCode))
        outgoing.once('error', reject)
        outgoing.end('{"query":"select 1"}')
      })
    const { host } = new URL(endpoint.url)
    expect([await ask(host), await ask(`localhost:${new URL(endpoint.url).port}`)]).toEqual([200, 200])
    for (const foreign of ['evil.example', `evil.example:${new URL(endpoint.url).port}`, '127.0.0.1.evil.example', '[::1]:1']) {
      expect(await ask(foreign), foreign).toBe(403)
    }
  })

  it('refuses requests and answers above 10 MiB, as Neon does', async () => {
    const tooLarge = 'x'.repeat(11 * 1024 * 1024)
    expect((await failureOf(sql().query('select length($1)', [tooLarge]))).message).toContain('HTTP status 507')
    expect((await failureOf(sql().query(`select repeat('x', 11000000)`))).message).toContain('HTTP status 507')
  })

  it('answers without an error code if the server is unreachable, so the client may try again', async () => {
    const nowhere = await startNeonEndpoint('postgresql://postgres@127.0.0.1:1/postgres')
    const reply = await fetch(nowhere.url, {
      method: 'POST',
      headers: { 'Neon-Connection-String': connection },
      body: '{"query":"select 1","params":[]}',
    })
    await nowhere.close()
    expect([reply.status, ((await reply.json()) as { message: string }).message]).toEqual([
      500,
      expect.stringContaining("Couldn't connect"),
    ])
  })

  it('survives a server that stops during statements of every kind, and connects to the next server', async () => {
    const home = mkdtempSync(join(tmpdir(), 'watcher-endpoint-'))
    const first = await startPostgres(home, { durable: false })
    const port = Number(new URL(first.url).port)
    const own = await startNeonEndpoint(first.url)
    const ask = async (body: unknown) => {
      const options = { method: 'POST', headers: { 'Neon-Connection-String': connection }, body: JSON.stringify(body) }
      return (await fetch(own.url, options).catch(() => undefined))?.status
    }
    let stops = false
    const statuses = new Set<number | undefined>()
    const asking = Array.from({ length: 30 }, async (_, index) => {
      const query = { query: `select pg_sleep(${index / 3000})`, params: [] }
      while (!stops) statuses.add(await ask(index % 2 ? query : { queries: [query, query, query] }))
    })
    await expect.poll(() => statuses.has(200)).toBe(true)
    await first.stop()
    await expect.poll(() => statuses.has(500)).toBe(true)
    const second = await startPostgres(home, { durable: false, port })
    stops = true
    await Promise.all(asking)
    expect(await ask({ query: 'select 1', params: [] })).toBe(200)
    await own.close()
    await second.stop()
    for (const used of new Set([home, second.folder])) rmSync(used, { recursive: true, force: true })
  })

  it('counts the requests and statements of each database', async () => {
    const read = async () => (await fetch(`${endpoint.url}?database=postgres`)).json() as Promise<{ requests: number; statements: number }>
    const before = await read()
    const client = sql()
    await client.transaction([client.query('select 1'), client.query('select 2')])
    expect(await read()).toEqual({ requests: before.requests + 1, statements: before.statements + 2 })
  })
})
