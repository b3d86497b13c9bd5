import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpuMicros, treeOf } from '../support/node/processes.ts'
import { AUTHORIZATION, type Call, closedLoop, median } from './load.ts'
import type { Sent } from './same.ts'
import { buildBundle, type Server, serveBundle } from './workerd.ts'

/**
 * How much CPU a call costs beside its statement: the same statement is sent by a worker of a few lines (same.ts), in rounds
 * that alternate. The CPU of PostgreSQL is apart: it is the statement's own.
 */
const ROUNDS = 5
const ROUND_SECONDS = 2
const CONNECTIONS = 8

/** A call, and the parameters of its statement that must differ from request to request. */
export interface Measured {
  call: () => Call
  /** Numbers of the parameters from 0, and their values. */
  replaced?: () => Record<string, string>
}

export interface CpuRow {
  name: string
  /** CPU of workerd and of PostgreSQL for one request, in microseconds. */
  worker: number
  same: number
  postgres: number
  /** Requests a second, as a share of the other worker's. */
  share: number
}

export const measureCpu = async (
  watcher: Server,
  endpoint: string,
  database: string,
  postmaster: number,
  calls: Readonly<Record<string, Measured>>,
): Promise<CpuRow[]> => {
  const names = Object.keys(calls)
  const statements = await captureStatements(endpoint, database, calls)
  const same = await serveBundle(buildBundle('same', 'test/bench/same.toml'), {
    DATABASE_URL: database,
    NEON_FETCH_ENDPOINT: endpoint,
    STATEMENTS: JSON.stringify(Object.fromEntries(names.map((name, index) => [String(index), statements[name]]))),
  })
  const rows: CpuRow[] = []
  for (const [index, [name, { call, replaced }]] of Object.entries(calls).entries()) {
    const sides = [
      { port: watcher.port, pid: watcher.pid, next: call },
      {
        port: same.port,
        pid: same.pid,
        next: (): Call =>
          call().method === 'GET' ? { method: 'GET', path: `/${index}` } : { method: 'POST', path: `/${index}`, body: replaced?.() ?? {} },
      },
    ]
    const found = sides.map(() => ({ worker: [] as number[], postgres: [] as number[], rate: [] as number[] }))
    for (const { port, next } of sides) await closedLoop({ port, next }, CONNECTIONS, 1)
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [side, { port, pid, next }] of sides.entries()) {
        const before = { worker: cpuMicros([pid]), postgres: cpuMicros(treeOf(postmaster)) }
        const rate = await closedLoop({ port, next }, CONNECTIONS, ROUND_SECONDS)
        const requests = rate * ROUND_SECONDS
        found[side]?.worker.push((cpuMicros([pid]) - before.worker) / requests)
        found[side]?.postgres.push((cpuMicros(treeOf(postmaster)) - before.postgres) / requests)
        found[side]?.rate.push(rate)
      }
    }
    const [ours, theirs] = found
    if (!ours || !theirs) continue
    rows.push({
      name,
      worker: median(ours.worker),
      same: median(theirs.worker),
      postgres: median(ours.postgres),
      share: median(ours.rate) / median(theirs.rate),
    })
  }
  await same.stop()
  return rows
}

/** Sends each call once through an endpoint that notes what it passes on. */
const captureStatements = async (
  endpoint: string,
  database: string,
  calls: Readonly<Record<string, Measured>>,
): Promise<Record<string, Sent>> => {
  let last: Sent | undefined
  const tap = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks)
    last = JSON.parse(new TextDecoder().decode(body)) as Sent
    const headers = { 'neon-connection-string': String(request.headers['neon-connection-string']) }
    const answer = await fetch(endpoint, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(new Uint8Array(await answer.arrayBuffer()))
  })
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve))
  const server = await serveBundle(buildBundle('watcher', 'wrangler.toml'), {
    ENV_STATE: 'test',
    DATABASE_URL: database,
    NEON_FETCH_ENDPOINT: `http://127.0.0.1:${(tap.address() as AddressInfo).port}/sql`,
  })
  const statements: Record<string, Sent> = {}
  for (const [name, { call }] of Object.entries(calls)) {
    const { method, path, body } = call()
    last = undefined
    await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (last) statements[name] = last
  }
  await server.stop()
  tap.closeAllConnections()
  tap.close()
  return statements
}

export const renderCpu = (rows: readonly CpuRow[]): string =>
  `| request | worker CPU, µs | same statement, µs | more, µs | PostgreSQL, µs | requests/s of the same statement |
|---|---|---|---|---|---|
${rows
  .map(
    ({ name, worker, same, postgres, share }) =>
      `| ${name} | ${worker.toFixed(0)} | ${same.toFixed(0)} | ${(worker - same).toFixed(0)} | ${postgres.toFixed(0)} | ${(share * 100).toFixed(0)} % |`,
  )
  .join('\n')}`
