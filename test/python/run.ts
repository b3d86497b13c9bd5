import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/dev/postgres.ts'

/**
 * `npm run test:python`: the README's Python example and the original's SDK (sdk.py) against a server of their own.
 * Needs Python 3.12 or newer (PYTHON names one) and PyPI; both are why it is not part of `npm test`.
 */
const ROOT = join(import.meta.dirname, '../..')
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
  const example = readFileSync(join(ROOT, 'README.md'), 'utf8').match(/```python\n([\s\S]*?)```/)?.[1]
  if (!example) throw new Error('the README has no Python example')
  writeFileSync(join(folder, 'example.py'), example.replaceAll('http://localhost:8787', base))
  const run = (file: string) => execFileSync(python, [file], { env: { ...process.env, WATCHER_URL: base }, encoding: 'utf8' })
  const [first, again] = [run(join(folder, 'example.py')), run(join(folder, 'example.py'))]
  // The second run starts where the first stopped.
  if (!/loaded 300 rows/.test(first) || !/loaded 0 rows/.test(again)) throw new Error(`the example printed: ${first}${again}`)
  console.log(`The README's example works: ${first.trim()}`)
  console.log(run(join(import.meta.dirname, 'sdk.py')).trim())
  console.log('\n2 passed, 0 failed')
} finally {
  dev.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
