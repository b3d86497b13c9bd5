import { type ChildProcess, fork } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import type { Order, Report } from './lane.ts'

const running = new Set<ChildProcess>()

/** A copy of the checkout and the process that runs tests in it; begun anew after a run that hung. */
export class Lane {
  readonly copy: string
  readonly #log: number
  #process: ChildProcess | undefined

  constructor(copy: string, log: string) {
    this.copy = copy
    this.#log = openSync(log, 'a')
  }

  /** undefined: the run takes longer than this, and was stopped. Throws where the tests cannot be run at all. */
  async run(order: Order, seconds: number): Promise<Report | undefined> {
    const lane = await this.begin()
    lane.send(order)
    const report = await answerOf<Report>(lane, seconds)
    if (report === undefined) this.stop()
    return report
  }

  stop(): void {
    if (this.#process) stopProcess(this.#process)
    this.#process = undefined
  }

  /** Begins, where it has not yet: with the copy as it stands, so before a fault is put into it. */
  async begin(): Promise<ChildProcess> {
    if (this.#process) return this.#process
    // A process group of its own, so that workerd stops with it.
    const lane = fork(join(this.copy, 'test/mutate/lane.ts'), {
      cwd: this.copy,
      detached: true,
      stdio: ['ignore', this.#log, this.#log, 'ipc'],
    })
    running.add(lane)
    lane.once('exit', () => {
      running.delete(lane)
      if (this.#process === lane) this.#process = undefined
    })
    this.#process = lane
    await answerOf(lane, 120)
    return lane
  }
}

const answerOf = <Answer>(lane: ChildProcess, seconds: number): Promise<Answer | undefined> =>
  new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      lane.off('message', answer)
      lane.off('exit', fail)
    }
    const answer = (message: unknown) => {
      end()
      resolve(message as Answer)
    }
    const fail = () => {
      end()
      reject(new Error('vitest has ended by itself'))
    }
    const timer = setTimeout(() => {
      end()
      resolve(undefined)
    }, seconds * 1000)
    lane.once('message', answer)
    lane.once('exit', fail)
  })

const stopProcess = (lane: ChildProcess): void => {
  try {
    if (lane.pid !== undefined) process.kill(-lane.pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

export const stopLanes = (): void => {
  for (const lane of running) stopProcess(lane)
}
