import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../src/dev/postgres.ts'

const DEV = join(import.meta.dirname, '../../../src/dev/dev.ts')

/** Starts `npm run dev` on a free port with its own data. */
export const startDevServer = async (settings: Record<string, string> = {}): Promise<{ url: string; stop: () => Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-pages-'))
  const port = await freePort()
  const child = spawn(process.execPath, [DEV], {
    env: { ...process.env, ...settings, PORT: String(port), DEV_DATA_FOLDER: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(child)
  return {
    url: `http://localhost:${port}`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const untilReady = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`npm run dev ended with ${code}`)))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('Ctrl-C stops everything')) resolve()
    })
  })
