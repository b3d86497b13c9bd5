import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { cpuMicros, treeOf } from '../support/node/processes.ts'
import { type Call, closedLoop, median, type Target } from './load.ts'
import { buildBundle, serveBundle, stopProcess } from './workerd.ts'

/** Compares `npm start` with the same bundle on bare workerd, which has only Neon's endpoint beside it. Rounds alternate. */
const ROUNDS = 5
const ROUND_SECONDS = 4
const CONNECTIONS = 8

export interface Comparison {
  call: string
  /** CPU of one request, `npm start` by bare. */
  cpuRatio: number
  /** Requests a second, likewise. */
  rateRatio: number
  cpuMicros: number
  perSecond: number
}

export const compareWithBare = async (databaseUrl: string, start: { port: number; child: ChildProcess }): Promise<Comparison[]> => {
  const endpoint = spawn(process.execPath, [join(import.meta.dirname, 'endpoint.ts'), databaseUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve) =>
    endpoint.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())),
  )
  const bare = await serveBundle(buildBundle('watcher', 'wrangler.toml'), {
    ENV_STATE: 'test', // without tokens, like the other side
    DATABASE_URL: databaseUrl,
    NEON_FETCH_ENDPOINT: url,
  })
  const sides = [
    { port: start.port, pids: treeOf(start.child.pid ?? 0) },
    { port: bare.port, pids: [bare.pid, ...treeOf(endpoint.pid ?? 0)] },
  ]
  let runs = 0
  const calls: Record<string, () => Call> = {
    'POST /pipeline': () => ({ method: 'POST', path: '/pipeline', body: { name: `bare-${runs % 500}`, pipeline_type_name: 'bare' } }),
    'GET /pipeline/1': () => ({ method: 'GET', path: '/pipeline/1' }),
    start: () => ({ method: 'POST', path: '/start_pipeline_execution', body: { pipeline_id: 1 } }),
  }
  const results: Comparison[] = []
  for (const [name, call] of Object.entries(calls)) {
    const next: Target['next'] = () => {
      runs += 1
      return call()
    }
    const found = sides.map(() => ({ rates: [] as number[], cpu: [] as number[] }))
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, { port, pids }] of sides.entries()) {
        const before = cpuMicros(pids)
        const rate = await closedLoop({ port, next }, CONNECTIONS, ROUND_SECONDS)
        found[index]?.rates.push(rate)
        found[index]?.cpu.push((cpuMicros(pids) - before) / (rate * ROUND_SECONDS))
      }
    }
    const [ours, theirs] = found.map(({ rates, cpu }) => ({ rate: median(rates), cpu: median(cpu) }))
    if (!ours || !theirs) continue
    results.push({
      call: name,
      cpuRatio: ours.cpu / theirs.cpu,
      rateRatio: ours.rate / theirs.rate,
      cpuMicros: ours.cpu,
      perSecond: ours.rate,
    })
  }
  await bare.stop()
  await stopProcess(endpoint)
  return results
}
