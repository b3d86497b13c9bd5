import { detectAnomaliesJob } from '../../src/checks/anomalies/job.ts'
import { claimJob } from '../../src/jobs/claim.ts'
import type { JobScope } from '../../src/jobs/job.ts'
import { claimed, connect, sweep, timed, withClient } from './jobs.ts'
import { AUTHORIZATION, type Call, median, openLoop, percentile, type Target } from './load.ts'

/**
 * Measures background jobs: their statements through the same driver and endpoint as in the worker, each in turns with the
 * same job on a small database; and a cleanup beside a load that it must not disturb.
 */
export interface BackgroundFigures {
  timelinessMillis: number
  timelinessMillisOnSmall: number
  timelinessFindings: number
  freshnessMillis: number
  freshnessTrips: number
  anomalyMillis: number
  anomalyTrips: number
  cleanedExecutions: number
  cleaningSeconds: number
  loadP99: number
  loadP99WhileCleaning: number
}

const ROUNDS = 5
const NOW = '2025-06-15T12:00:00.000000Z'
const SINCE = '2025-06-15T11:00:00.000000Z'
const LOAD_PER_SECOND = 100
const LOAD_SECONDS = 4

/** Creates `history` executions. 10,000 of them ended in the last hour, and 100 of these are late. */
const fillExecutions = (url: string, history: number) =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name, timeliness_number, timeliness_datepart) values ('sweep', 30, 'minute');
      insert into pipeline (name, pipeline_type_id) select 'sweep-' || i, 1 from generate_series(1, 1000) i;
      insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
      select 1 + i % 1000, ended - interval '10 minutes', ended, true, 600
      from generate_series(1, ${history - 10_000}) i
      cross join lateral (select '${SINCE}'::timestamptz - i * interval '20 seconds' as ended) e;
      insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
      select 1 + i % 1000, '${SINCE}'::timestamptz + i * interval '300 ms' - case when i % 100 = 0 then interval '31 minutes' else interval '10 minutes' end,
        '${SINCE}'::timestamptz + i * interval '300 ms', true, 600
      from generate_series(1, 10000) i;`)
    await client.query('vacuum analyze')
  })

const sweepTimeliness = (url: string, endpoint: string) =>
  withClient(url, async (client) => {
    const job = await claimed(client, 'check_timeliness', { since: SINCE }, NOW)
    const millis = await timed(() => sweep(connect(url, endpoint), job, NOW))
    const { rowCount } = await client.query('delete from timeliness_pipeline_execution_log')
    await client.query('vacuum analyze timeliness_pipeline_execution_log')
    return { millis, findings: rowCount ?? 0 }
  })

const measureTimeliness = async (large: string, small: string, endpoint: string) => {
  await fillExecutions(large, 1_000_000)
  await fillExecutions(small, 20_000)
  const turns: { large: number; small: number; findings: number }[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const ofSmall = await sweepTimeliness(small, endpoint)
    const ofLarge = await sweepTimeliness(large, endpoint)
    if (round > 0) turns.push({ large: ofLarge.millis, small: ofSmall.millis, findings: ofLarge.findings })
  }
  return {
    timelinessMillis: median(turns.map((turn) => turn.large)),
    timelinessMillisOnSmall: median(turns.map((turn) => turn.small)),
    timelinessFindings: turns[0]?.findings ?? 0,
  }
}

/** 10,000 pipelines, all with a rule, one in a hundred stale. */
const measureFreshness = (url: string, endpoint: string) =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name, freshness_number, freshness_datepart) values ('fresh', 2, 'hour');
      insert into pipeline (name, pipeline_type_id, last_target_insert)
      select 'fresh-' || i, (select id from pipeline_type where name = 'fresh'), '${NOW}'::timestamptz - case when i % 100 = 0 then interval '3 hours' else interval '1 hour' end
      from generate_series(1, 10000) i;`)
    await client.query('vacuum analyze')
    const millis: number[] = []
    let freshnessTrips = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const job = await claimed(client, 'check_freshness', {}, NOW)
      const db = connect(url, endpoint)
      millis.push(await timed(() => sweep(db, job, NOW)))
      freshnessTrips = db.trips.length
      await client.query(
        'delete from freshness_pipeline_log; update pipeline set freshness_logged_for = null where freshness_logged_for is not null',
      )
    }
    return { freshnessMillis: median(millis), freshnessTrips }
  })

/** The whole job, claim included, with six rules whose baselines are 5,000 executions of the same hour. */
const measureAnomalies = (url: string, endpoint: string) =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name) values ('anomaly');
      insert into pipeline (name, pipeline_type_id) select 'anomaly', id from pipeline_type where name = 'anomaly';
      insert into anomaly_detection_rule (pipeline_id, metric_field)
      select (select id from pipeline where name = 'anomaly'), unnest(array['duration_seconds','inserts','updates','soft_deletes','total_rows','throughput']);
      insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts, updates, soft_deletes, total_rows, throughput)
      select (select id from pipeline where name = 'anomaly'), started, started, true, 60 + i % 7, 100 + i % 11, i % 5, i % 3, 200 + i % 13, i % 17
      from generate_series(1, 5001) i
      cross join lateral (select '2025-06-15T12:00:00Z'::timestamptz - (i % 29) * interval '1 day' + (i % 3000) * interval '1 second' as started) s;`)
    await client.query('vacuum analyze')
    const { rows } = await client.query(
      `select id, pipeline_id from pipeline_execution where pipeline_id = (select id from pipeline where name = 'anomaly') order by end_date desc limit 1`,
    )
    await client.query('update pipeline_execution set inserts = 100000, updates = 100000 where id = $1', [rows[0].id])
    const payload = { pipeline_id: Number(rows[0].pipeline_id), pipeline_execution_id: Number(rows[0].id) }
    const millis: number[] = []
    let anomalyTrips = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id } = await claimed(client, 'detect_anomalies', payload, NOW)
      await client.query(`update job set state = 'waiting', attempts = 0 where id = $1`, [id])
      const db = connect(url, endpoint)
      millis.push(
        await timed(async () => {
          const claim = await claimJob(db, id, NOW)
          if (claim.outcome !== 'claimed') throw new Error('the job could not be claimed, though no other worker runs')
          await detectAnomaliesJob(claim.job, { db, now: NOW, clock: () => NOW } as unknown as JobScope)
        }),
      )
      anomalyTrips = db.trips.length
      const { rowCount } = await client.query('delete from anomaly_detection_result')
      if (rowCount !== 2) throw new Error(`the job must find two anomalies, but found ${rowCount}`)
    }
    return { anomalyMillis: median(millis), anomalyTrips }
  })

const p99Of = (turns: number[][]): number => median(turns.map((turn) => percentile(turn, 99)))

/** Starts and ends at a steady rate, with and without a cleanup of 500,000 old executions at the same time. */
const measureCleaning = (port: number, url: string) =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name) values ('clean');
      insert into pipeline (name, pipeline_type_id) select 'clean-' || i, 1 from generate_series(1, 100) i;
      insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
      select 1 + i % 100, '2020-01-01T00:00:00Z'::timestamptz + i * interval '1 second', '2020-01-01T00:01:00Z'::timestamptz + i * interval '1 second', true, 60
      from generate_series(1, 500000) i;
      insert into pipeline_execution_closure select id, id, 0 from pipeline_execution;`)
    await client.query('vacuum analyze')
    const before = Number((await client.query('select count(*) as n from pipeline_execution')).rows[0].n)
    const last = Number((await client.query('select max(id) as n from pipeline_execution')).rows[0].n)
    let sent = 0
    const target: Target = {
      port,
      next: (): Call => {
        sent += 1
        return sent % 2 === 1
          ? { method: 'POST', path: '/start_pipeline_execution', body: { pipeline_id: 1 + (sent % 100) } }
          : { method: 'POST', path: '/end_pipeline_execution', body: { id: last + sent / 2, inserts: 1, total_rows: 1 } }
      },
    }
    // An end follows its start by two seconds: the first requests are only starts.
    await openLoop({ port, next: () => ({ method: 'POST', path: '/start_pipeline_execution', body: { pipeline_id: 1 } }) }, 100, 1)
    const without: number[][] = []
    const during: number[][] = []
    let [isDone, cleaned, cleaningSeconds] = [false, 0, 0]
    const cleanOnce = async () => {
      const begun = performance.now()
      const response = await fetch(`http://127.0.0.1:${port}/log_cleanup`, {
        method: 'POST',
        headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
        body: JSON.stringify({ retention_days: 90 }),
      })
      const answer = (await response.json()) as { complete: boolean; total_pipeline_executions_deleted: number }
      if (!response.ok) throw new Error(JSON.stringify(answer))
      cleaned += answer.total_pipeline_executions_deleted
      isDone = answer.complete
      cleaningSeconds += (performance.now() - begun) / 1000
    }
    // The two measurements alternate, because the machine's speed varies.
    while (!isDone) {
      without.push(await openLoop(target, LOAD_PER_SECOND, LOAD_SECONDS))
      const [turn] = await Promise.all([openLoop(target, LOAD_PER_SECOND, LOAD_SECONDS), cleanOnce()])
      during.push(turn)
    }
    if (cleaned < before) throw new Error(`only ${cleaned} of ${before} executions were deleted`)
    return { cleanedExecutions: cleaned, cleaningSeconds, loadP99: p99Of(without), loadP99WhileCleaning: p99Of(during) }
  })

export const measureBackground = async (
  endpoint: string,
  databases: { large: string; small: string; cleaned: string },
  cleaningPort: number,
): Promise<BackgroundFigures> => ({
  ...(await measureTimeliness(databases.large, databases.small, endpoint)),
  ...(await measureFreshness(databases.small, endpoint)),
  ...(await measureAnomalies(databases.small, endpoint)),
  ...(await measureCleaning(cleaningPort, databases.cleaned)),
})
