// biome-ignore-all lint/suspicious/noExplicitAny: the demo prints the service's answers as they are
import { setTimeout as sleep } from 'node:timers/promises'
import { vocabulary } from '../house.ts'
import { composeText } from '../notifications/compose.ts'
import { renderAlert } from '../notifications/message.ts'
import { ProgramFailure, runProgram } from '../tools/failure.ts'
import { BASE, HEADERS, request } from './client.ts'
import { fillDemo } from './fill.ts'

/** `npm run demo` plays the workflow against a running server, step by step (with `-- --webhook URL` it also tells that URL of what fails); with `-- --fill` it records a month of a whole company. */

const call = async (method: string, path: string, body?: unknown): Promise<any> => {
  const { status, answer } = await request<any>(method, path, body)
  console.log(`  ${method} ${path} -> ${status}`)
  return answer
}

const post = (path: string, body: unknown) => call('POST', path, body)
const step = (title: string) => console.log(`\n${title}`)
const show = (fields: Record<string, unknown>) => {
  for (const [name, value] of Object.entries(fields)) console.log(`      ${name.padEnd(18)} ${JSON.stringify(value)}`)
}

/** Repeats a request, without printing it, until there is a result: checks run in the background. Throws after 20 seconds. */
const until = async <Found>(what: string, ask: (get: (path: string) => Promise<any>) => Promise<Found | undefined>): Promise<Found> => {
  const get = async (path: string) => (await fetch(BASE + path, { headers: HEADERS })).json()
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await ask(get)
    if (found !== undefined) return found
    await sleep(200)
  }
  throw new ProgramFailure(`${what} did not come within 20 seconds: see at ${BASE}/monitoring whether the queue runs`)
}

/** Prints the alert that contains `needle`, as Slack shows it (without SLACK_WEBHOOK_URL it is in the server's log). */
const showAlert = async (needle: string) => {
  const text = await until('the alert', async (get) => {
    const page: any[] = await get(`/job?kind=send_alert&after_id=${lastAlert}`)
    return page
      .flatMap(({ payload }) => payload.alerts)
      .map((alert) => renderAlert(vocabulary.alertKinds, alert))
      .find((rendered) => rendered.includes(needle))
  })
  quote(text)
}

/** Prints the text of a message. */
const quote = (text: string): void => console.log(text.replace(/^/gm, '      | '))
let lastAlert = 0

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

const table = (name: string) => ({ address_name: name, address_type_name: 'postgresql', address_type_group_name: 'database' })

/** One run of a pipeline, as its own code does it: ask, start, work, end. */
const runPipeline = async (name: string, nextWatermark: number, reads: string[], writes: string[], parentId?: number) => {
  const pipeline = await post('/pipeline', {
    name,
    pipeline_type_name: 'extraction',
    next_watermark: nextWatermark,
    load_lineage: true,
    freshness_number: 12,
    freshness_datepart: 'hour',
  })
  if (pipeline.load_lineage) {
    await post('/address_lineage', { pipeline_id: pipeline.id, source_addresses: reads.map(table), target_addresses: writes.map(table) })
  }
  const { id } = await post('/start_pipeline_execution', {
    pipeline_id: pipeline.id,
    parent_id: parentId,
    start_date: new Date(Date.now() - 90_000).toISOString(),
  })
  await post('/end_pipeline_execution', {
    id,
    inserts: 150,
    updates: 25,
    soft_deletes: 5,
    total_rows: 180,
    execution_metadata: { partition: 'a' },
  })
  return { pipelineId: pipeline.id as number, executionId: id as number, startedFrom: pipeline.watermark as string | null }
}

/** The URL after `--webhook`, if there is one. */
const webhookUrl = (): string | undefined => {
  const at = process.argv.indexOf('--webhook')
  return at < 0 ? undefined : process.argv[at + 1]
}

/** A step fails, and what it causes is folded below it: the incident, the message, the recovery. */
const showIncident = async (stamp: string) => {
  step('9. A run fails, and so does the one downstream: one incident causes the other.')
  const owner = `demo-${stamp}`
  const url = webhookUrl()
  const channel = url && (await createWebhook(owner, url))
  const pipelines: number[] = []
  for (const [name, from, to] of [
    ['load', 'source', 'raw'],
    ['report', 'raw', 'report'],
  ]) {
    const fields = { name: `demo-${stamp}-${name}`, pipeline_type_name: 'extraction', owner, runbook_url: 'https://example.com/runbook' }
    const { id } = await post('/pipeline', fields)
    const named = (what = '') => [table(`demo.${stamp}.${what}`)]
    await post('/address_lineage', { pipeline_id: id, source_addresses: named(from), target_addresses: named(to) })
    pipelines.push(id)
  }
  const run = async (pipeline_id: number, end: Record<string, unknown>) => {
    const { id } = await post('/start_pipeline_execution', { pipeline_id })
    await post('/end_pipeline_execution', { id, ...end })
  }
  const open = async (pipeline_id = 0) =>
    until('the incident', async (get) => (await get(`/incident?state=open&pipeline_id=${pipeline_id}`))[0])
  await run(pipelines[0] ?? 0, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
  const cause = await open(pipelines[0])
  await run(pipelines[1] ?? 0, { completed_successfully: false, execution_metadata: { error: `relation demo.${stamp}.raw is empty` } })
  const { id } = await open(pipelines[1])
  const effect = await until('its cause', async (get) => [await get(`/incident/${id}`)].find(({ caused_by }) => caused_by !== null))
  show({ [`incident ${cause.id}`]: cause.summary, [`incident ${effect.id}`]: effect.summary, 'is caused by': effect.caused_by })
  const told = await until('the message', async (get) =>
    [await get(`/incident/${cause.id}`)].find(({ notifications }) => notifications.some(({ state }: any) => state === 'sent')),
  )
  const incident = {
    ...told,
    notification_id: 0,
    event: 'opened',
    at: null,
    by: null,
    text: null,
    cause: null,
    caused: told.effects.map(({ kind, state, pipeline_name }: any) => ({ kind, pipeline_name, is_open: state !== 'resolved' })),
    effects: told.effects.length,
    downstream: told.affected.pipelines,
  }
  quote(composeText({ incidents: [incident], alerts: [], now: told.detected_at, format: 'full' }, vocabulary))
  for (const pipeline of pipelines) await run(pipeline, {})
  const over = await until('the recovery', async (get) => [await get(`/incident/${cause.id}`)].find(({ state }) => state === 'resolved'))
  const { text } = over.events.findLast(({ kind }: any) => kind === 'resolved')
  show({ [`incident ${over.id}`]: `${over.state}: ${text}` })
  const ended = { ...incident, ...over, event: 'resolved', text }
  quote(composeText({ incidents: [ended], alerts: [], now: over.resolved_at, format: 'full' }, vocabulary))
  if (!channel) return
  await until('the message about it', async (get) => {
    const told: any[] = await get(`/notification?channel_id=${channel}&incident_id=${cause.id}`)
    return told.find(({ event, state }) => event === 'resolved' && state === 'sent')
  })
  await call('DELETE', `/channel/${channel}`)
}

/** A channel that hears of this demo only. */
const createWebhook = async (owner: string, url: string): Promise<number> => {
  const secret = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`
  const { id } = await post('/channel', { name: owner, kind: 'webhook', owners: [owner], settings: { url, secret } })
  show({ 'sends to': url, 'signed with': secret })
  return id
}

const playDemo = async () => {
  const stamp = Date.now().toString(36)
  const names = { shop: `demo.${stamp}.shop`, orders: `demo.${stamp}.orders`, revenue: `demo.${stamp}.revenue` }

  step('1. A nightly run with two steps: load the orders, then compute the revenue.')
  const nightly = await post('/pipeline', { name: `demo-${stamp}-nightly`, pipeline_type_name: 'orchestration' })
  const master = await post('/start_pipeline_execution', { pipeline_id: nightly.id })
  const orders = await runPipeline(`demo-${stamp}-orders`, 100, [names.shop], [names.orders], master.id)
  await runPipeline(`demo-${stamp}-revenue`, 100, [names.orders], [names.revenue], master.id)
  await post('/end_pipeline_execution', { id: master.id })

  step('2. The next day the first step runs again and starts at its watermark.')
  const again = await runPipeline(`demo-${stamp}-orders`, 250, [names.shop], [names.orders])
  show({ 'first run from': orders.startedFrom, 'second run from': again.startedFrom })

  step('3. A repeated end changes nothing; an end with another outcome is refused.')
  await post('/end_pipeline_execution', { id: again.executionId })
  const refused = await fetch(`${BASE}/end_pipeline_execution`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/json' },
    body: JSON.stringify({ id: again.executionId, completed_successfully: false }),
  })
  show({ status: refused.status, message: ((await refused.json()) as { message: string }).message })

  step('4. Did it run, and how many rows did it change?')
  const run = await call('GET', `/pipeline_execution/${master.id}`)
  show({ nightly: run.completed_successfully ? 'succeeded' : 'failed', children: run.child_executions.length })
  for (const child of run.child_executions) {
    show({ [`execution ${child.id}`]: `${child.duration_seconds} s, ${child.total_rows} rows, ${child.throughput.toFixed(1)} rows/s` })
  }
  const pipeline = await call('GET', `/pipeline/${orders.pipelineId}`)
  show({ watermark: pipeline.watermark, 'last insert': pipeline.last_target_insert, load_lineage: pipeline.load_lineage })

  step('5. Which addresses are downstream of the shop database?')
  const [shop] = await call('GET', `/address?name=${encodeURIComponent(names.shop)}`)
  for (const pair of await call('GET', `/address_lineage/${shop.id}?direction=downstream`)) {
    show({ [`depth ${pair.depth}`]: `${pair.source_address_name} -> ${pair.target_address_name}` })
  }
  for (;;) {
    const alerts: { id: number }[] = await (await fetch(`${BASE}/job?kind=send_alert&after_id=${lastAlert}`, { headers: HEADERS })).json()
    if (alerts.length === 0) break
    lastAlert = alerts.at(-1)?.id ?? lastAlert
  }

  step('6. A run is late: it takes longer than its timeliness threshold.')
  const slow = await post('/pipeline', {
    name: `demo-${stamp}-slow`,
    pipeline_type_name: 'extraction',
    timeliness_number: 15,
    timeliness_datepart: 'minute',
  })
  const late = await post('/start_pipeline_execution', { pipeline_id: slow.id, start_date: minutesAgo(40) })
  await post('/timeliness', { lookback_minutes: 60 })
  const finding = await until('the finding', async (get) => (await get(`/timeliness_log?pipeline_id=${slow.id}`))[0])
  show({ execution: finding.pipeline_execution_id, seconds: finding.duration_seconds, threshold: finding.seconds_threshold })
  await showAlert(`Pipeline Execution ID: ${late.id} `)
  await post('/end_pipeline_execution', { id: late.id })

  step('7. A pipeline is stale: its data has not changed for longer than its freshness threshold.')
  const idle = await post('/pipeline', {
    name: `demo-${stamp}-idle`,
    pipeline_type_name: 'extraction',
    freshness_number: 2,
    freshness_datepart: 'hour',
  })
  const { id: old } = await post('/start_pipeline_execution', { pipeline_id: idle.id, start_date: minutesAgo(300) })
  await post('/end_pipeline_execution', { id: old, end_date: minutesAgo(290), inserts: 10 })
  await post('/freshness', undefined)
  const stale = await until('the finding', async (get) => (await get(`/freshness_log?pipeline_id=${idle.id}`))[0])
  show({ pipeline: stale.pipeline_id, 'last change': stale.last_dml_timestamp })
  await showAlert(`(ID: ${idle.id})`)

  step('8. A run has an anomaly: about a hundred rows on each of seven days, and none today.')
  const daily = await post('/pipeline', { name: `demo-${stamp}-daily`, pipeline_type_name: 'extraction' })
  await post('/anomaly_detection_rule', { pipeline_id: daily.id, metric_field: 'inserts', minimum_executions: 5 })
  for (const [index, inserts] of [102, 97, 105, 99, 101, 96, 100, 0].entries()) {
    const minutes = (7 - index) * 24 * 60 + 1
    const { id } = await post('/start_pipeline_execution', { pipeline_id: daily.id, start_date: minutesAgo(minutes) })
    await post('/end_pipeline_execution', { id, end_date: minutesAgo(minutes - 1), inserts })
  }
  const anomaly = await until('the anomaly', async (get) => (await get(`/anomaly_detection_result?pipeline_id=${daily.id}`))[0])
  show({ execution: anomaly.pipeline_execution_id, inserts: anomaly.violation_value, usual: anomaly.baseline_value, ...anomaly.context })
  await showAlert(`detected in pipeline ${daily.id} `)

  await showIncident(stamp)

  console.log(`\nDone. See it in a browser: ${BASE}/overview. The guides: ${BASE}/docs. Every field: ${BASE}/scalar\n`)
}

await runProgram(process.argv.includes('--fill') ? fillDemo : playDemo)
