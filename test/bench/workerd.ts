import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { freePort } from '../../src/dev/postgres.ts'

export const ROOT = join(import.meta.dirname, '../..')
const WRANGLER = createRequire(import.meta.url)
  .resolve('wrangler')
  .replace(/wrangler-dist.*/, 'bin/wrangler.js')
/** The workerd program itself, not its wrapper script: the bench measures its memory and must be able to end it. */
const WORKERD = (createRequire(import.meta.url)('workerd') as { default: string }).default

const wrangler = (cwd: string, ...args: string[]): void => {
  execFileSync(process.execPath, [WRANGLER, ...args], {
    cwd,
    stdio: 'ignore',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  })
}

export interface Bundle {
  folder: string
  gzipKib: number
}

/** The minified production bundle of a checkout, as `wrangler deploy` would upload it. */
export const buildBundle = (name: string, config: string, checkout = ROOT): Bundle => {
  const folder = join(ROOT, 'dist', 'bench', name)
  rmSync(folder, { recursive: true, force: true })
  wrangler(checkout, 'deploy', '--dry-run', '--minify', '--config', config, '--outdir', folder)
  const file = existsSync(join(folder, `${name}.js`)) ? `${name}.js` : 'index.js'
  if (file !== 'index.js') copyFileSync(join(folder, file), join(folder, 'index.js'))
  return { folder, gzipKib: gzipSync(readFileSync(join(folder, 'index.js'))).length / 1024 }
}

/** The CPU time, in milliseconds, that `wrangler check startup` measures for loading the bundle. */
export const measureStartup = (): number => {
  const outfile = join(ROOT, 'dist', 'bench', 'startup.cpuprofile')
  mkdirSync(join(ROOT, 'dist', 'bench'), { recursive: true })
  wrangler(ROOT, 'check', 'startup', '--outfile', outfile, '--args=--minify')
  const profile = JSON.parse(readFileSync(outfile, 'utf8')) as {
    nodes: { id: number; callFrame: { functionName: string } }[]
    samples: number[]
    timeDeltas: number[]
  }
  const idle = new Set(profile.nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id))
  const micros = profile.samples.reduce((sum, id, index) => sum + (idle.has(id) ? 0 : (profile.timeDeltas[index] ?? 0)), 0)
  return micros / 1000
}

export interface Server {
  port: number
  pid: number
  /** Resident memory in MiB. */
  memoryMib: () => number
  stop: () => Promise<void>
}

/** Serves a bundle on bare workerd; `bindings` are text. */
export const serveBundle = async ({ folder }: Bundle, bindings: Record<string, string>): Promise<Server> => {
  const port = await freePort()
  const texts = Object.entries(bindings).map(([name, value]) => `( name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)} )`)
  writeFileSync(
    join(folder, 'bench.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ( name = "main", worker = (
      modules = [ ( name = "index.js", esModule = embed "index.js" ) ],
      compatibilityDate = "2026-08-01",
      bindings = [ ${texts.join(', ')} ],
      globalOutbound = "outside" ) ),
    ( name = "outside", network = ( allow = ["private", "public"] ) ) ],
  sockets = [ ( name = "http", address = "127.0.0.1:${port}", http = (), service = "main" ) ] );
`,
  )
  const child = spawn(WORKERD, ['serve', join(folder, 'bench.capnp')], { stdio: 'ignore' })
  for (let tries = 0; !(await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)); tries += 1) {
    if (tries > 100) throw new Error('workerd does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { port, pid: child.pid ?? 0, memoryMib: () => residentMib(child), stop: () => stopProcess(child) }
}

const residentMib = (child: ChildProcess): number =>
  Number(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m)?.[1]) / 1024

export const stopProcess = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
