import { setTimeout as sleep } from 'node:timers/promises'
import { BASE, MAX_TRIES, pagesOf, request } from './client.ts'
import { ADDRESSES, exceptionsOf, PIPELINE_TYPES, PIPELINES, type Pipeline, ruleOf } from './company.ts'
import { depthOf, HISTORY_DAYS, type Run, runsUntil } from './company-runs.ts'
import { type Flag, tallyOf } from './tally.ts'

/**
 * `npm run demo -- --fill` records a fictional company with a month of runs through the API, to fill the pages. A second
 * call adds the runs since the first; within the same hour it adds nothing. After an interruption it continues.
 */
export const fillDemo = async (): Promise<void> => {
  const began = Date.now()
  const runs = runsUntil(new Date(began))
  console.log(
    `Recording Northwind Goods at ${BASE}: ${PIPELINES.length} pipelines and ${HISTORY_DAYS} days of runs. This takes some minutes.`,
  )
  await eachAtOnce(ADDRESSES, async (address) => void (await post('/address', address)))
  console.log(`  ${count(ADDRESSES.length)} addresses`)
  const ids = await createPipelines()
  console.log(`  ${count(ids.size)} pipelines with their lineage and anomaly rules`)
  const executions = await replayRuns(ids, runs)
  // Thresholds come last: earlier, a check that ticks during the replay would find late runs and stale pipelines.
  await setThresholds(ids)
  await post('/timeliness', { lookback_minutes: (HISTORY_DAYS + 1) * 24 * 60 })
  await post('/freshness', undefined)
  await waitForJobs()
  await summarise()
  await printTally(runs, executions)
  console.log(`\nDone in ${Math.round((Date.now() - began) / 1_000)} seconds. See ${BASE}/overview\n`)
}

/** Concurrent requests; the runs of one pipeline are sent one after the other. */
const LANES = 12
const MAX_WAIT_SECONDS = 120
const PROGRESS_MILLIS = 5_000

const count = (number: number) => number.toLocaleString('en-US')

/** Repeats a request if the server is busy: every request of the fill is safe to repeat. */
const post = async <Answer = unknown>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  (await request<Answer>('POST', path, body, { headers, tries: MAX_TRIES })).answer
const patch = (path: string, body: unknown) => request('PATCH', path, body, { tries: MAX_TRIES })

const eachAtOnce = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> => {
  const waiting = items.values()
  const lane = async () => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** Creates types, pipelines, lineage and anomaly rules, or finds them by name. Answers the pipelines' ids by name. */
const createPipelines = async (): Promise<Map<string, number>> => {
  const ids = new Map<string, number>()
  await eachAtOnce(Object.keys(PIPELINE_TYPES), async (name) => void (await post('/pipeline_type', { name })))
  const addresses = new Map(ADDRESSES.map(({ name, ...address }) => [name, { address_name: name, ...address }]))
  await eachAtOnce(PIPELINES, async (pipeline) => {
    const { id, load_lineage } = await post<{ id: number; load_lineage: boolean }>('/pipeline', {
      name: pipeline.name,
      pipeline_type_name: pipeline.type,
      ...onCallOf(pipeline),
      pipeline_metadata: metadataOf(pipeline),
      load_lineage: true,
    })
    ids.set(pipeline.name, id)
    if (load_lineage) {
      const [sources, targets] = [pipeline.sources, pipeline.targets].map((names) => names.map((name) => addresses.get(name)))
      await post('/address_lineage', { pipeline_id: id, source_addresses: sources, target_addresses: targets })
    }
    for (const metric_field of pipeline.metrics) {
      await post('/anomaly_detection_rule', { pipeline_id: id, metric_field, ...ruleOf(pipeline) })
    }
  })
  return ids
}

/** Without a schedule: nobody runs the made-up company after it is filled, and each run would be missed. */
const onCallOf = ({ type, owner, schedule: { everyHours } }: Pipeline) => ({
  owner: `${owner}@northwind.example`,
  tags: [everyHours === 24 ? 'nightly' : 'intraday'],
  runbook_url: `https://git.northwind.example/${owner}/runbooks/${type}`,
})

const metadataOf = ({ type, owner, schedule: { everyHours, hour, minute } }: Pipeline) => ({
  schedule: `${minute} ${{ 1: '*', 6: `${hour}-23/6`, 24: hour }[everyHours]} * * *`,
  repository: `https://git.northwind.example/${owner}/${type}`,
})

const setThresholds = async (ids: Map<string, number>): Promise<void> => {
  await eachAtOnce(
    Object.entries(PIPELINE_TYPES),
    async ([name, thresholds]) => void (await patch('/pipeline_type', { name, ...thresholds })),
  )
  await eachAtOnce(PIPELINES, async (pipeline) => {
    const exceptions = exceptionsOf(pipeline)
    if (Object.keys(exceptions).length > 0) await patch('/pipeline', { id: ids.get(pipeline.name), ...exceptions })
  })
}

/** Sends parents before their parts, whose starts name them. Sends pipelines with the most runs first, to keep all lanes busy. */
const replayRuns = async (ids: Map<string, number>, runs: Map<string, Run[]>): Promise<Map<string, number>> => {
  const lengthOf = ({ name }: Pipeline) => runs.get(name)?.length ?? 0
  const total = PIPELINES.reduce((sum, pipeline) => sum + lengthOf(pipeline), 0)
  const executions = new Map<string, number>()
  const ended = await findEnded()
  const [began, progress] = [Date.now(), { done: 0 }]
  const timer = setInterval(() => {
    console.log(
      `  ${count(progress.done)} of ${count(total)} executions, ${count(Math.round((progress.done / (Date.now() - began)) * 1_000))} per second`,
    )
  }, PROGRESS_MILLIS)
  try {
    for (const depth of new Set(PIPELINES.map(depthOf).toSorted())) {
      const level = PIPELINES.filter((pipeline) => depthOf(pipeline) === depth).sort((left, right) => lengthOf(right) - lengthOf(left))
      await eachAtOnce(level, async (pipeline) => {
        const pipelineId = ids.get(pipeline.name) ?? 0
        for (const run of runs.get(pipeline.name) ?? []) {
          const known = ended.get(keyOf(pipelineId, Date.parse(run.start.start_date)))
          executions.set(keyOf(pipeline.name, run.slot), known ?? (await replay(pipelineId, run, parentIn(executions, pipeline, run))))
          progress.done += 1
        }
      })
    }
  } finally {
    clearInterval(timer)
  }
  console.log(`  ${count(total)} executions`)
  return executions
}

const keyOf = (pipeline: string | number, moment: string | number) => `${pipeline} ${moment}`

interface Execution {
  id: number
  pipeline_id: number
  start_date: string
  end_date: string | null
}

/** The ids of executions that an earlier fill has ended, by pipeline and start: they are not sent again. */
const findEnded = async (): Promise<Map<string, number>> => {
  const since = new Date(Date.now() - (HISTORY_DAYS + 1) * 24 * 60 * 60 * 1_000).toISOString()
  const ended = new Map<string, number>()
  for await (const page of pagesOf<Execution>('/pipeline_execution', `&started_after=${since}`)) {
    for (const { id, pipeline_id, start_date, end_date } of page) if (end_date) ended.set(keyOf(pipeline_id, Date.parse(start_date)), id)
  }
  return ended
}

const parentIn = (executions: Map<string, number>, { parent }: Pipeline, { parentSlot }: Run): number | undefined =>
  parent === undefined || parentSlot === undefined ? undefined : executions.get(keyOf(parent, parentSlot))

/** Sends the start and the end; answers the id. The slot is the idempotency key: a second fill continues the same execution. */
const replay = async (pipelineId: number, { slot, start, end }: Run, parentId: number | undefined): Promise<number> => {
  const { id } = await post<{ id: number }>(
    '/start_pipeline_execution',
    { pipeline_id: pipelineId, parent_id: parentId, ...start },
    { 'idempotency-key': `fill ${slot}` },
  )
  if (end) await post('/end_pipeline_execution', { id, ...end })
  return id
}

interface Monitoring {
  kinds: { waiting: number; running: number }[]
  /** null: no job is due. */
  oldest_waiting: unknown
}

/** Waits for the background jobs, which look for anomalies after each end, for late runs and for stale pipelines; not for those that are due later. */
const waitForJobs = async (): Promise<void> => {
  const until = Date.now() + MAX_WAIT_SECONDS * 1_000
  for (;;) {
    const { answer } = await request<Monitoring>('GET', '/monitoring', undefined, { tries: MAX_TRIES })
    const left = answer.kinds.reduce((sum, { waiting, running }) => sum + waiting + running, 0)
    if (answer.oldest_waiting === null && answer.kinds.every(({ running }) => running === 0)) return
    if (Date.now() > until) return console.log(`  ${count(left)} jobs have not finished yet: see ${BASE}/monitoring`)
    console.log(`  waiting for background jobs: ${count(left)} are left, also those for later`)
    await sleep(2_000)
  }
}

const countAll = async (path: string, filter?: string): Promise<number> => {
  let sum = 0
  for await (const page of pagesOf(path, filter)) sum += page.length
  return sum
}

const summarise = async (): Promise<void> => {
  const lines: [what: string, path: string, filter?: string][] = [
    ['pipelines', '/pipeline'],
    ['addresses', '/address'],
    ['executions', '/pipeline_execution'],
    ['... failed', '/pipeline_execution', '&status=failed'],
    ['... running', '/pipeline_execution', '&status=running'],
    ['late runs', '/timeliness_log'],
    ['stale', '/freshness_log'],
    ['anomalies', '/anomaly_detection_result'],
  ]
  console.log('\nRecorded on this server:')
  for (const [what, path, filter] of lines) console.log(`  ${what.padEnd(14)} ${count(await countAll(path, filter)).padStart(7)}`)
}

/** Prints what the rules have found of what was planted. */
const printTally = async (runs: Map<string, Run[]>, executions: Map<string, number>): Promise<void> => {
  const flags: Flag[] = []
  for await (const page of pagesOf<Flag & { id: number }>('/anomaly_detection_result')) flags.push(...page)
  const { planted, found, missed, falseAlarms, judged, levels } = tallyOf(runs, (name, slot) => executions.get(keyOf(name, slot)), flags)
  const percent = (part: number, of: number) => `${((100 * part) / Math.max(1, of)).toFixed(1)} %`
  console.log('\nOf what was planted in the runs of the pipelines with rules:')
  console.log(`  found          ${found} of ${planted} abnormal runs (${percent(found, planted)}), ${levels} new levels told`)
  console.log(`  false alarms   ${falseAlarms} of about ${count(judged)} verdicts (${percent(falseAlarms, judged)})`)
  for (const run of missed) console.log(`  not found      ${run}`)
}
