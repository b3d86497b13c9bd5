import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { instantOf } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { jsonOf } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { ratioTable } from './baseline.ts'
import { flagShape, flagsOf, ruleColumns, ruleShape, runColumns, runsOf, runsShape } from './history.ts'
import { judgeRun } from './judge.ts'
import { METHODS } from './methods/index.ts'
import { type PastRun, weeklyDaysOf } from './pools.ts'
import { type JudgedRule, RULE_DEFAULTS } from './rule.ts'
import { anomalyDetectionRule } from './table.ts'

/** The newest runs that are judged, and the runs that are read with their histories. */
const MAX_JUDGED = 2_000
const MAX_READ = 6_000
const MAX_LOOKBACK_DAYS = 365

const RUNS = sql.raw('runs')

const READ = once(() =>
  prepare(sql`
  with subject as (
    select p.id, coalesce(p.schedule_timezone, 'UTC') as zone, r.id as rule_id,
      coalesce(${param('metric_field')}::text, r.metric_field) = 'rows_ratio' as asks_ratio
    from ${pipeline} p
    left join ${anomalyDetectionRule} r on r.id = ${param('rule_id')}::bigint or ${param('rule_id')}::bigint is null and r.pipeline_id = p.id and r.metric_field = ${param('metric_field')}
    where p.id = coalesce(${param('pipeline_id')}::bigint, (select pipeline_id from ${anomalyDetectionRule} where id = ${param('rule_id')}::bigint))),
  ${RUNS} as materialized (
    select e.* from ${pipelineExecution} e join subject on e.pipeline_id = subject.id
    where e.completed_successfully and e.start_date >= ${param('now')}::timestamptz - make_interval(days => ${param('days')}::integer + ${sql.raw(String(MAX_LOOKBACK_DAYS))})
    order by e.start_date desc limit ${sql.raw(String(MAX_READ))}),
  ${ratioTable({ pipelineId: sql`(select id from subject)`, ids: sql`select id from ${RUNS}`, asked: sql`(select asks_ratio from subject)` })}
  select (select coalesce(jsonb_agg(${runColumns(RUNS, sql`subject.zone`)} order by ${RUNS}.end_date, ${RUNS}.id), '[]') from ${RUNS}) as runs,
    coalesce((select ${ruleColumns} from ${anomalyDetectionRule} r where r.id = subject.rule_id), 'null') as rule,
    ${flagsOf(sql`subject.rule_id`, RUNS)} as flags
  from subject`),
)

const row = once(() => z.object({ runs: jsonOf(runsShape), rule: jsonOf(ruleShape.nullable()), flags: jsonOf(z.array(flagShape)) }))

/** What a rule would have flagged. */
export interface Preview {
  /** How many runs it would have judged, of at most 2,000. */
  runs: number
  flagged: {
    pipeline_execution_id: number
    start_date: string
    value: number
    lower: number | null
    upper: number | null
    explanation: string
  }[]
  /** The share of the judged runs, 0 to 1. */
  rate: number
  /** How many of these runs the present rule flagged; null: there is none. */
  flagged_by_present: number | null
}

export interface PreviewOf {
  rule_id: number | null
  pipeline_id: number | null
  changes: Partial<JudgedRule>
  days: number
}

/**
 * Judges the newest runs of the last `days` in the order of their end, as if the rule had been there all along: with its own flags, and the
 * same function as detection. undefined: there is no such pipeline or rule. The baselines know at most the newest 6,000 runs.
 */
export const previewRule = async (
  db: Database,
  { rule_id, pipeline_id, changes, days }: PreviewOf,
  now: string,
): Promise<Preview | undefined> => {
  const [found] = await db.rows(READ(), row(), { rule_id, pipeline_id, metric_field: changes.metric_field ?? null, days, now })
  if (!found || (rule_id !== null && !found.rule)) return undefined
  const rule = completed(changes, found.rule)
  const since = Date.parse(now) / 1000 - days * 86_400
  const runs = runsOf(found.runs)
  const present = new Set(found.flags.map(([id]) => id))
  const own = new Set<number>()
  const preview: Preview = { runs: 0, flagged: [], rate: 0, flagged_by_present: found.rule ? 0 : null }
  const first = Math.max(
    runs.findIndex(({ end }) => end >= since),
    runs.length - MAX_JUDGED,
    0,
  )
  let from = 0
  for (const [place, tested] of runs.entries()) {
    if (place < first || tested.end < since) continue
    // Runs are in the order of their end: only a part can be in a pool.
    const reach = weeklyDaysOf(rule.lookback_days) * 86_400
    while (from < place && (runs[from] as PastRun).end < tested.end - reach) from += 1
    const past = runs.slice(from, place)
    const verdict = judgeRun(tested, past, rule, own)
    if (verdict === null) continue
    preview.runs += 1
    if (present.has(tested.id) && preview.flagged_by_present !== null) preview.flagged_by_present += 1
    if (verdict.isNormal) continue
    own.add(tested.id)
    preview.flagged.push({
      pipeline_execution_id: tested.id,
      start_date: instantOf(new Date(tested.start * 1000)),
      value: verdict.anomaly.violation_value,
      lower: verdict.range?.lower ?? rule.min_value,
      upper: verdict.range?.upper ?? rule.max_value,
      explanation: verdict.anomaly.explanation,
    })
  }
  return { ...preview, rate: preview.runs === 0 ? 0 : preview.flagged.length / preview.runs }
}

/** The rule with the changes, and what neither says. A rule that gets another method gets its defaults too. */
export const completed = (changes: Partial<JudgedRule>, present: JudgedRule | null): JudgedRule => {
  const method = changes.method ?? present?.method ?? 'zscore'
  const { defaults } = METHODS[method]
  const isOther = method !== present?.method
  return {
    ...RULE_DEFAULTS,
    metric_field: 'inserts',
    direction: 'both',
    min_value: null,
    max_value: null,
    baseline_from: null,
    ...defaults,
    ...present,
    ...(isOther ? { season: defaults.season, min_change_percent: defaults.min_change_percent } : {}),
    ...(present ? {} : { std_deviation_threshold_multiplier: defaults.std_deviation_threshold_multiplier }),
    ...changes,
    method,
  }
}
