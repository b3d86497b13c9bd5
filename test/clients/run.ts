import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDevServer } from '../support/node/dev-server.ts'
import { driveAirflow, installAirflow } from './airflow.ts'
import { driveAlertmanager, findAlertmanager } from './alertmanager.ts'
import type { ApiDocument, Generator, Service } from './generator.ts'
import { heyApi } from './hey-api.ts'
import { openapiFetch } from './openapi-fetch.ts'
import { openapiPythonClient } from './openapi-python-client.ts'
import { driveDbt, drivePythonClient, installOpenlineage } from './openlineage.ts'
import { validateEvents } from './openlineage-schemas.ts'
import { driveRunitor, findRunitor } from './runitor.ts'
import { installTypeScriptGenerators } from './typescript.ts'

/**
 * `npm run test:clients`: clients generated from /openapi.json without a warning, their names, and a run of a pipeline by each, against
 * a server of their own; OpenLineage's Python client, a real dbt project and a real Airflow that report to it; runitor; and a real Alertmanager as a channel of that server. Needs the npm registry, for the Python client PyPI and
 * Python 3.12 or newer (PYTHON names one), and runitor, and Alertmanager with amtool, in PATH (or RUNITOR and ALERTMANAGER name their folders); that is why it is not
 * part of `npm test`.
 */
const folder = mkdtempSync(join(tmpdir(), 'watcher-clients-'))
const generators: Generator[] = [openapiFetch, heyApi, openapiPythonClient]
let passed = 0
let notRun = 0

const pass = (sentence: string): void => {
  console.log(sentence)
  passed += 1
}
const skip = (sentence: string): void => {
  console.log(sentence)
  notRun += 1
}

const check = async (generator: Generator, document: ApiDocument, service: Service): Promise<void> => {
  const { name } = generator
  if (!generator.install(folder)) return skip(`${name}: not run, PyPI cannot be reached`)
  generator.generate(folder)
  pass(`${name}: generated without a warning`)
  generator.checkNames(folder, document)
  pass(`${name}: operations have the names of the document, each list of values is one type`)
  await generator.drive(folder, service)
  pass(`${name}: a run of a pipeline and one error, as typed`)
}

const checkOpenlineage = async (service: Service): Promise<void> => {
  const programs = installOpenlineage(folder)
  if (!programs) return skip('OpenLineage: not run, PyPI cannot be reached')
  await drivePythonClient(programs, service)
  pass('OpenLineage: runs by its own Python client, plain, packed and asynchronous, with a failure and parts')
  await driveDbt(folder, programs, service)
  pass('OpenLineage: a real dbt project by dbt-ol, with its models as parts, its failed test and its lineage')
}

const checkAirflow = async (service: Service): Promise<void> => {
  const programs = installAirflow(folder)
  if (!programs) return skip('Airflow: not run, PyPI cannot be reached')
  await driveAirflow(folder, programs, service)
  pass('Airflow: a DAG and its tasks as runs, the failed task with its reason')
}

const checkSchemas = async (): Promise<void> => {
  const valid = await validateEvents()
  if (!valid) return skip('OpenLineage: its schemas are not run, OPENLINEAGE_SPEC names no folder')
  pass(`OpenLineage: ${valid.events} events of ours with ${valid.facets} facets are valid by its schemas`)
}

const checkRunitor = async (service: Service, pingKey: string): Promise<void> => {
  const program = findRunitor()
  if (!program) return skip('runitor: not run, it is not installed (go install bdd.fi/x/runitor/cmd/runitor@latest)')
  await driveRunitor(program, service, pingKey)
  pass('runitor: a good and a failed command as runs, with what it printed as the reason')
}

const checkAlertmanager = async (service: Service): Promise<void> => {
  const programs = findAlertmanager()
  if (!programs) return skip('Alertmanager: not run, it is not installed (Debian: apt-get install prometheus-alertmanager)')
  await driveAlertmanager(folder, programs, service)
  pass('Alertmanager: amtool lists the alert of a failed run, and no more after the next success')
}

try {
  installTypeScriptGenerators(folder)
  const token = randomUUID()
  const pingKey = `ping-${randomUUID()}` // a ping token may not look like a UUID
  const server = await startDevServer({ WATCHER_API_TOKENS: `clients:${token},crons:${pingKey}:ping` })
  try {
    const answer = await fetch(`${server.url}/openapi.json`, { headers: { Authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error(`/openapi.json answered ${answer.status}`)
    const text = await answer.text()
    writeFileSync(join(folder, 'openapi.json'), text)
    const service = { url: server.url, token }
    for (const generator of generators) await check(generator, JSON.parse(text) as ApiDocument, service)
    await checkSchemas()
    await checkOpenlineage(service)
    await checkAirflow(service)
    await checkRunitor(service, pingKey)
    await checkAlertmanager(service)
  } finally {
    await server.stop()
  }
  console.log(`\n${passed} passed, 0 failed${notRun > 0 ? `, ${notRun} not run` : ''}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
