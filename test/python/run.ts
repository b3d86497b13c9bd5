import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/dev/postgres.ts'
import { blocksOf, GUIDES, ROOT, readText } from '../support/node/guides.ts'
import { checkAnomalies } from './anomalies.ts'

/**
 * `npm run test:python` runs the Python blocks of README and the guides, and the original's SDK (sdk.py), against its own
 * server. It needs Python 3.12 or newer (PYTHON names the program) and PyPI, so it is not part of `npm test`.
 */
const folder = mkdtempSync(join(tmpdir(), 'watcher-python-'))
const python = join(folder, 'venv', 'bin', 'python')
const port = await freePort()

execFileSync(process.env.PYTHON ?? 'python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'inherit' })
execFileSync(python, ['-m', 'pip', 'install', '--quiet', 'httpx', 'etl-watcher-sdk==0.1.43'], { stdio: 'inherit' })

const dev = spawn(process.execPath, [join(ROOT, 'src/dev/dev.ts')], {
  env: { ...process.env, PORT: String(port), DEV_DATA_FOLDER: join(folder, 'data') },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const ended = new Promise((resolve) => dev.once('exit', resolve))
try {
  const base = `http://localhost:${port}`
  while (!(await fetch(base).catch(() => undefined))?.ok) await new Promise((resolve) => setTimeout(resolve, 100))
  const run = (file: string) => execFileSync(python, [file], { env: { ...process.env, WATCHER_URL: base }, encoding: 'utf8' })
  /** Runs all Python blocks of a file as one program. Its output must match. */
  const runExample = (path: string, expected: RegExp) => {
    const file = join(folder, 'example.py')
    writeFileSync(file, blocksOf(path, 'python').join('\n').replaceAll('http://localhost:8787', base))
    const output = run(file)
    if (!expected.test(output)) throw new Error(`the example of ${path} printed: ${output}`)
    console.log(`The example of ${path} works: ${output.trim().split('\n').at(-1)}`)
    passed += 1
  }
  let passed = 0
  runExample('src/docs/workflow.md', /loaded 300 rows/)
  runExample('src/docs/workflow.md', /loaded 0 rows/) // the second run starts at the first run's watermark
  runExample('README.md', /inserts=150/)
  runExample('src/docs/sdk.md', /from 2025-01-01 to 2025-01-10\nExecution \d+ inserted 150 rows/)
  const missing = GUIDES.filter((path) => readText(path).includes('```python') && !/workflow|sdk/.test(path))
  if (missing.length > 0) throw new Error(`no test runs the Python examples of ${missing.join(', ')}: add them here`)
  const { cases, flagged } = checkAnomalies(python)
  console.log(`${cases} anomaly rules and baselines are judged as Python's statistics do, ${flagged} of them flagged`)
  passed += 1
  console.log(run(join(import.meta.dirname, 'sdk.py')).trim())
  console.log(`\n${passed + 1} passed, 0 failed`)
} finally {
  dev.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
