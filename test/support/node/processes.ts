import { readFileSync } from 'node:fs'

/** The process and all that it has started. */
export const treeOf = (pid: number): number[] => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
    return [pid, ...children.flatMap(treeOf)]
  } catch {
    return [] // it has ended
  }
}

/** Memory in MiB as Linux shares it out among processes (PSS). */
export const memoryMib = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      return sum
    }
  }, 0)

/** Linux counts CPU time in hundredths of a second. */
const TICK_MICROS = 10_000

/** CPU time that the processes have used, in microseconds. */
export const cpuMicros = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
    return sum + (user + system) * TICK_MICROS
  }, 0)

/** The child of a process with this name. */
export const childNamed = (pid: number, name: string): number | undefined =>
  treeOf(pid).find((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === name)

/** False for a zombie too: it has ended, and only its parent has not asked for its exit code. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
