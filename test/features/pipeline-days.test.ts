import { env } from 'cloudflare:workers'
import { sql as fragment } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../../src/db/client.ts'
import { prepare } from '../../src/db/statement.ts'
import { seededBy } from '../../src/demo/seeded.ts'
import { countableAt, countDays } from '../../src/features/pipeline-days/count.ts'
import { addHistogram, bucketOf, histogramIn, histogramOf, percentileIn } from '../../src/features/pipeline-days/histogram.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { call, countOf, get, makePipeline, post, sql, startRun } from '../support/api.ts'
import { advanceClock, type Background, drain, fireCron, jobsOf, openBackground, setClock } from '../support/background.ts'

const HOUR = 3_600
const DAY = 24 * HOUR

let background: Background
let pipelines: number[]

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, pipeline_day_progress, job restart identity cascade')
  await sql('delete from pipeline_day_total')
  setClock('2026-03-10T00:10:00Z')
  pipelines = [await makePipeline(), await makePipeline(), await makePipeline()]
})
afterEach(() => vi.useRealTimers())

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString()

const randomFrom = (seed: number) => seededBy(`days ${seed}`)

interface Line {
  day: string
  pipeline: string
  p95: number | null
  /** All other columns. */
  rest: string
}

/** The report as CSV, in the order of the days and pipelines. */
const report = async (): Promise<Line[]> => {
  const today = ago(0).slice(0, 10)
  const { body } = await get(`/reporting.csv?from=${ago(300 * DAY).slice(0, 10)}&to=${today}&sort=day&order=asc`)
  return (body as string)
    .trim()
    .split('\r\n')
    .slice(1)
    .map((text) => {
      const cells = text.split(',')
      const [p95] = cells.splice(11, 1)
      return { day: cells[0] ?? '', pipeline: cells[1] ?? '', p95: p95 === '' ? null : Number(p95), rest: cells.slice(3).join() }
    })
    .sort((left, right) => (left.day + left.pipeline < right.day + right.pipeline ? -1 : 1))
}

/** The same, counted from all runs. */
const bruteForce = async (runs = 'pipeline_execution'): Promise<Line[]> => {
  const rows = await sql(`
    select (start_date at time zone 'UTC')::date::text as day, p.name as pipeline,
      percentile_cont(0.95) within group (order by duration_seconds) as p95,
      count(*) as executions, count(*) filter (where not completed_successfully) as failures,
      count(*) filter (where not completed_successfully)::double precision / nullif(count(completed_successfully), 0) as error_rate,
      coalesce(sum(inserts), 0) as inserts, coalesce(sum(updates), 0) as updates, coalesce(sum(soft_deletes), 0) as soft_deletes,
      coalesce(sum(total_rows), 0) as total_rows, avg(duration_seconds)::double precision as mean,
      (sum(total_rows) filter (where duration_seconds > 0))::double precision
        / nullif(sum(duration_seconds) filter (where duration_seconds > 0 and total_rows is not null), 0) as throughput
    from ${runs} e join pipeline p on p.id = e.pipeline_id group by 1, 2 order by 1, 2`)
  return rows.map(({ day, pipeline, p95, ...rest }) => ({
    day,
    pipeline,
    p95,
    rest: Object.values(rest)
      .map((value) => value ?? '')
      .join(),
  }))
}

const expectReport = async (expected: Line[]): Promise<void> => {
  const lines = await report()
  // The last digit of a sum depends on the order of its parts.
  const rounded = (rest: string) => rest.split(',').map((part) => (part === '' ? '' : Number(Number(part).toPrecision(12))))
  expect(lines.map(({ day, pipeline, rest }) => [day, pipeline, rounded(rest)])).toEqual(
    expected.map(({ day, pipeline, rest }) => [day, pipeline, rounded(rest)]),
  )
  for (const [index, { p95 }] of lines.entries()) expect(p95 ?? -1).toBeCloseTo(expected[index]?.p95 ?? -1, 9)
  await expectChart(expected)
}

/** The sums of all pipelines that the page draws for each day. */
const expectChart = async (expected: Line[]): Promise<void> => {
  const { body } = await call('GET', `/reporting?from=${ago(300 * DAY).slice(0, 10)}&to=${ago(0).slice(0, 10)}`, undefined, {
    accept: 'text/html',
  })
  const days = new Map<string, number[]>()
  for (const { day, rest } of expected) {
    const [executions, failures, , , , , total_rows] = rest.split(',').map(Number)
    const sums = days.get(day) ?? [0, 0, 0]
    days.set(
      day,
      [executions, failures, total_rows].map((value, index) => (value ?? 0) + (sums[index] ?? 0)),
    )
  }
  const drawn = JSON.parse(/id="report-days"[^>]*>(.*?)<\/script>/s.exec(body as string)?.[1] ?? '') as Record<string, number>[]
  expect(drawn.map(({ day, executions, failures, total_rows }) => [day, executions, failures, total_rows])).toEqual(
    [...days].map(([day, sums]) => [day, ...sums]),
  )
}

const fireTick = async (): Promise<void> => {
  await fireCron(background, CRONS.quarterHourly, new Date())
  await drain(background)
}

const end = (id: number, seconds: number, random: () => number): Promise<unknown> =>
  post('/end_pipeline_execution', {
    id,
    end_date: ago(seconds),
    completed_successfully: random() > 0.2,
    ...(random() > 0.2 ? { inserts: Math.floor(random() * 1000), updates: 3, total_rows: Math.floor(random() * 5000) } : {}),
  })

describe('the counts by day', () => {
  it.each([1, 2, 3])('equal a count of all runs at every hour, with backfills and late ends (seed %i)', async (seed) => {
    const random = randomFrom(seed)
    const running: { id: number; start: number }[] = []
    for (let hour = 0; hour < 60; hour += 1) {
      for (let run = 0; run < 4; run += 1) {
        // A run starts within the last minutes, or is a backfill of the last ten days.
        const seconds = random() < 0.8 ? random() * 1500 : random() * 10 * DAY
        const pipeline_id = pipelines[Math.floor(random() * 3)]
        const start = Date.now() - seconds * 1000
        const id = await startRun({ pipeline_id, start_date: new Date(start).toISOString() })
        running.push({ id, start })
      }
      for (const [index, { id, start }] of [...running.entries()].reverse()) {
        if (random() < 0.5) continue // some run for hours, or for days
        running.splice(index, 1)
        await end(id, Math.max(0, (Date.now() - start) / 1000 - random() * 2 * HOUR), random)
      }
      advanceClock(HOUR)
      if (random() < 0.8) await fireTick()
      if (hour % 6 === 5) {
        await fireTick()
        await expectReport(await bruteForce())
      }
    }
    await fireTick()
    expect(await countOf('pipeline_day_mark')).toBe(0)
    await expectReport(await bruteForce())
    const [progress] = await sql('select closed_through::text, counted_until from pipeline_day_progress')
    const [{ days } = {}] = await sql("select count(distinct day)::int as days from pipeline_day where day <= '2026-03-11'")
    expect(await countOf('pipeline_day_total where executions > 0')).toBe(days)
    expect(progress).toEqual({ closed_through: '2026-03-11', counted_until: new Date(Date.now() - HOUR * 1000) })
    expect(await countOf("job where kind = 'count_days' and state <> 'succeeded'")).toBe(0)
  })

  it('are complete without any job: what is not counted is counted when the report is read', async () => {
    const random = randomFrom(4)
    for (const days of [200, 3, 1, 0.5, 0.01])
      await end(await startRun({ pipeline_id: pipelines[0], start_date: ago(days * DAY) }), 60, random)
    await startRun({ pipeline_id: pipelines[1], start_date: ago(20) })
    await expectReport(await bruteForce())
  })

  it('stay when the cleanup deletes the runs, and get a run that comes late for a day that is gone', async () => {
    const random = randomFrom(5)
    const record = async (days: number) => {
      const id = await startRun({ pipeline_id: pipelines[0], start_date: ago(days * DAY) })
      await end(id, days * DAY - random() * 5000, random)
      return id
    }
    for (let run = 0; run < 20; run += 1) await record(120 + random() * 3)
    const late = await startRun({ pipeline_id: pipelines[0], start_date: ago(121 * DAY) })
    await sql('create table kept as select * from pipeline_execution')
    const { body } = await background.post('/log_cleanup', { retention_days: 90 })
    expect(body).toMatchObject({ total_pipeline_executions_deleted: 20, complete: true })
    expect(await countOf('pipeline_execution')).toBe(1)
    await expectReport(await bruteForce('kept'))

    // The run that was running ends, and another one is recorded for a day that the cleanup has reached.
    await end(late, 121 * DAY - 300, random)
    await record(122)
    await sql('delete from kept where id in (select id from pipeline_execution)')
    await sql('insert into kept select * from pipeline_execution')
    await fireTick()
    const lines = await report()
    const expected = await bruteForce('kept')
    expect(lines.map(({ day, rest }) => [day, rest])).toEqual(expected.map(({ day, rest }) => [day, rest]))
    for (const [index, { p95 }] of lines.entries()) expect(Math.abs((p95 ?? 0) / (expected[index]?.p95 ?? 1) - 1)).toBeLessThan(0.0201)
    // They wait for no count any more, so the next cleanup may delete them; the counts stay.
    expect((await background.post('/log_cleanup', { retention_days: 90 })).body).toMatchObject({ total_pipeline_executions_deleted: 2 })
    expect(await report()).toEqual(lines)
    await sql('drop table kept')
  })

  it('keep a run from the cleanup until it is counted', async () => {
    await fireTick()
    const id = await startRun({ pipeline_id: pipelines[0], start_date: ago(100 * DAY) })
    await end(id, 100 * DAY - 60, randomFrom(6))
    await sql('create function fail_count() returns trigger language plpgsql as $$ begin raise exception $m$no$m$; end $$')
    await sql('create trigger fail_count before insert or update on pipeline_day for each row execute function fail_count()')
    const failed = await background.post('/log_cleanup', { retention_days: 90 })
    expect(failed.status).toBe(500)
    expect(await countOf('pipeline_execution')).toBe(1)
    expect(await countOf('pipeline_day_mark')).toBe(2)
    await sql('drop function fail_count cascade')
    expect((await background.post('/log_cleanup', { retention_days: 90 })).body).toMatchObject({ total_pipeline_executions_deleted: 1 })
    expect((await report()).map(({ rest }) => rest.split(',')[0])).toEqual(['1'])
  })

  it('are deleted after their own retention', async () => {
    const id = await startRun({ pipeline_id: pipelines[0], start_date: ago(200 * DAY) })
    await end(id, 200 * DAY - 60, randomFrom(7))
    await fireTick()
    background.settings.WATCHER_DAY_RETENTION_DAYS = '201'
    expect((await background.post('/log_cleanup', { retention_days: 250 })).body).toMatchObject({ total_pipeline_days_deleted: 0 })
    background.settings.WATCHER_DAY_RETENTION_DAYS = '199'
    expect((await background.post('/log_cleanup', { retention_days: 250 })).body).toMatchObject({ total_pipeline_days_deleted: 1 })
  })
})

describe('counting', () => {
  const database = () => createDatabase({ DATABASE_URL: env.DATABASE_URL, NEON_FETCH_ENDPOINT: env.NEON_FETCH_ENDPOINT })
  const countAll = (maxSteps = 9) => countDays(database(), { ...countableAt(ago(0)), maxSteps, mayBegin: () => true })

  it('may stop after any statement, and may run twice at once', async () => {
    const random = randomFrom(8)
    for (let run = 0; run < 60; run += 1) {
      const id = await startRun({ pipeline_id: pipelines[run % 3], start_date: ago(random() * 6 * DAY) })
      if (random() < 0.8) await end(id, random() * 60, random)
    }
    const expected = await bruteForce()
    for (const maxSteps of [1, 2, 3, 4]) {
      await countAll(maxSteps)
      await expectReport(expected)
    }
    await sql('truncate pipeline_day, pipeline_day_progress, pipeline_day_total')
    // All meet while the first one still writes.
    await sql('create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return new; end $$')
    await sql('create trigger dawdle before insert or update on pipeline_day_progress for each row execute function dawdle()')
    await Promise.all([1, 2, 3, 4].map(() => countAll()))
    await sql('drop function dawdle cascade')
    await expectReport(expected)
  })

  it('loses no run that starts or ends while it counts', async () => {
    const random = randomFrom(9)
    await fireTick()
    const record = async () => {
      for (let run = 0; run < 25; run += 1) {
        const id = await startRun({ pipeline_id: pipelines[run % 3], start_date: ago(random() * 3 * DAY) })
        if (random() < 0.9) await end(id, random() * 60, random)
      }
    }
    let isRecorded = false
    const count = async () => {
      while (!isRecorded) await countAll()
    }
    const counting = count()
    await Promise.all([record(), record(), record(), record()])
    isRecorded = true
    await counting
    await countAll()
    expect(await countOf('pipeline_day_mark')).toBe(0)
    await expectReport(await bruteForce())
  })

  it('waits for a transaction that is under way: its mark comes with its change', async () => {
    await countAll()
    const id = await startRun({ pipeline_id: pipelines[0], start_date: ago(5 * DAY) })
    await countAll()
    // The end commits late: it sleeps before it is done.
    await sql('create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$')
    await sql('create trigger dawdle before insert on pipeline_day_mark for each row execute function dawdle()')
    const ending = end(id, 60, randomFrom(10))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await countAll()
    expect((await report()).map(({ rest }) => rest.split(',').slice(0, 3))).toEqual([['1', '0', '']])
    await ending
    await sql('drop function dawdle cascade')
    await countAll()
    await expectReport(await bruteForce())
  })

  it('begins, sorted by them, with failures, and goes on with days without any, also across pages, counted or not', async () => {
    const ids: number[] = []
    for (let index = 0; index < 56; index += 1) ids.push(await makePipeline())
    // The first four never failed; of the others each failed once in as many runs as its place says.
    await sql(
      `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
       select (($1::bigint[])[place]), $2::timestamptz, $2::timestamptz + interval '1 minute', run > 1 or place <= 4, 60
       from generate_series(1, 56) place, generate_series(1, place) run`,
      [ids, '2026-03-07T10:00:00Z'],
    )
    const path = (sort: string, page: number) => `/reporting?from=2026-03-07&to=2026-03-07&sort=${sort}&order=desc&page=${page}`
    const read = async (sort: string) => {
      const rows: number[] = []
      for (const page of [1, 2])
        rows.push(
          ...[
            ...(await call('GET', path(sort, page), undefined, { accept: 'text/html' })).body.matchAll(
              /<th scope="row"><a href="\/pipelines\/(\d+)"/g,
            ),
          ].map(([, id]) => Number(id)),
        )
      return rows
    }
    const check = async () => {
      const [failed, good] = [ids.slice(4), ids.slice(0, 4)]
      expect(await read('error_rate')).toEqual([...failed, ...good])
      expect(await read('failures')).toEqual([...failed, ...good])
    }
    await check()
    await fireTick()
    expect(await countOf(`pipeline_day where day = '2026-03-07'`)).toBe(56)
    await check()
  })

  it('ends at the largest sum, and does not fail', async () => {
    for (let run = 0; run < 3; run += 1) {
      await sql(
        `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts, total_rows)
         values ($1, $2, $2, true, 0, 9223372036854775807, 9223372036854775807)`,
        [pipelines[0], ago(3 * DAY)],
      )
    }
    await fireTick()
    expect((await report()).map(({ rest }) => rest.split(',')[3])).toEqual(['9223372036854776000'])
    expect(await jobsOf('count_days')).toMatchObject([{ state: 'succeeded' }])
  })
})

describe('the histogram of durations', () => {
  it('gives percentiles at most 2 % off, however it was added up', async () => {
    const random = randomFrom(11)
    const values = Array.from({ length: 3_000 }, () => Math.floor(Math.exp(random() * 16)) - 1)
    const bucket = prepare(fragment`${bucketOf(fragment.raw('v'))}`).text
    const histogram = prepare(fragment`${histogramOf(fragment.raw('b'), fragment.raw('c'))}`).text
    const parts = await sql(
      `select part, sum(${histogram})::text as text from (select v % 5 as part, ${bucket} as b, count(*) as c from unnest($1::bigint[]) v group by 1, 2) s group by 1`,
      [values],
    )
    const merged = histogramIn('0')
    for (const { text } of parts) addHistogram(merged, text)
    expect(merged.reduce((sum, runs) => sum + runs, 0)).toBe(values.length)
    for (const share of [0, 0.01, 0.5, 0.9, 0.95, 0.999, 1]) {
      const [exact] = await sql('select percentile_cont($2) within group (order by v) as value from unnest($1::bigint[]) v', [
        values,
        share,
      ])
      const value = percentileIn(merged, share) ?? Number.NaN
      expect(Math.abs(value - exact?.value)).toBeLessThanOrEqual(exact?.value * 0.02 + 1e-9)
    }
    expect(percentileIn(histogramIn('0'), 0.95)).toBeNull()
  })
})
