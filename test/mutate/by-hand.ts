import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dropTemplate, keepGenerated, makeTemplate } from './database.ts'
import type { Fault } from './fault.ts'
import type { Lane } from './lane-client.ts'

/** A run that takes longer hangs: the fault is noticed. */
const MAX_RUN_SECONDS = 240
/** The tests without a fault are run all at once. */
const MAX_FIRST_RUN_SECONDS = 1800
const MIN_NOTICED = 0.95

type Outcome = 'noticed' | 'not noticed' | 'broken'
interface Result {
  fault: Fault
  outcome: Outcome
  /** The test that noticed it, or what is broken. */
  detail: string
}

/** Puts one fault in, runs its tests, takes it out. `changed` are the files that the lane must read again, also in its next run. */
const tryFault = async (lane: Lane, serverUrl: string, fault: Fault, number: number, changed: Set<string>): Promise<Result> => {
  await lane.begin()
  const path = join(lane.copy, fault.file)
  const original = readFileSync(path, 'utf8')
  const times = original.split(fault.text).length - 1
  if (times !== 1) return { fault, outcome: 'broken', detail: `the text occurs ${times} times` }
  const takeBack = keepGenerated(lane.copy)
  const template = fault.file.endsWith('.sql') ? `mutated_${number}` : undefined
  try {
    writeFileSync(
      path,
      original.replace(fault.text, () => fault.replacement),
    )
    if (template) await makeTemplate(lane.copy, serverUrl, template)
    changed.add(path)
    const report = await lane.run({ tests: fault.tests, only: fault.only, changed: [...changed], template }, MAX_RUN_SECONDS)
    if (!report) return { fault, outcome: 'noticed', detail: `the run takes longer than ${MAX_RUN_SECONDS} seconds` }
    if (report.failed[0] !== undefined) return { fault, outcome: 'noticed', detail: report.failed[0] }
    if (report.passed > 0) return { fault, outcome: 'not noticed', detail: '' }
    return { fault, outcome: 'broken', detail: report.unreadable[0] ?? 'no test has this name' }
  } catch (error) {
    return { fault, outcome: 'broken', detail: (error as Error).message }
  } finally {
    writeFileSync(path, original)
    changed.clear()
    for (const file of [path, ...takeBack()]) changed.add(file)
    if (template) await dropTemplate(serverUrl, template)
  }
}

const tryAll = async (faults: Fault[], lanes: Lane[], serverUrl: string): Promise<Result[]> => {
  const results: Result[] = []
  const waiting = [...faults.entries()]
  await Promise.all(
    lanes.map(async (lane) => {
      const changed = new Set<string>()
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [number, fault] = next
        const result = await tryFault(lane, serverUrl, fault, number, changed)
        results.push(result)
        const mark = { noticed: '✓', 'not noticed': fault.survives === undefined ? '✗' : '=', broken: '!' }[result.outcome]
        console.log(
          `${mark} [${results.length}/${faults.length}] ${fault.file}: ${fault.what}${result.detail ? ` → ${result.detail}` : ''}`,
        )
      }
    }),
  )
  return results
}

/** The tests must pass without a fault, or their failures say nothing. */
const expectPassing = async (lane: Lane | undefined, tests: string[]): Promise<void> => {
  console.log(`First the tests without any fault: ${tests.length} files`)
  const report = await lane?.run({ tests, changed: [] }, MAX_FIRST_RUN_SECONDS)
  const failure = report ? (report.failed[0] ?? report.unreadable[0]) : 'they take too long'
  if (failure !== undefined) throw new Error(`The tests fail without a fault: ${failure}`)
}

/** Tries the faults; false where too many are not noticed, or one has no explanation. */
export const tryByHand = async (faults: Fault[], lanes: Lane[], serverUrl: string, isChecked: boolean): Promise<boolean> => {
  if (isChecked) await expectPassing(lanes[0], [...new Set(faults.flatMap((fault) => fault.tests))])
  const results = await tryAll(faults, lanes, serverUrl)
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length
  const explained = results.filter((result) => result.outcome === 'not noticed' && result.fault.survives !== undefined)
  for (const { fault, outcome, detail } of results) {
    if (outcome === 'broken') console.log(`broken: ${fault.file}: ${fault.what} (${detail})`)
    if (outcome === 'noticed' && fault.survives !== undefined) console.log(`noticed, though the table says otherwise: ${fault.what}`)
    if (outcome === 'not noticed') console.log(`not noticed: ${fault.file}: ${fault.what}${fault.survives ? ` (${fault.survives})` : ''}`)
  }
  const share = count('noticed') / results.length
  console.log(
    `By hand: ${count('noticed')} of ${results.length} noticed (${(share * 100).toFixed(1)} %), ${count('not noticed')} not, ${explained.length} of them explained; ${count('broken')} broken`,
  )
  return count('broken') === 0 && share >= MIN_NOTICED && explained.length === count('not noticed')
}
