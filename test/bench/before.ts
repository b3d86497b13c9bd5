import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuMicros, treeOf } from '../support/node/processes.ts'
import { type Call, closedLoop, median } from './load.ts'
import { type Bundle, buildBundle, ROOT, type Server } from './workerd.ts'

/**
 * The hot calls of this version and of an older commit, each with its own bundle and a database of its own migrations, filled alike.
 * Rounds alternate, so a change in the machine's speed affects both.
 */
const ROUNDS = 9
const ROUND_SECONDS = 2
const CONNECTIONS = 8

/** An older commit in a folder of its own, with its own dependencies. */
export interface OlderVersion {
  folder: string
  bundle: Bundle
}

/** Takes the commit out of this checkout's history. `npm ci` asks the registry. */
export const checkOut = (commit: string): OlderVersion => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-before-'))
  const archive = execFileSync('git', ['archive', '--format=tar', commit], { cwd: ROOT, maxBuffer: 2 ** 30 })
  execFileSync('tar', ['-x'], { cwd: folder, input: archive })
  execFileSync('npm', ['ci'], { cwd: folder, stdio: 'ignore' })
  mkdirSync(join(ROOT, 'dist', 'bench'), { recursive: true })
  return { folder, bundle: buildBundle('before', 'wrangler.toml', folder) }
}

/** Brings a database to the older version, with its own tool. */
export const migrateTo = ({ folder }: OlderVersion, databaseUrl: string): void => {
  execFileSync(process.execPath, ['src/tools/migrate.ts'], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, DATABASE_URL: databaseUrl },
  })
}

interface Figures {
  /** Requests a second of each round. */
  rate: number[]
  /** CPU of one request in each round, in microseconds. */
  worker: number[]
  postgres: number[]
}

/** One call is a function for each side: each side's database has its own runs to end. */
export const compareVersions = async (
  servers: { before: Server; now: Server },
  postmaster: number,
  calls: Readonly<Record<string, () => () => Call>>,
): Promise<string> => {
  const lines: string[] = []
  for (const [name, sideOf] of Object.entries(calls)) {
    const sides = [servers.before, servers.now].map(({ port, pid }) => ({ target: { port, next: sideOf() }, pid }))
    const found = sides.map((): Figures => ({ rate: [], worker: [], postgres: [] }))
    for (const { target } of sides) await closedLoop(target, CONNECTIONS, 1)
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, { target, pid }] of sides.entries()) {
        const begun = { worker: cpuMicros([pid]), postgres: cpuMicros(treeOf(postmaster)) }
        const rate = await closedLoop(target, CONNECTIONS, ROUND_SECONDS)
        found[index]?.rate.push(rate)
        found[index]?.worker.push((cpuMicros([pid]) - begun.worker) / (rate * ROUND_SECONDS))
        found[index]?.postgres.push((cpuMicros(treeOf(postmaster)) - begun.postgres) / (rate * ROUND_SECONDS))
      }
    }
    const [before, now] = found
    if (before && now) lines.push(render(name, before, now))
  }
  return `| request | requests/s before | now | now / before | worker CPU, µs | PostgreSQL, µs |
|---|---|---|---|---|---|
${lines.join('\n')}`
}

const render = (name: string, before: Figures, now: Figures): string => {
  // The ratio of each round, and then its median: the two halves of a round had the same machine.
  const ratio = median(now.rate.map((rate, round) => rate / (before.rate[round] ?? Number.NaN)))
  const both = (of: 'worker' | 'postgres') => `${median(before[of]).toFixed(0)} → ${median(now[of]).toFixed(0)}`
  return `| ${name} | ${median(before.rate).toFixed(0)} | ${median(now.rate).toFixed(0)} | ${ratio.toFixed(2)} | ${both('worker')} | ${both('postgres')} |`
}
