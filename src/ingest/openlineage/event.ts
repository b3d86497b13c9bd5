import { parseInstant } from '../../core/instant.ts'
import { canonicalJson, stringifyJson } from '../../core/json.ts'
import { sha256 } from '../../core/sha256.ts'
import { UUID } from '../../core/uuid.ts'
import { errorIn, type Json, listIn, objectIn, ownerIn, textIn, wholeIn } from './facets.ts'
import { earliest, ever, type Facts, known, latest, microsOf } from './facts.ts'
import { addressOf, addressTypeOf, keyOf, labelsOf } from './names.ts'

interface JobNames {
  key: string
  namespace: string
  name: string
  labels: string[]
  facts: Facts
}

interface UsedDataset {
  name: string
  is_output: boolean
  facts: Facts
}

/** An event as record-event.sql takes it. */
export interface ReadEvent {
  hash: string
  at: string
  /** The event as it came. */
  body: string
  /** Its job and its parent's, for those that are new. */
  jobs: JobNames[]
  datasets: { name: string; type: string; group: string; facts: Facts }[]
  job?: { key: string; facts: Facts }
  run?: { id: string; key: string; facts: Facts }
  parent?: { job_key: string; id: string; key: string; facts: Facts }
  used: UsedDataset[]
}

/** The event has no job and no dataset that could be read: it can never be recorded. */
export class UnreadableEvent extends Error {}

const MAX_NAME = 2_000
const MAX_FACETS = 50_000
const TERMINAL = ['COMPLETE', 'FAIL', 'ABORT']

/** The moment of an event, and its hash, of which every key of a fact is made. */
interface Moment {
  at: string
  micros: number
  hash: string
}

/**
 * Reads an event: of a run, a job or a dataset, told apart by what they have. What is missing or odd is left out; only an event without an
 * identity is refused (UnreadableEvent). Without a readable `eventTime` it happened `now`.
 */
export const readEvent = async (given: unknown, now: string): Promise<ReadEvent> => {
  const event = storable(given)
  if (!isObject(event)) throw new UnreadableEvent('an event must be a JSON object')
  const at = parseInstant(textIn(event, 'eventTime') ?? '') ?? now
  const body = canonicalJson(event)
  const moment = { at, micros: microsOf(at), hash: await sha256(body) }
  const run = objectIn(event, 'run')
  const job = event.job === undefined || event.job === null ? undefined : identityOf(event.job, 'job')
  if (job === undefined) {
    const dataset = await readDataset(event.dataset, undefined, moment)
    if (dataset === undefined) throw new UnreadableEvent('an event must have a job or a dataset, each with a namespace and a name')
    return { ...moment, body, jobs: [], datasets: [dataset.known], used: [] }
  }
  const facets = objectIn(event.job as Json, 'facets') ?? {}
  const names = await readJob(job, jobFacts(facets, textIn(event, 'producer'), moment))
  const read = await Promise.all([
    ...listIn(event, 'inputs').map((dataset) => readDataset(dataset, false, moment)),
    ...listIn(event, 'outputs').map((dataset) => readDataset(dataset, true, moment)),
  ])
  const found = read.filter((dataset) => dataset !== undefined)
  const runId = textIn(run, 'runId')
  const parent = runId === undefined ? undefined : await readParent(objectIn(objectIn(run, 'facets'), 'parent'))
  return {
    ...moment,
    body,
    jobs: parent ? [names, parent.names] : [names],
    datasets: onePerName(found.map((dataset) => dataset.known)),
    used: onePerUse(found.map((dataset) => dataset.used)),
    job: { key: names.key, facts: names.facts },
    ...(runId !== undefined && { run: { ...(await runOf(runId)), facts: runFacts(event, facets, parent, moment) } }),
    ...(parent && { parent: { job_key: parent.names.key, ...parent.run, facts: { named: earliest(moment.at, moment.micros) } } }),
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Namespace and name, exactly; an empty one is a name. Throws UnreadableEvent if one is missing, no text, or too long. */
const identityOf = (value: unknown, what: string): { namespace: string; name: string } => {
  const [namespace, name] = isObject(value) ? [value.namespace, value.name] : []
  if (typeof namespace !== 'string' || typeof name !== 'string') throw new UnreadableEvent(`the ${what} must have a namespace and a name`)
  if (namespace.length > MAX_NAME || name.length > MAX_NAME)
    throw new UnreadableEvent(`the namespace and the name of the ${what} may have ${MAX_NAME} characters`)
  return { namespace, name }
}

const readJob = async ({ namespace, name }: { namespace: string; name: string }, facts: Facts): Promise<JobNames> => ({
  key: await keyOf(JSON.stringify([namespace, name])),
  namespace,
  name,
  labels: await labelsOf(namespace, name),
  facts,
})

const runOf = async (id: string): Promise<{ id: string; key: string }> => {
  const canonical = UUID.test(id) ? id.toLowerCase() : id
  return { id: canonical, key: await keyOf(canonical) }
}

/** The run and the job of the facet `parent`, if it has both. */
const readParent = async (facet: Json | undefined) => {
  const id = textIn(objectIn(facet, 'run'), 'runId')
  const job = objectIn(facet, 'job')
  if (id === undefined || typeof job?.namespace !== 'string' || typeof job.name !== 'string') return undefined
  if (job.namespace.length > MAX_NAME || job.name.length > MAX_NAME) return undefined
  return { names: await readJob({ namespace: job.namespace, name: job.name }, {}), run: await runOf(id) }
}

const MAX_TYPE = 150
const lastSegment = (url: string | undefined): string | undefined =>
  url
    ?.split(/[?#]/)[0]
    ?.split('/')
    .filter((part) => part.trim() !== '')
    .at(-1)
    ?.trim()

const jobFacts = (facets: Json, producer: string | undefined, moment: Moment): Facts => {
  const jobType = objectIn(facets, 'jobType')
  const integration = textIn(jobType, 'integration')?.trim().toLowerCase().slice(0, MAX_TYPE)
  const producerName = lastSegment(producer)?.toLowerCase().slice(0, MAX_TYPE)
  const kind = textIn(jobType, 'jobType')?.toUpperCase()
  const isStep = kind === 'SQL_JOB' || kind === 'RDD_JOB' || (integration === 'dbt' && kind === 'SQL')
  const processing = textIn(jobType, 'processingType')?.toUpperCase()
  const [rank, type] = integration ? [2, integration] : producerName ? [1, producerName] : [0, 'openlineage']
  const tags = listIn(objectIn(facets, 'tags'), 'tags')
  return known({
    type: { k: [rank, moment.micros, moment.hash], v: type },
    step: ever(isStep),
    is_streaming: latest(processing === undefined ? undefined : processing === 'STREAMING' || processing === 'SERVICE', moment),
    owner: latest(ownerIn(facets), moment),
    owners: latest(objectIn(facets, 'ownership')?.owners, moment),
    documentation: latest(textIn(objectIn(facets, 'documentation'), 'description'), moment),
    tags: latest(tags.length > 0 ? tags : undefined, moment),
  })
}

/**
 * The scheduled time of a run. Airflow says which interval of data it is about; its run begins when that ends (with a cron trigger, the
 * default since Airflow 3, both are the same).
 */
const nominalIn = (facet: Json | undefined, integration: string | undefined): string | null => {
  const start = textIn(facet, 'nominalStartTime')
  const at = integration?.toUpperCase() === 'AIRFLOW' ? (textIn(facet, 'nominalEndTime') ?? start) : start
  return parseInstant(at ?? '')
}

const runFacts = (event: Json, jobFacets: Json, parent: { run: { id: string }; names: JobNames } | undefined, moment: Moment): Facts => {
  const { at, micros, hash } = moment
  const type = (textIn(event, 'eventType') ?? '').toUpperCase()
  const isTerminal = TERMINAL.includes(type)
  const facets = objectIn(objectIn(event, 'run'), 'facets') ?? {}
  const nominal = nominalIn(objectIn(facets, 'nominalTime'), textIn(objectIn(jobFacets, 'jobType'), 'integration'))
  const error = errorIn(event, facets)
  const shown = { job: jobFacets, run: facets }
  return known({
    first: earliest(at, micros),
    seen: { k: [micros], v: at },
    start: type === 'START' ? earliest(at, micros) : undefined,
    end: isTerminal ? earliest(at, micros) : undefined,
    failed: ever(type === 'FAIL' || type === 'ABORT'),
    fail: ever(type === 'FAIL'),
    parent: parent && { k: [micros, hash], v: [parent.names.key, parent.run.id] },
    nominal: latest(nominal, moment),
    error: error && { k: [error.rank, micros, hash], v: error.text },
    // The raw event has what is too long to be shown.
    last: { k: [micros, isTerminal ? 1 : 0, hash], v: stringifyJson(shown).length <= MAX_FACETS ? shown : { omitted: 'too long' } },
  })
}

const readDataset = async (value: unknown, isOutput: boolean | undefined, moment: Moment) => {
  if (!isObject(value) || typeof value.namespace !== 'string' || typeof value.name !== 'string') return undefined
  const { namespace } = value
  const facets = objectIn(value, 'facets') ?? {}
  const statistics = isOutput
    ? objectIn(objectIn(value, 'outputFacets') ?? facets, 'outputStatistics')
    : objectIn(objectIn(value, 'inputFacets') ?? facets, 'inputStatistics')
  const name = await addressOf(namespace, value.name)
  const fields = objectIn(facets, 'schema')?.fields
  const symlinks = listIn(objectIn(facets, 'symlinks'), 'identifiers')
  return {
    known: {
      name,
      ...addressTypeOf(namespace),
      facts: known({
        schema: latest(Array.isArray(fields) ? fields : undefined, moment),
        symlinks: latest(symlinks.length > 0 ? symlinks : undefined, moment),
      }),
    },
    used: {
      name,
      is_output: isOutput ?? false,
      facts: known({ rows: latest(wholeIn(statistics, 'rowCount'), moment), bytes: latest(wholeIn(statistics, 'size'), moment) }),
    },
  }
}

/** A dataset may be named several times, as input and output too. Of facts that differ the greater JSON stays, in any order. */
const onePerName = (datasets: ReadEvent['datasets']): ReadEvent['datasets'] => mergedBy(datasets, ({ name }) => name)
const onePerUse = (used: UsedDataset[]): UsedDataset[] => mergedBy(used, ({ name, is_output }) => `${is_output} ${name}`)

const mergedBy = <Row extends { facts: Facts }>(rows: Row[], keyOfRow: (row: Row) => string): Row[] =>
  [...Map.groupBy(rows, keyOfRow).values()].map((same) => {
    const [first, ...more] = same as [Row, ...Row[]]
    const facts = { ...first.facts }
    for (const other of more) {
      for (const [name, fact] of Object.entries(other.facts)) {
        const before = facts[name]
        if (before === undefined || stringifyJson(fact.v) > stringifyJson(before.v)) facts[name] = fact
      }
    }
    return { ...first, facts }
  })

/** PostgreSQL stores every text but NUL and halves of surrogate pairs: they become `�`. */
const storable = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return value.replaceAll('\0', '�').toWellFormed()
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  if (value === null || typeof value !== 'object') return value
  if (depth >= MAX_DEPTH) return null
  if (Array.isArray(value)) return value.map((part) => storable(part, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [storable(key) as string, storable(part, depth + 1)]))
}
/** Deeper nesting is left out: PostgreSQL and the JSON writer would run out of stack. */
const MAX_DEPTH = 100
