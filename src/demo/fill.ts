import { setTimeout as sleep } from 'node:timers/promises'
import { BASE, request } from './client.ts'
import { ADDRESSES, exceptionsOf, PIPELINE_TYPES, PIPELINES, type Pipeline } from './company.ts'
import { depthOf, HISTORY_DAYS, type Run, runsUntil } from './company-runs.ts'

/**
 * `npm run demo -- --fill`: a made-up company with a month of runs, through the API, so that there is something to look
 * at. Run again it adds what has run since; within the same hour nothing. One that broke off goes on where it was.
 */
export const fillDemo = async (): Promise<void> => {
  const began = Date.now()
  const runs = runsUntil(new Date(began))
  console.log(
    `Northwind Goods comes to ${BASE}: ${PIPELINES.length} pipelines and ${HISTORY_DAYS} days of their runs. This takes some minutes.`,
  )
  await eachAtOnce(ADDRESSES, async (address) => void (await post('/address', address)))
  console.log(`  ${count(ADDRESSES.length)} addresses`)
  const ids = await createPipelines()
  console.log(`  ${count(ids.size)} pipelines with their lineage and anomaly rules`)
  await replayRuns(ids, runs)
  // Only now: what is being replayed would else be late and stale to a check that ticks meanwhile.
  await setRules(ids)
  await post('/timeliness', { lookback_minutes: (HISTORY_DAYS + 1) * 24 * 60 })
  await post('/freshness', undefined)
  await waitForRest()
  await tell(began)
}

/** Requests on their way at once; one pipeline's own runs follow each other. */
const LANES = 12
const PATIENCE = 10
const REST_SECONDS = 120
const PROGRESS_MILLIS = 5_000
const PAGE = 1_000

const count = (number: number) => number.toLocaleString('en-US')

/** All of it may be sent twice. */
const post = async <Answer = unknown>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  (await request<Answer>('POST', path, body, { headers, tries: PATIENCE })).answer
const patch = (path: string, body: unknown) => request('PATCH', path, body, { tries: PATIENCE })

const eachAtOnce = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> => {
  const waiting = items.values()
  const lane = async () => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** Types, pipelines, lineage and what the anomaly rules watch: by name, so that a second time finds them there. */
const createPipelines = async (): Promise<Map<string, number>> => {
  const ids = new Map<string, number>()
  await eachAtOnce(Object.keys(PIPELINE_TYPES), async (name) => void (await post('/pipeline_type', { name })))
  const addresses = new Map(ADDRESSES.map(({ name, ...address }) => [name, { address_name: name, ...address }]))
  await eachAtOnce(PIPELINES, async (pipeline) => {
    const { id, load_lineage } = await post<{ id: number; load_lineage: boolean }>('/pipeline', {
      name: pipeline.name,
      pipeline_type_name: pipeline.type,
      pipeline_metadata: metadataOf(pipeline),
      load_lineage: true,
    })
    ids.set(pipeline.name, id)
    if (load_lineage) {
      const [sources, targets] = [pipeline.sources, pipeline.targets].map((names) => names.map((name) => addresses.get(name)))
      await post('/address_lineage', { pipeline_id: id, source_addresses: sources, target_addresses: targets })
    }
    for (const metric_field of pipeline.metrics) {
      await post('/anomaly_detection_rule', { pipeline_id: id, metric_field, minimum_executions: 8, std_deviation_threshold_multiplier: 3 })
    }
  })
  return ids
}

const metadataOf = ({ type, owner, schedule: { everyHours, hour, minute } }: Pipeline) => ({
  owner: `${owner}@northwind.example`,
  schedule: `${minute} ${{ 1: '*', 6: `${hour}-23/6`, 24: hour }[everyHours]} * * *`,
  repository: `https://git.northwind.example/${owner}/${type}`,
})

const setRules = async (ids: Map<string, number>): Promise<void> => {
  await eachAtOnce(Object.entries(PIPELINE_TYPES), async ([name, rules]) => void (await patch('/pipeline_type', { name, ...rules })))
  await eachAtOnce(PIPELINES, async (pipeline) => {
    const exceptions = exceptionsOf(pipeline)
    if (Object.keys(exceptions).length > 0) await patch('/pipeline', { id: ids.get(pipeline.name), ...exceptions })
  })
}

/** Parents before their parts, whose start names them; of the rest those with most runs first, or the last would be alone for long. */
const replayRuns = async (ids: Map<string, number>, runs: Map<string, Run[]>): Promise<void> => {
  const lengthOf = ({ name }: Pipeline) => runs.get(name)?.length ?? 0
  const total = PIPELINES.reduce((sum, pipeline) => sum + lengthOf(pipeline), 0)
  const executions = new Map<string, number>()
  const ended = await findEnded()
  const [began, progress] = [Date.now(), { done: 0 }]
  const timer = setInterval(() => {
    console.log(
      `  ${count(progress.done)} of ${count(total)} executions, ${count(Math.round((progress.done / (Date.now() - began)) * 1_000))} a second`,
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
}

const keyOf = (of: string | number, moment: string | number) => `${of} ${moment}`

interface Execution {
  id: number
  pipeline_id: number
  start_date: string
  end_date: string | null
}

/** What an earlier fill has brought to its end need not be sent again: by pipeline and start, their ids. */
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

/** Its id. The key is that of the slot, so that a fill which broke off here goes on with the same execution. */
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
}

/** Anomalies are looked for after each end, in the background; so are late runs and stale data. */
const waitForRest = async (): Promise<void> => {
  const until = Date.now() + REST_SECONDS * 1_000
  for (;;) {
    const { answer } = await request<Monitoring>('GET', '/monitoring', undefined, { tries: PATIENCE })
    const left = answer.kinds.reduce((sum, { waiting, running }) => sum + waiting + running, 0)
    if (left === 0) return
    if (Date.now() > until) return console.log(`  ${count(left)} jobs are still to be done: see ${BASE}/monitoring`)
    console.log(`  ${count(left)} jobs in the background`)
    await sleep(2_000)
  }
}

/** All rows of a list on the server, whoever has put them there, a page at a time. */
async function* pagesOf<Row extends { id: number }>(path: string, filter = ''): AsyncGenerator<Row[]> {
  for (let after = 0; ; ) {
    const { answer } = await request<Row[]>('GET', `${path}?limit=${PAGE}&after_id=${after}${filter}`, undefined, { tries: PATIENCE })
    yield answer
    if (answer.length < PAGE) return
    after = answer.at(-1)?.id ?? 0
  }
}

const countAll = async (path: string, filter?: string): Promise<number> => {
  let sum = 0
  for await (const page of pagesOf(path, filter)) sum += page.length
  return sum
}

const tell = async (began: number): Promise<void> => {
  const lines: [what: string, path: string, filter?: string][] = [
    ['pipelines', '/pipeline'],
    ['addresses', '/address'],
    ['executions', '/pipeline_execution'],
    ['... failed', '/pipeline_execution', '&status=failed'],
    ['... running', '/pipeline_execution', '&status=running'],
    ['late runs', '/timeliness_log'],
    ['stale data', '/freshness_log'],
    ['anomalies', '/anomaly_detection_result'],
  ]
  console.log('\nTo be seen:')
  for (const [what, path, filter] of lines) console.log(`  ${what.padEnd(14)} ${count(await countAll(path, filter)).padStart(7)}`)
  console.log(`\nDone in ${Math.round((Date.now() - began) / 1_000)} seconds. Look at it: ${BASE}/overview\n`)
}
