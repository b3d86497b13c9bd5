import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from './generator.ts'
import { installPrograms, onlyRunOf, QUIET } from './openlineage.ts'

/** A real Airflow with its OpenLineage provider against the service. Needs PyPI and Python 3.12. */
const PACKAGES = ['apache-airflow==3.3.2', 'apache-airflow-providers-openlineage==2.20.3', 'openlineage-python==1.54.0']

export const installAirflow = (folder: string): string | undefined => installPrograms(folder, 'airflow', PACKAGES)

/** Runs a DAG of two tasks, of which the second one fails. Throws where its runs, or the reason are not found. */
export const driveAirflow = async (folder: string, bin: string, service: Service): Promise<void> => {
  const home = join(folder, 'airflow-home')
  mkdirSync(join(home, 'dags'), { recursive: true })
  cpSync(join(import.meta.dirname, 'drives/night.py'), join(home, 'dags/night.py'))
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW__OPENLINEAGE__NAMESPACE: 'airflow',
    AIRFLOW__OPENLINEAGE__TRANSPORT: JSON.stringify({
      type: 'http',
      url: service.url,
      auth: { type: 'api_key', apiKey: service.token },
    }),
  }
  const airflow = (...words: string[]) => execFileSync(join(bin, 'airflow'), words, { ...QUIET, env, timeout: 300_000 })
  airflow('db', 'migrate')
  airflow('dags', 'reserialize')
  assert.throws(
    () => airflow('dags', 'test', 'night'),
    ({ stdout = '', stderr = '' }: { stdout?: string; stderr?: string }) => /DagRun failed/.test(stdout + stderr),
    'the DAG ends with the failure of its task',
  )

  const runOf = (name: string) => onlyRunOf(service, { namespace: 'airflow', name })
  const [dag, load, check] = [await runOf('night'), await runOf('night.load'), await runOf('night.check')]
  assert.deepEqual([dag?.completed_successfully, dag?.parent_id], [false, null])
  assert.deepEqual([load?.completed_successfully, load?.parent_id], [true, dag?.id])
  assert.deepEqual([check?.completed_successfully, check?.parent_id, check?.execution_metadata?.error], [false, dag?.id, 'too few rows: 3'])
}
