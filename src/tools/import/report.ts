import { grouped } from '../../core/figures.ts'
import type { Tally } from './copy.ts'

const WIDTH = 28
const EVERY_MILLIS = 5_000

/** A progress bar: one line that is written again on a terminal, else a line every few seconds. */
export const startBar = (what: string, total: number) => {
  const began = Date.now()
  let [done, told] = [0, began]
  const draw = (): void => {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const filled = Math.round(share * WIDTH)
    const rate = done / Math.max(0.001, (Date.now() - began) / 1000)
    const text = `${what.padEnd(34)} [${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${grouped(done)} of ${grouped(total)}, ${grouped(Math.round(rate))}/s`
    if (process.stdout.isTTY) process.stdout.write(`\r${text}\u001b[K`)
    else console.log(text)
  }
  return {
    add: (rows: number): void => {
      done += rows
      if (!process.stdout.isTTY && Date.now() - told < EVERY_MILLIS) return
      told = Date.now()
      draw()
    },
    end: (): void => {
      if (total === 0) return
      draw()
      if (process.stdout.isTTY) process.stdout.write('\n')
    },
  }
}

/** The table at the end: for each table the rows that were read, written and skipped, and why. */
export const renderReport = (tallies: [table: string, tally: Tally][]): string => {
  const heading = `${'table'.padEnd(34)}${['read', 'written', 'skipped'].map((word) => word.padStart(13)).join('')}`
  const lines = tallies.flatMap(([table, { rows_read, rows_written, skipped, changed }]) => [
    `${table.padEnd(34)}${[rows_read, rows_written, rows_read - rows_written].map((count) => grouped(count).padStart(13)).join('')}`,
    ...Object.entries(skipped).map(([reason, count]) => `    ${grouped(count)} skipped: ${reason}`),
    ...Object.entries(changed).map(([note, count]) => `    ${grouped(count)} changed: ${note}`),
  ])
  return [heading, ...lines].join('\n')
}
