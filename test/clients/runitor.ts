import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { findProgram } from './find-program.ts'
import type { Service } from './generator.ts'
import { type Execution, type Pipeline, reader } from './openlineage.ts'

const NAME = 'runitor-job'

/** The program in the folder that RUNITOR names, or in PATH; undefined where there is none. */
export const findRunitor = (): string | undefined => findProgram(process.env.RUNITOR, 'runitor')

/** Throws where the runs of commands that runitor runs are not those that it pinged. */
export const driveRunitor = async (runitor: string, service: Service, pingKey: string): Promise<void> => {
  const pings = `${service.url}/ping`
  const created = await fetch(`${pings}/${pingKey}/${NAME}/start?create=1`)
  assert.equal(created.status, 201)
  const run = (command: string) =>
    spawnSync(runitor, ['-api-url', pings, '-ping-key', pingKey, '-slug', NAME, '--', 'sh', '-c', command], { encoding: 'utf8' })
  for (const [command, status] of [
    ['echo loaded 3 rows', 0],
    ['echo disk full >&2; exit 7', 7],
  ] as const) {
    const { stderr, ...ended } = run(command)
    assert.deepEqual([ended.status, stderr.includes('Ping')], [status, false], stderr) // it logs a ping that was refused
  }
  const read = reader(service)
  const [pipeline] = await read<Pipeline>(`/pipeline?name=${NAME}`)
  const runs = await read<Execution>(`/pipeline_execution?pipeline_id=${pipeline?.id}`)
  // Its start ends the run that the first ping began: see the guide.
  assert.deepEqual(
    runs.map(({ completed_successfully }) => completed_successfully),
    [false, true, false],
  )
  assert.match(runs[2]?.execution_metadata?.error ?? '', /disk full/)
}
