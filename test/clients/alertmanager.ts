import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/dev/postgres.ts'
import { findProgram } from './find-program.ts'
import type { Service } from './generator.ts'

/** Where Alertmanager is, and its client amtool. */
interface Programs {
  alertmanager: string
  amtool: string
}

/** What amtool says of an alert. */
interface Alert {
  labels: Record<string, string>
  annotations: Record<string, string>
  startsAt: string
  endsAt: string
}

const MAX_WAIT_MILLIS = 60_000

/** Those in the folder that ALERTMANAGER names, or in PATH; undefined where there are none. */
export const findAlertmanager = (): Programs | undefined => {
  const { ALERTMANAGER } = process.env
  // Debian's name for it, and that of the project itself.
  const alertmanager = findProgram(ALERTMANAGER, 'prometheus-alertmanager', 'alertmanager')
  const amtool = findProgram(ALERTMANAGER, 'amtool')
  return alertmanager && amtool ? { alertmanager, amtool } : undefined
}

/** Throws where a real Alertmanager does not list the alert of a failed run, or still lists it after the next success. */
export const driveAlertmanager = async (folder: string, { alertmanager, amtool }: Programs, service: Service): Promise<void> => {
  const url = `http://127.0.0.1:${await freePort()}`
  const child = startAlertmanager(folder, alertmanager, url)
  try {
    await waitUntil('Alertmanager is ready', async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true)
    const alerts = (): Alert[] =>
      JSON.parse(execFileSync(amtool, ['alert', 'query', `--alertmanager.url=${url}`, '--output=json'], { encoding: 'utf8' }))

    await post(service, '/channel', { name: 'alertmanager', kind: 'alertmanager', settings: { url } })
    const settings = { owner: 'team-finance', severity: 'critical', runbook_url: 'https://wiki.example.com/orders' }
    const pipeline_id = await post(service, '/pipeline', { name: 'orders "EU"', pipeline_type_name: 'etl', ...settings })
    await run(service, pipeline_id, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
    await waitUntil('amtool lists the alert', () => alerts().length > 0)

    const [alert, ...others] = alerts()
    assert.deepEqual(others, [])
    const { incident, ...labels } = alert?.labels ?? {}
    assert.deepEqual(labels, {
      alertname: 'watcher_failed',
      kind: 'failed',
      pipeline: 'orders "EU"',
      severity: 'critical',
      owner: 'team-finance',
    })
    const { summary, opened_at } = await read(service, `/incident/${incident}`)
    assert.deepEqual([alert?.annotations.summary, alert?.annotations.runbook_url], [summary, settings.runbook_url])
    assert.equal(Date.parse(alert?.startsAt ?? ''), Date.parse(opened_at))
    const validMinutes = (Date.parse(alert?.endsAt ?? '') - Date.now()) / 60_000
    assert.ok(validMinutes > 43 && validMinutes <= 45, `the alert ends in ${validMinutes} minutes`)

    await run(service, pipeline_id, { completed_successfully: true })
    await waitUntil('amtool lists no alert', () => alerts().length === 0)
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill('SIGTERM')) await ended
  }
}

const startAlertmanager = (folder: string, program: string, url: string): ChildProcess => {
  const configuration = join(folder, 'alertmanager.yml')
  writeFileSync(configuration, 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n')
  const options = [
    `--config.file=${configuration}`,
    `--storage.path=${join(folder, 'alertmanager-data')}`,
    `--web.listen-address=${new URL(url).host}`,
    '--cluster.listen-address=', // alone
    '--log.level=error',
  ]
  return spawn(program, options, { stdio: ['ignore', 'ignore', 'inherit'] })
}

const waitUntil = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
  for (const until = Date.now() + MAX_WAIT_MILLIS; !(await isSo()); await sleep(200)) {
    if (Date.now() > until) throw new Error(`after ${MAX_WAIT_MILLIS / 1_000} s it is not so that ${what}`)
  }
}

const call = async ({ url, token }: Service, path: string, options: RequestInit = {}): Promise<Response> => {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const answer = await fetch(url + path, { ...options, headers })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return answer
}

const read = async (service: Service, path: string): Promise<{ summary: string; opened_at: string }> =>
  (await (await call(service, path)).json()) as { summary: string; opened_at: string }

/** Answers the id of what was created; 0 where the answer has none. */
const post = async (service: Service, path: string, body: unknown): Promise<number> => {
  const text = await (await call(service, path, { method: 'POST', body: JSON.stringify(body) })).text()
  return text === '' ? 0 : (JSON.parse(text) as { id: number }).id
}

const run = async (service: Service, pipeline_id: number, outcome: Record<string, unknown>): Promise<void> => {
  const id = await post(service, '/start_pipeline_execution', { pipeline_id, start_date: new Date().toISOString() })
  await post(service, '/end_pipeline_execution', { id, end_date: new Date().toISOString(), ...outcome })
}
