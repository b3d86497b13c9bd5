import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProgramFailure } from '../tools/failure.ts'
import { CONTROL_SOCKET } from './configuration.ts'

const WORKERD = (createRequire(import.meta.url)('workerd') as { default: string }).default

/** A workerd that ends is started again at once; one that ends again and again, after a growing delay. */
const FIRST_DELAY_MILLIS = 100
const MAX_DELAY_MILLIS = 10_000
/** After this time a workerd counts as started well: the delay begins anew. */
const STABLE_MILLIS = 30_000
/** A workerd that does not listen by then is killed. */
const START_MILLIS = 20_000

export interface WorkerdSpec {
  /** The files of its configuration, by name; `config.capnp` is one. They are written anew for each start, and kept only until workerd has read them. */
  files: Readonly<Record<string, string>>
  environment: Readonly<Record<string, string>>
  /** Called when a workerd listens, and when it is gone. */
  onUp: () => void
  onDown: () => void
}

/** A workerd that is kept running. */
export interface Supervised {
  /** The port of the control socket; undefined while no workerd runs. */
  controlPort: () => number | undefined
  /** Lets workerd finish its requests, for at most this long; true if it did. */
  stop: (maxMillis: number) => Promise<boolean>
}

interface Running {
  child: ChildProcess
  controlPort: number
  ended: Promise<string>
}

/** Starts workerd and starts it again whenever it ends. Throws ProgramFailure if the first start fails. */
export const superviseWorkerd = async (spec: WorkerdSpec): Promise<Supervised> => {
  let isStopping = false
  let running: Running | undefined = await startWorkerd(spec)
  spec.onUp()

  const keepRunning = async (): Promise<void> => {
    let delayMillis = 0
    for (;;) {
      const begunMillis = Date.now()
      const how = await running?.ended
      running = undefined
      spec.onDown()
      if (isStopping) return
      delayMillis = Date.now() - begunMillis > STABLE_MILLIS ? 0 : longerDelay(delayMillis)
      console.error(`watcher: workerd ended (${how}); starting it again${delayMillis > 1000 ? ` in ${delayMillis / 1000} seconds` : ''}`)
      while (!running && !isStopping) {
        await sleep(delayMillis)
        running = await startWorkerd(spec).catch((error: Error) => {
          console.error(`watcher: ${error.message}`)
          delayMillis = longerDelay(delayMillis)
          return undefined
        })
      }
      if (isStopping) running?.child.kill('SIGTERM')
      else spec.onUp()
    }
  }
  const kept = keepRunning()

  return {
    controlPort: () => running?.controlPort,
    stop: async (maxMillis) => {
      isStopping = true
      running?.child.kill('SIGTERM') // workerd finishes its requests and takes no new ones
      let isInTime = true
      const killer = setTimeout(() => {
        isInTime = false
        running?.child.kill('SIGKILL')
      }, maxMillis)
      await kept
      clearTimeout(killer)
      return isInTime
    },
  }
}

const longerDelay = (millis: number): number => Math.min(Math.max(millis * 2, FIRST_DELAY_MILLIS), MAX_DELAY_MILLIS)

const startWorkerd = async ({ files, environment }: WorkerdSpec): Promise<Running> => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-workerd-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 })
    const child = spawn(
      'sh',
      [join(import.meta.dirname, 'workerd.sh'), 'serve', '--experimental', '--control-fd=3', join(folder, 'config.capnp')],
      { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'], env: { ...environment, WORKERD } },
    )
    const [, , , reports, life] = child.stdio as unknown as [null, null, null, Readable, Writable]
    life.on('error', () => {}) // its reader is gone
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => {
        life.end('over\n') // the wrapper must not kill a process that is not workerd
        resolve(signal ?? `exit code ${code}`)
      })
    })
    const controlPort = await Promise.race([readControlPort(reports), ended, sleep(START_MILLIS, 'no answer', { ref: false })])
    if (typeof controlPort === 'number') return { child, controlPort, ended }
    child.kill('SIGKILL')
    throw new ProgramFailure(`workerd did not start (${controlPort}): see its message above`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Reads workerd's reports, a line of JSON for each socket that listens. The control socket is the last in the configuration. */
const readControlPort = (reports: Readable): Promise<number> =>
  new Promise((resolve) => {
    createInterface({ input: reports }).on('line', (line) => {
      const { event, socket, port } = JSON.parse(line) as { event: string; socket?: string; port?: number }
      if (event === 'listen' && socket === CONTROL_SOCKET && port !== undefined) resolve(port)
    })
  })
