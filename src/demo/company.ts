import { ORCHESTRATIONS, TROUBLES, type Trouble } from './company-operation.ts'
import { AUDITS, DATABASES, EXPORTS, FEATURES, GROUPS, MARTS, REPORTS, SYSTEMS, type System } from './company-systems.ts'
import { seededBy } from './seeded.ts'

/**
 * Northwind Goods is a fictional online retailer: its pipelines, the addresses they read and write, and their problems. These are
 * always the same; company-runs.ts makes the runs.
 */
export interface Pipeline {
  name: string
  type: keyof typeof PIPELINE_TYPES
  /** The team that owns the pipeline. */
  owner: string
  schedule: Schedule
  sources: string[]
  targets: string[]
  /** Rows and duration in seconds of an ordinary run. */
  rows: number
  seconds: number
  trouble?: Trouble
  /** The orchestrating pipeline; this pipeline's runs are parts of its runs. */
  parent?: string
  /** The pipelines whose runs are parts of this one's; empty if it does not orchestrate. */
  steps: string[]
  /** The metrics that its anomaly rules watch. */
  metrics: string[]
}

/** Runs every `everyHours` hours, the first at this hour and minute of the UTC day. */
export interface Schedule {
  everyHours: 1 | 6 | 24
  hour: number
  minute: number
}

export interface Address {
  name: string
  address_type_name: string
  address_type_group_name: string
  primary_key?: string
  deprecated?: boolean
  address_metadata?: Record<string, unknown>
}

const thresholds = (timelinessHours: number, freshnessDays?: number) => ({
  timeliness_number: timelinessHours,
  timeliness_datepart: 'hour',
  ...(freshnessDays && { freshness_number: freshnessDays, freshness_datepart: 'day' }),
})

/** The types and their thresholds. Timeliness: above three times an ordinary run. Freshness: none for a type that writes no rows. */
export const PIPELINE_TYPES = {
  orchestration: thresholds(6),
  extraction: thresholds(3, 3),
  'api-integration': thresholds(5, 3),
  'dbt-transformation': thresholds(4, 3),
  'ml-features': thresholds(8, 3),
  reporting: thresholds(2),
  export: thresholds(2, 3),
  audit: thresholds(2),
}

const listWords = (text: string): string[] => text.match(/\S+/g) ?? []

const troubleOf = new Map(
  Object.entries(TROUBLES).flatMap(([trouble, names]) => listWords(names).map((name) => [name, trouble as Trouble] as const)),
)

/** For each step: the pipeline it is a part of, and the minute of the day at which it starts. */
const partOf = new Map(
  Object.entries(ORCHESTRATIONS).flatMap(([parent, { hour, minute, minutesApart, steps }]) =>
    listWords(steps).map((name, place) => [name, { parent, minutes: hour * 60 + minute + 2 + place * minutesApart }] as const),
  ),
)

/** The range of seconds and of rows of an ordinary daily run, by type. */
const ORDINARY: Record<Pipeline['type'], { seconds: [number, number]; rows: [number, number] }> = {
  orchestration: { seconds: [60, 60], rows: [1, 1] },
  extraction: { seconds: [150, 900], rows: [4_000, 2_000_000] },
  'api-integration': { seconds: [90, 700], rows: [300, 60_000] },
  'dbt-transformation': { seconds: [120, 1_300], rows: [5_000, 4_000_000] },
  'ml-features': { seconds: [1_500, 4_500], rows: [20_000, 900_000] },
  reporting: { seconds: [40, 400], rows: [200, 20_000] },
  export: { seconds: [60, 500], rows: [500, 80_000] },
  audit: { seconds: [60, 300], rows: [1_000, 500_000] },
}

/** The loads and models with anomaly rules; a pipeline with trouble has none. */
const WATCHED = /^(extract-shop|extract-wms|sync-stripe|sync-salesforce|sync-amazon|dbt-sales|dbt-customers-(dim|fct-l))/
const METRICS = ['inserts duration_seconds', 'total_rows duration_seconds', 'inserts throughput', 'total_rows throughput']

type Description = Pick<Pipeline, 'type' | 'owner' | 'sources' | 'targets'> & {
  everyHours?: Schedule['everyHours']
  hour: number
  steps?: string[]
}

const describe = (words: string[], { everyHours = 24, hour, steps = [], ...described }: Description): Pipeline => {
  const name = words.join('-').replaceAll(/[._]/g, '-')
  const random = seededBy(name)
  const part = partOf.get(name)
  const minutes = part?.minutes ?? hour * 60 + 3 + Math.floor(random() * (everyHours === 1 ? 35 : 50))
  const { seconds, rows } = ORDINARY[described.type]
  const share = { 1: 0.15, 6: 0.5, 24: 1 }[everyHours]
  const trouble = troubleOf.get(name)
  const metrics = METRICS[Math.floor(random() * METRICS.length)] ?? ''
  return {
    name,
    ...described,
    schedule: { everyHours, hour: Math.floor(minutes / 60) % everyHours, minute: minutes % 60 },
    rows: Math.round(share * rows[0] * (rows[1] / rows[0]) ** random()),
    seconds: Math.round(share * (seconds[0] + (seconds[1] - seconds[0]) * random())),
    ...(trouble && { trouble }),
    ...(part && { parent: part.parent }),
    steps,
    metrics: WATCHED.test(name) && !trouble ? listWords(metrics) : [],
  }
}

const inFours = <Item>(items: Item[]): Item[][] => items.flatMap((_, at) => (at % 4 === 0 ? [items.slice(at, at + 4)] : []))

/** One pipeline per table loads a system's tables into `raw`. */
const loadsOf = ({ name: system, prefix, owner, everyHours, hour, withChanges = 0, archived = 0, ...rest }: System): Pipeline[] => {
  const isVendor = prefix.endsWith('://northwind/')
  return listWords(rest.tables).map((table, index) => {
    const interval = table === rest.rarely ? 6 : everyHours
    return describe([isVendor ? 'sync' : 'extract', system, table], {
      type: isVendor ? 'api-integration' : 'extraction',
      owner,
      everyHours: interval,
      hour: hour + (index % (interval === 6 ? 6 : 2)),
      sources: [prefix + table, ...(index < withChanges ? [`${prefix}${table}_changes`] : [])],
      targets: [`raw.${system}.${table}`, ...(index < archived ? [`s3://northwind-lake/archive/${system}/${table}/`] : [])],
    })
  })
}

/** One staging pipeline per four raw tables of a system. It writes one table; the first ten with all four raw tables write a second. */
const stagings = (): Pipeline[] => {
  const groups = SYSTEMS.flatMap(({ name, owner, tables }) => inFours(listWords(tables)).map((group) => ({ system: name, owner, group })))
  const large = new Set(
    groups
      .map(({ group }) => group)
      .filter(({ length }) => length === 4)
      .slice(0, 10),
  )
  return groups.map(({ system, owner, group }) =>
    describe(['dbt', 'stg', system, group[0] ?? ''], {
      type: 'dbt-transformation',
      owner,
      hour: 4,
      sources: group.map((table) => `raw.${system}.${table}`),
      targets: [group[0], ...(large.has(group) ? [group[2]] : [])].map((table) => `staging.${system}.stg_${table}`),
    }),
  )
}

const locateSource = (word: string) => (word.startsWith('@') ? `analytics.${word.slice(1)}` : `staging.${word.replace('.', '.stg_')}`)

interface Layer {
  verb: string
  type: Pipeline['type']
  hour: number
  table: string
  /** The prefix of its targets' addresses. Without one, a line has the export's name and then its targets in full. */
  prefix?: string
  owner?: string
}

const LAYERS: Layer[] = [
  { verb: 'dbt', type: 'dbt-transformation', hour: 5, table: MARTS, prefix: 'analytics.' },
  { verb: 'features', type: 'ml-features', hour: 6, table: FEATURES, prefix: 'northwind_ml.features.', owner: 'data-science' },
  { verb: 'report', type: 'reporting', hour: 7, table: REPORTS, prefix: 'looker://northwind/dashboards/', owner: 'analytics' },
  { verb: 'export', type: 'export', hour: 8, table: EXPORTS, owner: 'integrations' },
  { verb: 'audit', type: 'audit', hour: 9, table: AUDITS, prefix: 'audit.checks.', owner: 'data-quality' },
]

const pipelinesOf = ({ verb, type, hour, table, prefix, owner }: Layer): Pipeline[] =>
  table
    .trim()
    .split('\n')
    .map((line) => {
      const [written = [], read = []] = line.split(' < ').map(listWords)
      const [first = ''] = written
      return describe([verb, first], {
        type,
        owner: owner ?? first.split('.')[0] ?? '',
        hour,
        sources: read.map(locateSource),
        targets: prefix === undefined ? written.slice(1) : written.map((word) => prefix + word),
      })
    })

const orchestrations = (): Pipeline[] =>
  Object.entries(ORCHESTRATIONS).map(([name, { hour, minute, steps }]) => {
    const place = `s3://northwind-orchestration/${name}`
    const pipeline = describe([name], {
      type: 'orchestration',
      owner: 'platform',
      hour,
      sources: [`${place}/dag.yaml`],
      targets: [`${place}/manifest.json`],
      steps: listWords(steps),
    })
    return { ...pipeline, schedule: { everyHours: 24, hour, minute } }
  })

export const PIPELINES: Pipeline[] = [...orchestrations(), ...SYSTEMS.flatMap(loadsOf), ...stagings(), ...LAYERS.flatMap(pipelinesOf)]

/** The timeliness threshold of a pipeline that has to be late, in minutes. */
export const minutesAllowed = ({ seconds }: Pipeline): number => Math.ceil((2.2 * seconds) / 60)

/** The settings of a pipeline that differ from its type's: its own thresholds, muted checks, and whether it is active. */
export const exceptionsOf = (pipeline: Pipeline): Record<string, unknown> => {
  const { schedule, trouble = '' } = pipeline
  const timeliness = (number: number, datepart: string) => ({ timeliness_number: number, timeliness_datepart: datepart })
  return {
    ...(schedule.everyHours === 1 && { ...timeliness(30, 'minute'), freshness_number: 1, freshness_datepart: 'day' }),
    ...(trouble.endsWith('late') && timeliness(minutesAllowed(pipeline), 'minute')),
    ...(trouble === 'hanging' && timeliness(3, 'hour')),
    ...(/silent|stopped/.test(trouble) && { freshness_number: 2, freshness_datepart: 'day' }),
    ...(trouble === 'muted and silent' && { mute_freshness_check: true }),
    ...(trouble === 'muted and late' && { mute_timeliness_check: true }),
    ...(trouble === 'inactive' && { active: false }),
  }
}

/** The settings of a pipeline's rules, beside the defaults. There are only thirty days of runs: they are judged once there is a week of them. */
export const ruleOf = ({ schedule: { everyHours } }: Pipeline) =>
  ({ method: 'robust', minimum_executions: Math.max(8, (7 * 24) / everyHours) }) as const

const DEPRECATED = /wishlists|ad_sets|_fees|\/macros|locations_changes|sales\.fct_gift_cards|email_timing/
const PERSONAL = /customer|contacts|leads|employees|applicants|absences|payroll|address/

const locate = (name: string): Address => {
  const scheme = name.match(/^(\w+):\/\//)?.[1]
  const isTable = scheme === undefined
  return {
    name,
    address_type_name: scheme ?? DATABASES[name.split('.')[0] ?? ''] ?? 'snowflake',
    address_type_group_name: isTable ? 'database' : (GROUPS[scheme] ?? 'api'),
    ...(isTable && /\.public\.|dim_|fct_/.test(name) && { primary_key: 'id' }),
    ...(DEPRECATED.test(name) && { deprecated: true }),
    ...(PERSONAL.test(name) && { address_metadata: { personal_data: true, retention_days: 730, steward: 'privacy@northwind.example' } }),
    ...(scheme === 'looker' && { address_metadata: { url: name.replace('looker://northwind', 'https://northwind.looker.com'), tier: 1 } }),
  }
}

export const ADDRESSES: Address[] = [...new Set(PIPELINES.flatMap(({ sources, targets }) => [...sources, ...targets]))].map(locate)
