import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { get, makePipeline, post, sql } from '../support/api.ts'
import { type Background, drain, openBackground, setClock } from '../support/background.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const NOW = Date.parse('2026-03-10T06:00:00Z')

let background: Background
let pipeline_id: number
let inputs: number[]

const table = (name: string) => ({ name, address_type_name: 'postgresql', address_type_group_name: 'database' })
const link = (pipeline: number | undefined, sources: string[], target: string) =>
  post('/address_lineage', { pipeline_id: pipeline, source_addresses: sources.map(table), target_addresses: [table(target)] })

beforeEach(async () => {
  await sql('truncate pipeline, pipeline_type, address, address_type, job, incident restart identity cascade')
  background = openBackground()
  setClock(new Date(NOW).toISOString())
  pipeline_id = await makePipeline()
  inputs = [await makePipeline(), await makePipeline()]
  await link(inputs[0], ['api.orders'], 'raw.orders')
  await link(inputs[1], ['api.items'], 'raw.items')
  await link(pipeline_id, ['raw.orders', 'raw.items'], 'mart.sales')
})
afterEach(() => vi.useRealTimers())

/** Writes good runs of ten minutes as they would stand there. */
const record = (runs: { of: number | undefined; at: number; rows: number | null; minutes?: number }[]) =>
  sql(
    `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, total_rows)
     select id, at, at + make_interval(mins => minutes), true, 60 * minutes, rows from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::int[]) r(id, at, rows, minutes)`,
    [
      runs.map(({ of }) => of),
      runs.map(({ at }) => new Date(at).toISOString()),
      runs.map(({ rows }) => rows),
      runs.map(({ minutes }) => minutes ?? 10),
    ],
  )

/** Both inputs two hours before each of our runs, on the last days; ours joins them: 95 % or so of their rows. */
const history = (days: number, volumeOf = (ago: number) => 10_000 + 3_000 * (ago % 4)) =>
  Array.from({ length: days }, (_, index) => {
    const [ago, at] = [index + 1, NOW - (index + 1) * DAY]
    const rows = volumeOf(ago)
    return [
      { of: inputs[0], at: at - 2 * HOUR, rows: rows * 0.75 },
      { of: inputs[1], at: at - 2 * HOUR, rows: rows * 0.25 },
      { of: pipeline_id, at, rows: Math.round(rows * (0.94 + 0.01 * (ago % 3))) },
    ]
  }).flat()

const makeRules = () =>
  Promise.all(
    ['rows_ratio', 'total_rows'].map((metric_field) =>
      post('/anomaly_detection_rule', { pipeline_id, metric_field, method: 'robust', season: 'none' }),
    ),
  )

/** Today's runs of the inputs, then ours; answers what its job found. */
const today = async (read: [number | null, number | null], rows: number): Promise<{ metric_field: string; explanation: string }[]> => {
  await record(inputs.map((of, place) => ({ of, at: NOW - 2 * HOUR, rows: read[place] ?? null })))
  const { body } = await background.post('/start_pipeline_execution', { pipeline_id, start_date: new Date(NOW).toISOString() })
  await background.post('/end_pipeline_execution', { id: body.id, end_date: new Date(NOW + 60_000).toISOString(), total_rows: rows })
  await drain(background)
  return (await get(`/anomaly_detection_result?pipeline_execution_id=${body.id}`)).body
}

/** The ratios of our runs, in the order of their starts. */
const ratiosOf = async () => {
  const [fn] = await sql("select proname from pg_proc where proname like 'rows_ratios_%'")
  const ids = (await sql('select id from pipeline_execution where pipeline_id = $1 order by start_date', [pipeline_id])).map(({ id }) => id)
  const [found] = await sql(`select ${fn?.proname}($1, $2::bigint[]) as ratios`, [pipeline_id, ids])
  const ratios = found?.ratios as Record<string, number> | undefined
  return ids.map((id) => ratios?.[id] ?? null)
}

describe('rows_ratio', () => {
  it('finds a join that drops half of its rows, on a day of usual volume', async () => {
    await record(history(20))
    await makeRules()
    const found = await today([15_000, 5_000], 10_000)
    expect(found).toMatchObject([{ metric_field: 'rows_ratio' }])
    expect(found[0]?.explanation).toMatch(
      /^0\.5 rows for each input row; earlier runs have 0\.8\d* to 1\.0\d* \(median 0\.95 of 19 runs\)$/,
    )
  })

  it('takes a slow day upstream for what it is', async () => {
    await record(history(20))
    await makeRules()
    expect(await today([1_500, 500], 1_900)).toMatchObject([{ metric_field: 'total_rows' }])
  })

  it('sums all runs of its inputs since its last good run', async () => {
    await record([
      { of: inputs[0], at: NOW - 5 * HOUR, rows: 7 },
      { of: pipeline_id, at: NOW - 4 * HOUR, rows: 70 },
      { of: inputs[0], at: NOW - 3 * HOUR, rows: 100 },
      { of: inputs[0], at: NOW - 2 * HOUR, rows: 200 },
      { of: inputs[1], at: NOW - 2 * HOUR, rows: 100 },
      // It began before our run, but ended after it: the next run reads it.
      { of: inputs[1], at: NOW - 1.5 * HOUR, rows: 5_000, minutes: 120 },
      { of: pipeline_id, at: NOW - 1 * HOUR, rows: 200 },
      { of: inputs[0], at: NOW - 0.5 * HOUR, rows: 1_000 },
      { of: pipeline_id, at: NOW + 1 * HOUR, rows: 3_000 },
    ])
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, total_rows) values (${inputs[0]}, '${new Date(NOW - 2.5 * HOUR).toISOString()}', '${new Date(NOW - 2.4 * HOUR).toISOString()}', false, 999)`,
    )
    expect(await ratiosOf()).toEqual([null, 0.5, 0.5])
  })

  it('is unknown where an input reports no rows, has none, or has far more runs', async () => {
    await record([
      { of: pipeline_id, at: NOW - 90 * HOUR, rows: 70 },
      { of: inputs[0], at: NOW - 85 * HOUR, rows: 100 },
      { of: inputs[1], at: NOW - 85 * HOUR, rows: null },
      { of: pipeline_id, at: NOW - 80 * HOUR, rows: 100 },
      { of: inputs[0], at: NOW - 75 * HOUR, rows: 0 },
      { of: pipeline_id, at: NOW - 70 * HOUR, rows: 0 },
      ...Array.from({ length: 201 }, (_, index) => ({ of: inputs[0], at: NOW - 69 * HOUR + index * 60_000, rows: 1, minutes: 1 })),
      { of: pipeline_id, at: NOW - 60 * HOUR, rows: 201 },
      ...Array.from({ length: 200 }, (_, index) => ({ of: inputs[0], at: NOW - 59 * HOUR + index * 60_000, rows: 1, minutes: 1 })),
      { of: pipeline_id, at: NOW - 50 * HOUR, rows: 100 },
      { of: inputs[0], at: NOW - 49 * HOUR, rows: 10 },
      { of: pipeline_id, at: NOW - 48 * HOUR, rows: null },
    ])
    expect(await ratiosOf()).toEqual([null, null, null, null, 0.5, null])
  })

  it('has no verdict, and no noise, for a pipeline that reads no other pipeline', async () => {
    await record(history(20))
    await sql('delete from address_lineage where pipeline_id <> $1', [pipeline_id])
    await makeRules()
    expect((await today([1, 1], 19_000)).filter(({ metric_field }) => metric_field === 'rows_ratio')).toEqual([])
  })

  it('is previewed as it is judged, and drawn on the page', async () => {
    await record(history(20))
    const preview = () =>
      post('/anomaly_detection_rule/preview', { pipeline_id, metric_field: 'rows_ratio', method: 'robust', season: 'none', days: 60 })
    expect((await preview()).body).toMatchObject({ runs: 9, flagged: [] })
    const [rule] = await makeRules()
    const [found] = await today([15_000, 5_000], 10_000)
    expect((await preview()).body).toMatchObject({
      runs: 10,
      flagged: [{ value: 0.5, explanation: found?.explanation }],
      flagged_by_present: 1,
    })
    const page = (await get(`/pipelines/${pipeline_id}?metric=rows_ratio`, { accept: 'text/html' })).body
    expect(page).toContain('Rows per input row')
    expect(JSON.parse(/id="history-points"[^>]*>([^<]*)</.exec(page)?.[1] ?? '').points.at(-1)).toMatchObject({ value: 0.5, flags: 1 })
    expect(rule?.status).toBe(201)
  })
})
