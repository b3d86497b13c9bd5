import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/dev/postgres.ts'

const ROOT = join(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const run = promisify(execFile)

let folder: string
let port: number
let dev: ChildProcess
let output = ''

const startDev = (environment: Record<string, string>): ChildProcess => {
  const child = spawn(process.execPath, [join(ROOT, 'src/dev/dev.ts')], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return child
}

const endOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))

const untilReady = () => vi.waitFor(() => expect(output).toContain('Ctrl-C stops everything'), { timeout: 50_000, interval: 100 })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watcher-dev-'))
  port = await freePort()
  dev = startDev({ PORT: String(port), DEV_DATA_FOLDER: join(folder, 'data') })
  await untilReady()
})

afterAll(async () => {
  if (dev.exitCode === null) {
    const ended = endOf(dev)
    dev.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
})

/** The README's block after a heading, with our port in the place of the default one. */
const blockAfter = (heading: string): string => {
  const block = README.slice(README.indexOf(heading)).match(/```bash\n([\s\S]*?)```/)?.[1]
  if (!block) throw new Error(`the README has no bash block after ${heading}`)
  return block.replaceAll('localhost:8787', `localhost:${port}`)
}

/** curl ends no answer with a newline of its own; its settings file does. */
const runScript = (script: string) => {
  writeFileSync(join(folder, '.curlrc'), 'write-out = "\\n"\n')
  return run('bash', ['-euc', script], { env: { ...process.env, CURL_HOME: folder } })
}

describe('npm run dev', () => {
  it("serves the README's workflow exactly as printed, answer by answer", async () => {
    const script = blockAfter('### In curl')
    const { stdout } = await runScript(script)
    const printed = script.match(/^# [{[].*$/gm)?.map((line) => JSON.parse(line.slice(2)))
    const answered = stdout
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line))
    expect(answered).toEqual(printed)
    const nested = await runScript(`WATCHER=http://localhost:${port}
${blockAfter('## Nested executions')}`)
    expect(nested.stdout).toContain('"child_executions":[{"id":2')
    for (const heading of ['### Late runs and stale data', '### Anomalies', '### Schedule']) {
      const { stdout: told } = await runScript(`WATCHER=http://localhost:${port}\n${blockAfter(heading)}`)
      expect(told, heading).not.toContain('"code"')
      if (heading.includes('Late runs')) expect(told).toContain('"execution_status":"running"')
    }
    const failed = await runScript(`WATCHER=http://localhost:${port}\n${blockAfter('### When a job fails')}`)
    expect(failed.stdout).toContain('"code":"job_not_failed"')
  })

  it('plays the demo against the running server', async () => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'src/demo/demo.ts')], { env: { ...process.env, PORT: String(port) } })
    expect(stdout).toContain('second run from    "100"')
    expect(stdout).toMatch(/depth 2 +"demo\.\w+\.shop -> demo\.\w+\.revenue"/)
    expect(stdout).toContain('Pipeline Execution Timeliness Check Failed - 1 execution(s) overdue')
    expect(stdout).toMatch(/demo-\w+-idle \(ID: \d+\): Last DML .*, Expected within 2 hours/)
    expect(stdout).toMatch(/Execution ID \d+: 0 \(baseline: 100\.00, deviation: -100\.0%, confidence: 1\.00\)/)
  })

  it("serves the docs page and its script by itself: nothing in them names another host's script", async () => {
    const page = await (await fetch(`http://localhost:${port}/scalar`)).text()
    const scripts = [...page.matchAll(/<script[^>]*src="([^"]+)"/g)].map((match) => match[1] as string)
    expect(scripts).toEqual(['/static/scalar.js'])
    const script = await fetch(`http://localhost:${port}${scripts[0]}`)
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    expect((await script.text()).length).toBeGreaterThan(1_000_000)
  })

  it('says in one sentence that its port is taken', async () => {
    const taken = await run(process.execPath, [join(ROOT, 'src/dev/dev.ts')], { env: { ...process.env, PORT: String(port) } }).catch(
      (error) => error,
    )
    expect([taken.code, taken.stderr.trim()]).toEqual([
      1,
      `watcher: port ${port} is in use: stop what listens there, or take another: PORT=${port + 1} npm run dev`,
    ])
  })

  it('says in one sentence that its data is in use', async () => {
    const environment = { ...process.env, PORT: String(await freePort()), DEV_DATA_FOLDER: join(folder, 'data') }
    const second = await run(process.execPath, [join(ROOT, 'src/dev/dev.ts')], { env: environment }).catch((error) => error)
    expect(second.code).toBe(1)
    expect(second.stderr.trim()).toMatch(
      /^watcher: the database in .* is in use by process \d+: stop that first, or take another folder \(DEV_DATA_FOLDER\)$/,
    )
  })

  it('stops everything on Ctrl-C, and has kept the data when it starts again', async () => {
    const ended = endOf(dev)
    dev.kill('SIGINT')
    expect(await ended).toBe(0)
    await new Promise<void>((resolve, reject) => {
      const probe = createServer().once('error', reject)
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()))
    })
    output = ''
    dev = startDev({ PORT: String(port), DEV_DATA_FOLDER: join(folder, 'data') })
    await untilReady()
    const found = (await (await fetch(`http://localhost:${port}/pipeline?name=stock-price-worker`)).json()) as { watermark: string }[]
    expect(found.map(({ watermark }) => watermark)).toEqual(['150'])
  })
})
