import type pg from 'pg'
import { detectAnomalies } from '../../src/checks/anomalies/detection.ts'
import { previewRule } from '../../src/checks/anomalies/preview.ts'
import { recordAnomalies } from '../../src/checks/anomalies/record.ts'
import { bandOf } from '../../src/checks/anomalies/verdict.ts'
import { seededBy } from '../../src/demo/seeded.ts'
import { connect, withClient } from './jobs.ts'

/**
 * `npm run bench -- parity`: 10,000 runs judged one after the other as their jobs do, beside two other ways to the same verdicts. The preview must
 * flag the same runs. And a rule of an old client (`zscore`) must flag what the statement flagged that calculated its baseline before there were
 * methods: count, mean and sample deviation by PostgreSQL.
 */
const PIPELINES = 5
const JUDGED = 2_000
/** Runs before, for the baselines: a pool by weekday reaches 140 days back. */
const BEFORE = 3_500
const MINUTES_APART = 64
const LOOKBACK_DAYS = 20
const END = Date.parse('2026-03-10T12:00:00Z')
const MINUTE = 60_000

interface Tried {
  judged: number
  flagged: Record<'robust' | 'zscore', number>
  differing: { preview: number; original: number }
}

/** A pipeline with a rule by each method, and its runs: few rows at weekends, noise, spikes and empty loads. */
const fill = async (client: pg.Client, place: number): Promise<{ pipeline: number; rules: Record<'robust' | 'zscore', number> }> => {
  const random = seededBy(`parity ${place}`)
  const rows = Array.from({ length: BEFORE + JUDGED }, (_, index) => {
    const at = new Date(END - (BEFORE + JUDGED - index) * MINUTES_APART * MINUTE)
    const usual = (at.getUTCDay() % 6 === 0 ? 2_000 : 10_000) * (0.85 + 0.3 * random())
    const [chance, factor] = [random(), random() < 0.5 ? 0 : 3.5]
    return { at: at.toISOString(), rows: Math.round(chance < 0.02 ? usual * factor : usual) }
  })
  const idOf = async (text: string, values: unknown[]) => Number((await client.query(text, values)).rows[0].id)
  const pipeline = await idOf(
    'insert into pipeline (name, pipeline_type_id) values ($1, (select min(id) from pipeline_type)) returning id',
    [`parity-${place}`],
  )
  const make = (metric: string, method: string, season: string, change: number, multiplier: number) =>
    idOf(
      `insert into anomaly_detection_rule (pipeline_id, metric_field, method, season, min_change_percent, std_deviation_threshold_multiplier, lookback_days)
       values ($1, $2, $3, $4, $5, $6, ${LOOKBACK_DAYS}) returning id`,
      [pipeline, metric, method, season, change, multiplier],
    )
  const rules = { robust: await make('total_rows', 'robust', 'auto', 10, 3), zscore: await make('inserts', 'zscore', 'hour', 0, 2) }
  await client.query(
    `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts, total_rows)
     select $1, at, at + interval '3 minutes', true, 180, rows, rows from unnest($2::timestamptz[], $3::bigint[]) r(at, rows)`,
    [pipeline, rows.map(({ at }) => at), rows.map(({ rows }) => rows)],
  )
  return { pipeline, rules }
}

/** What the statement of the original's form says of a run: flagged or not, beside the flags that the rule has by now. */
const judgeAsBefore = async (client: pg.Client, rule: number, execution: number): Promise<boolean> => {
  const { rows } = await client.query(
    `select t.inserts::double precision as value, b.* from pipeline_execution t cross join lateral (
       select count(e.inserts)::int as count, avg(e.inserts)::double precision as mean,
         case when min(e.inserts) = max(e.inserts) then 0 else stddev_samp(e.inserts)::double precision end as deviation
       from pipeline_execution e
       where e.pipeline_id = t.pipeline_id and e.hour_recorded = t.hour_recorded and e.completed_successfully and e.id <> t.id
         and e.end_date between t.end_date - make_interval(days => ${LOOKBACK_DAYS}) and t.end_date
         and not exists (select from anomaly_detection_result f where f.rule_id = $1 and f.pipeline_execution_id = e.id)) b
     where t.id = $2`,
    [rule, execution],
  )
  const [{ value, ...baseline }] = rows
  const band = bandOf(baseline, { metric_field: 'inserts', std_deviation_threshold_multiplier: 2, minimum_executions: 10 })
  return band !== null && (value < band.lower || value > band.upper)
}

const judgePipeline = async (url: string, endpoint: string, place: number): Promise<Tried> =>
  withClient(url, async (client) => {
    const { pipeline, rules } = await fill(client, place)
    await client.query('analyze')
    const db = connect(url, endpoint)
    const { rows } = await client.query(
      `select id::int as id from (select id, end_date from pipeline_execution where pipeline_id = $1 order by end_date desc, id desc limit ${JUDGED}) e
       order by end_date, id`,
      [pipeline],
    )
    const [now, flagged] = [new Date(END).toISOString(), { robust: new Set<number>(), zscore: new Set<number>() }]
    const differing = { preview: 0, original: 0 }
    for (const { id } of rows) {
      const expected = await judgeAsBefore(client, rules.zscore, id)
      const detection = await detectAnomalies(db, pipeline, id)
      if (!detection) throw new Error(`there is no pipeline ${pipeline}`)
      if (detection.anomalies.length > 0) await recordAnomalies(db, detection, now)
      for (const method of ['robust', 'zscore'] as const)
        if (detection.anomalies.some(({ rule_id }) => rule_id === rules[method])) flagged[method].add(id)
      if (flagged.zscore.has(id) !== expected) differing.original += 1
    }
    for (const method of ['robust', 'zscore'] as const) {
      const preview = await previewRule(db, { rule_id: rules[method], pipeline_id: null, changes: {}, days: 90 }, now)
      const previewed = new Set(preview?.flagged.map(({ pipeline_execution_id }) => pipeline_execution_id))
      if ((preview?.runs ?? 0) < JUDGED * 0.95) throw new Error(`the preview judged ${preview?.runs} of ${JUDGED} runs`)
      differing.preview += rows.filter(({ id }) => previewed.has(id) !== flagged[method].has(id)).length
    }
    return { judged: rows.length, flagged: { robust: flagged.robust.size, zscore: flagged.zscore.size }, differing }
  })

/** Judges all runs, and says how many verdicts differ. Throws if one does. */
export const measureParity = async (url: string, endpoint: string): Promise<string> => {
  await withClient(url, (client) => client.query("insert into pipeline_type (name) values ('parity')"))
  const tried: Tried[] = []
  for (let place = 0; place < PIPELINES; place += 1) tried.push(await judgePipeline(url, endpoint, place))
  const sum = (of: (one: Tried) => number) => tried.reduce((total, one) => total + of(one), 0)
  const text = `${sum(({ judged }) => judged)} runs judged in the order of their end by two rules: robust flags ${sum(({ flagged }) => flagged.robust)}, zscore ${sum(({ flagged }) => flagged.zscore)}.
Verdicts that differ: from the preview ${sum(({ differing }) => differing.preview)}, from the original's statement ${sum(({ differing }) => differing.original)}.`
  if (sum(({ differing }) => differing.preview + differing.original) > 0) throw new Error(text)
  return text
}
