import { createVitest, type TestModule } from 'vitest/node'

/**
 * Runs in a copy of the checkout, and keeps vitest, the database and what has been read of the sources from run to run:
 * one run takes a third of the time of a new `vitest run`.
 */

/** What to run. */
export interface Order {
  tests: string[]
  only?: string | undefined
  /** Files that have another content than in the run before. */
  changed: string[]
  /** The database to copy for each test file; undefined: the one without a fault. */
  template?: string | undefined
}

export interface Report {
  /** Names of tests that have failed, or what kept a file from being run. */
  failed: string[]
  /** Files of which no test could be run. */
  unreadable: string[]
  passed: number
}

const vitest = await createVitest('test', { watch: false, run: true, project: ['worker'], reporters: [{}], bail: 1, cache: false })
await vitest.standalone()
const project = vitest.projects[0]
if (!project) throw new Error('the project worker is gone from vitest.config.ts')

// The global setup runs with the first run of tests, which is to be one without a fault: of no test, in any file.
vitest.setGlobalTestNamePattern('^no test has this name$')
await vitest.runTestSpecifications((await vitest.globTestSpecifications()).slice(0, 1))
const ownTemplate = project.getProvidedContext().templateDatabase

const describe = (modules: readonly TestModule[]): Report => {
  const all = modules.flatMap((module) => [...module.children.allTests()])
  const withState = (state: string) => all.filter((test) => test.result().state === state)
  const unreadable = modules.flatMap((module) => module.errors().map(({ message }) => `${module.moduleId}: ${message}`))
  return { failed: withState('failed').map(({ name }) => name), unreadable, passed: withState('passed').length }
}

process.on('message', async ({ tests, only, changed, template }: Order) => {
  for (const file of changed) vitest.invalidateFile(file)
  // vitest would count what failed in the runs before, and answer it again.
  vitest.state.filesMap.clear()
  vitest.state.idMap.clear()
  if (only === undefined) vitest.resetGlobalTestNamePattern()
  else vitest.setGlobalTestNamePattern(only)
  project.provide('templateDatabase', template ?? ownTemplate)
  const specifications = await vitest.globTestSpecifications(tests)
  const { testModules } = await vitest.runTestSpecifications(specifications)
  const asked = new Set(specifications.map(({ moduleId }) => moduleId))
  process.send?.(describe(testModules.filter(({ moduleId }) => asked.has(moduleId))))
})
process.on('disconnect', async () => {
  await vitest.close()
  process.exit()
})
process.send?.('ready')
