import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryByHand } from './by-hand.ts'
import { copyCheckout, removeFolder } from './checkout.ts'
import { stopCommands } from './command.ts'
import { startServer } from './database.ts'
import { FAULTS } from './faults/index.ts'
import { Lane, stopLanes } from './lane-client.ts'
import { runStryker } from './stryker.ts'

/**
 * `npm run mutate`: puts faults into copies of the checkout, one at a time, and runs the tests that must notice each.
 * `-- --only=<text>` takes the faults whose file or description has the text; `-- --hand` or `-- --stryker` one of the two parts;
 * `-- --unchecked` leaves out the first run, of the tests without a fault.
 */

/** Copies that work side by side. */
const LANES = 2

const begun = Date.now()
const args = process.argv.slice(2)
const only = args.filter((arg) => arg.startsWith('--only=')).map((arg) => arg.slice('--only='.length))
const work = mkdtempSync(join(tmpdir(), 'watcher-mutate-log-'))
const copies: string[] = []
const server = await startServer(join(work, 'postgres'))
process.env.TEST_DATABASE_URL = server.url

const addCopy = (): string => {
  const copy = copyCheckout()
  copies.push(copy)
  return copy
}

const clean = async () => {
  stopLanes()
  stopCommands()
  await server.stop()
  for (const folder of [...copies, server.folder, join(work, 'postgres')]) removeFolder(folder)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await clean()
    process.exit(130)
  })
}

try {
  const passed: boolean[] = []
  if (!args.includes('--stryker')) {
    const faults = FAULTS.filter(({ file, what }) => only.length === 0 || only.some((text) => `${file} ${what}`.includes(text)))
    const lanes = Array.from(
      { length: Math.min(LANES, faults.length) },
      (_, index) => new Lane(addCopy(), join(work, `lane-${index + 1}.log`)),
    )
    passed.push(await tryByHand(faults, lanes, server.url, !args.includes('--unchecked')))
    stopLanes()
  }
  if (!args.includes('--hand') && only.length === 0) passed.push(await runStryker(addCopy(), work))
  process.exitCode = passed.every(Boolean) ? 0 : 1
} finally {
  await clean()
  console.log(`${Math.round((Date.now() - begun) / 1000)} seconds in all; logs in ${work}`)
}
