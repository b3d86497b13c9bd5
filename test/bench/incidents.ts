import type pg from 'pg'
import { FUNCTIONS } from '../../src/db/functions.ts'
import { measureAtOnce } from './at-once.ts'
import { type AimedRow, claimed, connect, sweep, tableOf, timed, withClient } from './jobs.ts'
import { fillGraph } from './lineage.ts'
import { median, percentile } from './load.ts'

/**
 * `npm run bench -- incidents`: what schedules and incidents cost when there are many. The check of schedules runs in turns with the same
 * check over fewer pipelines; what folds incidents runs alone; thousands of incidents at once go through `npm start` (at-once.ts).
 */
const ROUNDS = 15
const NOW = '2025-06-15T12:00:00.000000Z'
const DUE = 100
const MISSED = 10
const SCHEDULED = { large: 100_000, small: 2_000 }
type Size = keyof typeof SCHEDULED

/**
 * Creates pipelines that run once a day, their checks spread over the day. The first 100 are due now, and ten of these have not
 * started; all others have started each day.
 */
const fillSchedules = (url: string, size: Size) =>
  withClient(url, async (client) => {
    await client.query(`
      insert into pipeline_type (name) values ('scheduled');
      insert into pipeline (name, pipeline_type_id, load_lineage, schedule_cron, schedule_grace_minutes, schedule_from, schedule_slot_at, check_at)
      select 'scheduled-' || i, 1, false, to_char(at.slot at time zone 'UTC', 'FMMI FMHH24 * * *'), 15, '${NOW}'::timestamptz - interval '9 days', at.slot,
        at.slot + interval '15 minutes'
      from generate_series(1, ${SCHEDULED[size]}) i
      cross join lateral (
        select '${NOW}'::timestamptz + make_interval(mins => case when i <= ${DUE} then -20 else i % 1440 - 14 end) as slot) at;
      insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
      select p.id, p.schedule_slot_at - make_interval(days => day), p.schedule_slot_at - make_interval(days => day) + interval '1 minute', true, 60
      from generate_series(3, 0, -1) day cross join pipeline p
      where p.schedule_slot_at - make_interval(days => day) <= '${NOW}' and not (day = 0 and p.id <= ${MISSED});
      create table before as select id, schedule_slot_at, check_at from pipeline where id <= ${DUE}`)
    await client.query('vacuum analyze')
  })

const checkSchedules = (url: string, endpoint: string) =>
  withClient(url, async (client) => {
    const job = await claimed(client, 'check_schedules', {}, NOW)
    const millis = await timed(() => sweep(connect(url, endpoint), job, NOW))
    const { rowCount } = await client.query(`delete from incident where kind = 'missed'`)
    if (rowCount !== MISSED) throw new Error(`the check must find ${MISSED} missed runs, but found ${rowCount}`)
    await client.query('delete from job')
    await client.query('update pipeline p set schedule_slot_at = b.schedule_slot_at, check_at = b.check_at from before b where b.id = p.id')
    await client.query('vacuum pipeline, incident, incident_event, job')
    return millis
  })

const measureSchedules = async (urls: Record<Size, string>, endpoint: string): Promise<AimedRow> => {
  const millis: Record<Size, number[]> = { large: [], small: [] }
  await fillSchedules(urls.large, 'large')
  await fillSchedules(urls.small, 'small')
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const size of ['small', 'large'] as const) {
      const taken = await checkSchedules(urls[size], endpoint)
      if (round > 0) millis[size].push(taken)
    }
  }
  const [large, small] = [describe(millis.large), describe(millis.small)]
  const ratio = median(millis.large) / median(millis.small)
  return {
    what: `check of schedules, 100,000 pipelines, ${DUE} due, ${MISSED} missed`,
    figure: `p50 and p95 ${large} ms; of 2,000 pipelines ${small} ms; ${ratio.toFixed(1)} times`,
    aim: 'at most 2 times',
    holds: ratio <= 2,
  }
}

const describe = (millis: number[]): string => {
  const sorted = [...millis].sort((left, right) => left - right)
  return `${percentile(sorted, 50).toFixed(0)} and ${percentile(sorted, 95).toFixed(0)}`
}

/** Opens incidents of these pipelines (`graph-…`) as a sweep does, and returns the job that tells people. */
const openIncidents = async (client: pg.Client, pipelines: string): Promise<string> => {
  await client.query(`
    select opened.id from (${pipelines}) n(i) join pipeline p on p.name = 'graph-' || n.i
    cross join lateral ${FUNCTIONS.open_incident}(p_pipeline_id => p.id, p_kind => 'stale', p_subject => '', p_severity => null, p_opened_at => now(),
      p_execution_id => null, p_occurrences => 1, p_last_success_at => null, p_details => '{}', p_now => now()) opened`)
  return (await client.query('select max(notify_job_id) as id from incident_event')).rows[0].id
}

const setCauses = (client: pg.Client, jobId: string) =>
  client.query(`select ${FUNCTIONS.set_causes}(p_job_id => $1, p_now => now())`, [jobId])

/** Layer 1 of the graph is made from layer 0, which nobody writes; layer 19 is its end. */
const FOLDED: [what: string, pipelines: string][] = [
  ['one incident at the end of the graph', 'values (9990)'],
  ['one incident at its beginning', 'values (500)'],
  ['100 incidents all over it', 'select 501 + 95 * k from generate_series(0, 99) k'],
]

/** Beside 100 open incidents. Each round has a connection of its own, so planning counts; what it does is undone. */
const measureFolding = async (url: string): Promise<AimedRow[]> => {
  await withClient(url, async (client) => {
    await fillGraph(client)
    await setCauses(client, await openIncidents(client, 'select 510 + 90 * k from generate_series(0, 99) k'))
    await client.query('vacuum analyze')
  })
  const rows: AimedRow[] = []
  for (const [what, pipelines] of FOLDED) {
    const millis: number[] = []
    let folded = 0
    for (let round = 0; round <= ROUNDS; round += 1) {
      const caused = 'select count(*)::integer as n from incident where caused_by is not null'
      const jobId = await withClient(url, (client) => openIncidents(client, pipelines))
      await withClient(url, async (client) => {
        const before = (await client.query(caused)).rows[0].n
        await client.query('begin')
        const taken = await timed(() => setCauses(client, jobId))
        if (round > 0) millis.push(taken)
        folded = (await client.query(caused)).rows[0].n - before
        await client.query('rollback')
        await client.query('delete from incident where id in (select incident_id from incident_event where notify_job_id = $1)', [jobId])
      })
    }
    rows.push({
      what: `folding in a lineage of 10,000 addresses: ${what}`,
      figure: `p50 and p95 ${describe(millis)} ms; ${folded} folded`,
      aim: 'under 100 ms',
      holds: median(millis) < 100,
    })
  }
  return rows
}

export const measureIncidents = async (urls: Record<Size | 'graph', string>, endpoint: string): Promise<string> => {
  const rows = [await measureSchedules(urls, endpoint), ...(await measureFolding(urls.graph))]
  // What folding has opened is told to nobody.
  await withClient(urls.graph, (client) => client.query('truncate incident cascade; truncate job cascade'))
  rows.push(...(await measureAtOnce(urls.graph)))
  return tableOf(rows)
}
