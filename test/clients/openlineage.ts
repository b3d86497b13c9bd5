import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres } from '../../src/dev/postgres.ts'
import type { Service } from './generator.ts'

/** OpenLineage's own Python client, and a real dbt project that reports by dbt-ol, against the service. Needs PyPI and Python 3.12. */
const PACKAGES = [
  'openlineage-python==1.54.0',
  'openlineage-dbt==1.54.0',
  'dbt-core==1.12.0',
  'dbt-core-experimental-parser==2.0.0a4',
  'dbt-postgres==1.11.0',
]
export const QUIET = { stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], encoding: 'utf8' as const }

/** Installs packages of PyPI into an environment of their own; undefined where PyPI cannot be reached. Else the folder of the programs. */
export const installPrograms = (folder: string, name: string, packages: readonly string[]): string | undefined => {
  const venv = join(folder, name)
  execFileSync(process.env.PYTHON ?? 'python3', ['-m', 'venv', venv], QUIET)
  try {
    execFileSync(join(venv, 'bin', 'pip'), ['install', '--quiet', '--prefer-binary', ...packages], QUIET)
    return join(venv, 'bin')
  } catch (error) {
    if (/No matching distribution|Could not find|Temporary failure|Name or service/.test(String((error as { stderr?: string }).stderr)))
      return undefined
    throw error
  }
}

export const installOpenlineage = (folder: string): string | undefined => installPrograms(folder, 'openlineage', PACKAGES)

export const reader =
  ({ url, token }: Service) =>
  async <Row = Record<string, unknown>>(path: string): Promise<Row[]> => {
    await sleep(50) // a program has blocked this process: it learns now which idle connections the server has closed
    const answer = await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } })
    assert.equal(answer.status, 200, path)
    return (await answer.json()) as Row[]
  }

export interface Pipeline {
  id: number
  name: string
  openlineage: { namespace: string; name: string } | null
}
export interface Execution {
  id: number
  parent_id: number | null
  completed_successfully: boolean | null
  total_rows: number | null
  execution_metadata: { error?: string } | null
}

/** The run of a job; throws if there is another one. */
export const onlyRunOf = async (service: Service, job: { namespace: string; name: string }): Promise<Execution | undefined> => {
  const read = reader(service)
  const [pipeline] = await read<Pipeline>(`/pipeline?name=${encodeURIComponent(job.name)}`)
  assert.deepEqual(pipeline?.openlineage, job)
  const [run, ...more] = await read<Execution>(`/pipeline_execution?pipeline_id=${pipeline?.id}`)
  assert.deepEqual(more, [])
  return run
}

/** Throws where the runs of the Python client are not as they were sent. */
export const drivePythonClient = async (bin: string, service: Service): Promise<void> => {
  execFileSync(join(bin, 'python'), [join(import.meta.dirname, 'drives/openlineage_runs.py'), service.url, service.token], QUIET)
  const runOf = (name: string) => onlyRunOf(service, { namespace: 'python', name })
  const [plain, gzip, later] = [await runOf('job-plain'), await runOf('job-gzip'), await runOf('job-async')]
  assert.deepEqual([plain?.completed_successfully, plain?.total_rows, plain?.parent_id], [true, 7, null])
  assert.deepEqual([gzip?.completed_successfully, gzip?.execution_metadata?.error, gzip?.parent_id], [false, 'disk full', plain?.id])
  assert.deepEqual([later?.completed_successfully, later?.total_rows, later?.parent_id], [true, 7, plain?.id])
}

/** A dbt project: a seed, a model on it, a view on that, and a test that fails. */
const PROJECT: Record<string, string> = {
  'dbt_project.yml': "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\nmodel-paths: [models]\nseed-paths: [seeds]\n",
  'seeds/raw_orders.csv': 'id,amount\n1,10\n2,20\n3,\n',
  'models/orders.sql': "{{ config(materialized='table') }}\nselect id, amount from {{ ref('raw_orders') }}\n",
  'models/revenue.sql': "{{ config(materialized='table') }}\nselect sum(amount) as amount from {{ ref('orders') }}\n",
  'models/schema.yml':
    'models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique]\n  - name: revenue\n    columns:\n      - name: amount\n        data_tests:\n          - accepted_values: {arguments: {values: [1]}}\n',
}

/** Runs `dbt-ol build` in a real project against a real PostgreSQL. Throws where its runs, parts, failure or lineage are not found. */
export const driveDbt = async (folder: string, bin: string, service: Service): Promise<void> => {
  const postgres = await startPostgres(join(folder, 'dbt-database'), { durable: false })
  try {
    const project = join(folder, 'shop')
    const { hostname, port, username, password } = new URL(postgres.url)
    const profile = `shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: ${hostname}, port: ${port}, user: ${username}, password: '${password}', dbname: postgres, schema: shop}\n`
    for (const [path, text] of Object.entries({ ...PROJECT, 'profiles.yml': profile })) {
      mkdirSync(join(project, path, '..'), { recursive: true })
      writeFileSync(join(project, path), text)
    }
    const env = {
      ...process.env,
      OPENLINEAGE_URL: service.url,
      OPENLINEAGE_API_KEY: service.token,
      DBT_PROFILES_DIR: project,
      PATH: `${bin}:${process.env.PATH}`,
    }
    try {
      execFileSync(join(bin, 'dbt-ol'), ['build'], { ...QUIET, cwd: project, env })
    } catch (error) {
      const { stdout = '' } = error as { stdout?: string }
      if (!/Done\. PASS=\d+/.test(stdout)) throw error // the test fails, so dbt ends with 1
    }
  } finally {
    await postgres.stop()
  }
  const read = reader(service)
  await sleep(1_000) // the closure of lineage is completed by a job
  const pipelines = (await read<Pipeline>('/pipeline?include_steps=true')).filter(
    ({ openlineage }) => openlineage !== null && /shop/.test(openlineage.name),
  )
  const runs = (
    await Promise.all(pipelines.map(({ id }) => read<Execution>(`/pipeline_execution?pipeline_id=${id}&include_steps=true`)))
  ).flat()
  assert.ok(pipelines.length >= 4, `dbt's run and its parts are pipelines: ${pipelines.map(({ name }) => name).join(', ')}`)
  assert.ok(runs.filter(({ parent_id }) => parent_id !== null).length >= 3, 'models are parts of the run')
  assert.ok(
    runs.some(({ completed_successfully }) => completed_successfully === false),
    'the failed test is a failed run',
  )
  const [address] = (await read<{ id: number; name: string }>('/address?limit=1000')).filter(({ name }) => name.endsWith('.shop.revenue'))
  assert.ok(address, 'the model is an address')
  const upstream = await read<{ source_address_name: string }>(`/address_lineage/${address.id}?direction=upstream`)
  assert.ok(
    upstream.some(({ source_address_name }) => source_address_name.endsWith('.shop.orders')),
    'one model is upstream of the other',
  )
}
