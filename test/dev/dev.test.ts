import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/dev/postgres.ts'
import { blocksOf, GUIDES, ROOT, readText } from '../support/node/guides.ts'
import { treeOf } from '../support/node/processes.ts'

const run = promisify(execFile)

/** The value of a setting; no other user of the machine may see it. */
const MARK = 'mark-of-a-setting'

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
  dev = startDev({ PORT: String(port), DEV_DATA_FOLDER: join(folder, 'data'), OTEL_SERVICE_NAME: MARK })
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

/** The script of a reader who runs every bash block of a file in order, with our port instead of the default one. */
const scriptOf = (path: string, heading?: string): string =>
  blocksOf(path, 'bash', heading).join('\n').replaceAll('localhost:8787', `localhost:${port}`)

/** curl prints no newline after an answer; this setting adds one. */
const runScript = (script: string) => {
  writeFileSync(join(folder, '.curlrc'), 'write-out = "\\n"\n')
  return run('bash', ['-euc', script], { env: { ...process.env, CURL_HOME: folder } })
}

interface Answered {
  id?: number
  [field: string]: unknown
}

const answersIn = (output: string): Answered[] =>
  output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))

/** Removes ids from an answer: they differ in a database with earlier rows. */
const withoutIds = (answer: unknown): Answered =>
  JSON.parse(
    JSON.stringify(answer)
      .replaceAll(/"(\w+_)?id":\d+/g, '"$1id":0')
      .replace(/of pipeline \d+/, 'of pipeline 0'),
  )

describe('npm run dev', () => {
  it('prints the demo command for this port', () => {
    expect(output).toContain(`Try: PORT=${port} npm run demo`)
  })

  it('keeps settings and tokens out of the process list', async () => {
    const { stdout } = await run('ps', ['-eo', 'args'])
    expect(stdout).toContain('wrangler')
    expect(stdout).not.toContain(MARK)
    const { status } = await fetch(`http://localhost:${port}/pipeline`)
    expect(status).toBe(200)
  })

  it('logs one line per request', async () => {
    const path = `/pipeline/${Date.now()}`
    await (await fetch(`http://localhost:${port}${path}`)).text()
    await vi.waitFor(() => expect(output).toContain(path))
    await new Promise((resolve) => setTimeout(resolve, 500))
    const lines = output.split('\n').filter((line) => line.includes(path))
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ message: 'request', method: 'GET', path, status: 404 }])
  })

  it('plays the demo against the running server', async () => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'src/demo/demo.ts')], { env: { ...process.env, PORT: String(port) } })
    expect(stdout).toContain('second run from    "100"')
    expect(stdout).toMatch(/depth 2 +"demo\.\w+\.shop -> demo\.\w+\.revenue"/)
    expect(stdout).toContain('Pipeline Execution Timeliness Check Failed - 1 execution(s) overdue')
    expect(stdout).toMatch(/demo-\w+-idle \(ID: \d+\): Last DML .*, Expected within 2 hours/)
    expect(stdout).toMatch(/Execution ID \d+: 0 \(baseline: 100\.00, deviation: -100\.0%, confidence: 1\.00\)/)
  })

  it('answers the workflow guide exactly as printed, except for ids, also after the demo', async () => {
    const script = scriptOf('src/docs/workflow.md')
    const printed = script.match(/^# [{[].*$/gm)?.map((line) => JSON.parse(line.slice(2)))
    const answered = answersIn((await runScript(script)).stdout)
    expect(answered.map(withoutIds)).toEqual(printed?.map(withoutIds))
    const [pipeline, lineage, started, run] = answered
    expect(lineage).toMatchObject({ pipeline_id: pipeline?.id })
    expect(run).toMatchObject({ id: started?.id, pipeline_id: pipeline?.id })
    expect(pipeline?.id).toBeGreaterThan(1) // the demo has created earlier rows
    const again = answersIn((await runScript(script)).stdout)
    expect(withoutIds(again[0])).toEqual({ ...withoutIds(printed?.[0]), watermark: '150' })
    expect(again.slice(1).map(withoutIds)).toEqual(
      printed
        ?.slice(1)
        .map((answer) => withoutIds('watermark' in answer && 'end_date' in answer ? { ...answer, watermark: '150' } : answer)),
    )
  })

  it("runs README's curl example", async () => {
    const answers = answersIn((await runScript(scriptOf('README.md', '## Track a run with curl'))).stdout)
    expect(answers).toMatchObject([{ active: true }, { completed_successfully: true, inserts: 150, next_watermark: '150' }])
  })

  it('shows a run with its part, as in the guide', async () => {
    const answers = answersIn((await runScript(scriptOf('src/docs/nested-runs.md'))).stdout)
    const whole = answers.at(-1) as { id: number; child_executions: unknown[] }
    expect(whole.child_executions).toMatchObject([{ parent_id: whole.id, completed_successfully: true, inserts: 20 }])
  })

  it('runs checks, detection and crons, and lists failed jobs, as in the guide', async () => {
    const { stdout } = await runScript(scriptOf('src/docs/checks-and-alerts.md'))
    const answers = stdout.split('\n').filter((line) => line.trim() !== '')
    expect(stdout).toContain('"execution_status":"running"')
    expect(stdout).toContain('"freshness_number":1,"freshness_datepart":"day"')
    expect(stdout).toContain('"rules_evaluated":1')
    // The last command replays a job that has not failed.
    expect(answers.at(-1)).toContain('"code":"job_not_failed"')
    expect(answers.slice(0, -1).join('\n')).not.toContain('"code"')
  })

  it('acknowledges and comments on an incident, and silences others, as in the guide', async () => {
    // The checks of the guide before have found a run that is late, and a pipeline that is stale.
    const [open, incident, ...silences] = answersIn((await runScript(scriptOf('src/docs/on-call.md'))).stdout) as [
      { id: number }[],
      { id: number; events: { kind: string; text: string | null }[] },
      ...object[],
    ]
    expect(open.length).toBeGreaterThan(0)
    expect(incident.id).toBe(open[0]?.id)
    const acts = incident.events.filter(({ kind }) => ['acknowledged', 'commented'].includes(kind))
    expect(acts).toMatchObject([{ text: 'I have it' }, { text: 'The source is down until noon' }])
    expect(silences).toMatchObject([{ owner: 'team-finance' }, { tag: 'batch', weekly_days: [6, 7] }, [{}, {}]])
  })

  it('records a run by pings, and one by OpenLineage, as in the guides', async () => {
    expect((await runScript(scriptOf('src/docs/pings.md'))).stdout).toBe('OK\nOK\n')
    const [pipelines] = answersIn((await runScript(scriptOf('src/docs/openlineage.md'))).stdout) as unknown as {
      openlineage: unknown
      last_target_insert: string
    }[][]
    expect(pipelines).toMatchObject([
      { openlineage: { namespace: 'my-scheduler', name: 'orders-of-openlineage' }, last_target_insert: '2025-01-09T20:30:45.000000Z' },
    ])
  })

  it('runs every guide with a bash block', () => {
    const run = [
      'src/docs/pings.md',
      'src/docs/openlineage.md',
      'src/docs/workflow.md',
      'src/docs/nested-runs.md',
      'src/docs/checks-and-alerts.md',
      'src/docs/on-call.md',
    ]
    expect(GUIDES.filter((path) => readText(path).includes('```bash')).sort()).toEqual(run.sort())
  })

  it('serves the API docs page and its script itself, with no script of another host', async () => {
    const page = await (await fetch(`http://localhost:${port}/scalar`)).text()
    const scripts = [...page.matchAll(/<script[^>]*src="([^"]+)"/g)].map((match) => match[1] as string)
    expect(scripts).toEqual(['/static/scalar.js'])
    const script = await fetch(`http://localhost:${port}${scripts[0]}`)
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    expect((await script.text()).length).toBeGreaterThan(1_000_000)
  })

  it('says in one sentence that its port is in use', async () => {
    const taken = await run(process.execPath, [join(ROOT, 'src/dev/dev.ts')], { env: { ...process.env, PORT: String(port) } }).catch(
      (error) => error,
    )
    expect([taken.code, taken.stderr.trim()]).toEqual([
      1,
      `watcher: port ${port} is in use: stop the program that uses it, or choose another port: PORT=${port + 1} npm run dev`,
    ])
  })

  it('says in one sentence that its data folder is in use', async () => {
    const environment = { ...process.env, PORT: String(await freePort()), DEV_DATA_FOLDER: join(folder, 'data') }
    const second = await run(process.execPath, [join(ROOT, 'src/dev/dev.ts')], { env: environment }).catch((error) => error)
    expect(second.code).toBe(1)
    expect(second.stderr.trim()).toMatch(
      /^watcher: the database in .* is in use by process \d+: stop that process first, or choose another folder with DEV_DATA_FOLDER$/,
    )
  })

  it('starts wrangler again if it ends by itself', async () => {
    const wrangler = treeOf(dev.pid ?? 0).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('wrangler'))
    process.kill(wrangler ?? 0, 'SIGKILL')
    await vi.waitFor(() => expect(output).toContain('wrangler dev ended by itself (exit code 1); it is started again'), { timeout: 5_000 })
    await vi.waitFor(async () => expect((await fetch(`http://localhost:${port}/?deep=true`)).status).toBe(200), { timeout: 30_000 })
  })

  it('stops everything on Ctrl-C, and keeps the data for the next start', async () => {
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
