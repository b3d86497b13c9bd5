import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

const running = new Set<ChildProcess>()

/** Runs a command in a process group of its own, its output in a file, and answers its exit code; stops the group after this many seconds. */
export const runCommand = (command: string[], { cwd, log, seconds }: { cwd: string; log: string; seconds: number }) =>
  new Promise<number | null>((resolve, reject) => {
    const [program, ...args] = command as [string, ...string[]]
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
    running.add(child)
    const output = createWriteStream(log)
    child.stdout.pipe(output, { end: false })
    child.stderr.pipe(output, { end: false })
    const timer = setTimeout(() => stop(child, 'SIGKILL'), seconds * 1000)
    const end = () => {
      clearTimeout(timer)
      running.delete(child)
      output.end()
    }
    child.once('error', (error) => {
      end()
      reject(error)
    })
    child.once('close', (code) => {
      end()
      resolve(code)
    })
  })

const stop = (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // it has ended meanwhile
  }
}

export const stopCommands = (): void => {
  for (const child of running) stop(child, 'SIGTERM')
}
