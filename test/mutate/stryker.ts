import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'

/** StrykerJS makes the faults of the pure modules itself. It is installed in the copy alone (see README.md). */
export const runStryker = async (copy: string, work: string): Promise<boolean> => {
  const folder = join(copy, 'stryker')
  mkdirSync(folder)
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    writeFileSync(join(folder, name), readFileSync(join(copy, 'test/mutate/stryker', name)))
  }
  const npmLog = join(work, 'npm.log')
  if ((await runCommand(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: folder, log: npmLog, seconds: 300 })) !== 0) {
    throw new Error(`StrykerJS cannot be installed: see ${npmLog}`)
  }
  const stryker = join(folder, 'node_modules/@stryker-mutator/core/bin/stryker.js')
  const log = join(work, 'stryker.log')
  const code = await runCommand([process.execPath, stryker, 'run', 'test/mutate/stryker/stryker.config.json'], {
    cwd: copy,
    log,
    seconds: 1800,
  })
  const text = readFileSync(log, 'utf8')
  const table = text.slice(Math.max(0, text.lastIndexOf('\n---', text.indexOf('All files'))))
  console.log(`StrykerJS:${table}\nEach fault: ${log}`)
  return code === 0
}
