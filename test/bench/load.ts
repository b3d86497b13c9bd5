import { Agent, request } from 'node:http'

/** The token of the measured deployment and of every request. */
const TOKEN = 'bench-4f0c1e9a7d5b4e21'
export const API_TOKENS = `bench:${TOKEN}`
export const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` }

/** One request of a load. */
export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
}

export interface Target {
  port: number
  next: () => Call
}

const send = (agent: Agent, { port, next }: Target): Promise<number> =>
  new Promise((resolve, reject) => {
    const { method, path, body: given } = next()
    const payload = given === undefined ? undefined : JSON.stringify(given)
    const body = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const headers = { ...AUTHORIZATION, ...body }
    const sent = request({ agent, port, host: '127.0.0.1', method, path, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', reject)
    sent.end(payload)
  })

const assertSuccess = (status: number, { next }: Target): void => {
  if (status >= 300) throw new Error(`${JSON.stringify(next())} was answered ${status}: figures with failed requests are worthless`)
}

/** Measures requests per second. Each connection sends its next request as soon as it has the previous answer. */
export const closedLoop = async (target: Target, connections: number, seconds: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const end = performance.now() + seconds * 1000
  const begun = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        assertSuccess(await send(agent, target), target)
        count += 1
      }
    }),
  )
  agent.destroy()
  return count / ((performance.now() - begun) / 1000)
}

/**
 * Measures latencies at a steady rate; answers them in milliseconds, sorted. A latency counts from the moment the request was
 * due: the delay of requests that a stalled server kept us from sending counts too.
 */
export const openLoop = async (target: Target, perSecond: number, seconds: number): Promise<number[]> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const latencies: number[] = []
  const begun = performance.now()
  const running: Promise<void>[] = []
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = begun + (index * 1000) / perSecond
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now() - 1)))
    running.push(
      send(agent, target).then((status) => {
        assertSuccess(status, target)
        latencies.push(performance.now() - due)
      }),
    )
  }
  await Promise.all(running)
  agent.destroy()
  return latencies.sort((left, right) => left - right)
}

export const percentile = (sorted: number[], percent: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN

export const median = (values: number[]): number =>
  percentile(
    [...values].sort((left, right) => left - right),
    50,
  )
