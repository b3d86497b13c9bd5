import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_BATCHES } from '../../src/features/log-cleanup/clean.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { countOf, expectError, makePipeline, post, sql, startRun } from '../support/api.ts'
import { type Background, drain, fireCron, jobsOf, openBackground } from '../support/background.ts'

let background: Background
let pipeline_id: number

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, pipeline_day_progress, job restart identity cascade')
  await sql('delete from pipeline_day_total')
  pipeline_id = await makePipeline()
})

const daysAgo = (days: number): string => new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString()

/** Records a run of one minute, this many days ago; with `running` it has no end. */
const run = async (days: number, { parent_id, running = false }: { parent_id?: number; running?: boolean } = {}): Promise<number> => {
  const { body } = await post('/start_pipeline_execution', { pipeline_id, parent_id, start_date: daysAgo(days) })
  if (!running) await post('/end_pipeline_execution', { id: body.id, end_date: daysAgo(days - 0.001) })
  return body.id
}

const clean = async (fields: Record<string, unknown> = {}) =>
  (await background.post('/log_cleanup', { retention_days: 100, ...fields })).body as Record<string, number> & { complete: boolean }
const remaining = async () => (await sql('select id from pipeline_execution order by id')).map(({ id }) => Number(id))

/** Counts rows whose execution is missing. */
const countOrphans = async (): Promise<number> =>
  (await countOf('pipeline_execution_closure c where not exists (select from pipeline_execution e where e.id = c.ancestor_id)')) +
  (await countOf('pipeline_execution_closure c where not exists (select from pipeline_execution e where e.id = c.descendant_id)')) +
  (await countOf(
    'pipeline_execution e where parent_id is not null and not exists (select from pipeline_execution p where p.id = e.parent_id)',
  )) +
  (await countOf(
    'timeliness_pipeline_execution_log l where not exists (select from pipeline_execution e where e.id = l.pipeline_execution_id)',
  )) +
  (await countOf('anomaly_detection_result r where not exists (select from pipeline_execution e where e.id = r.pipeline_execution_id)'))

/** Writes one day of history into every table. */
const fill = async (count: number, days: number): Promise<void> => {
  await sql(
    `with e as (
       insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds)
       select ${pipeline_id}, now() - interval '${days} days' + i * interval '1 ms', now() - interval '${days} days' + i * interval '1 ms', true, 0
       from generate_series(1, ${count}) i returning id),
     c as (insert into pipeline_execution_closure select id, id, 0 from e),
     l as (insert into timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config)
       select id, ${pipeline_id}, 1, 1, 'completed', 1, 'hour', true from e)
     select 1`,
  )
}

describe('POST /log_cleanup', () => {
  it('deletes silences that have ended for so long, and keeps the others and weekly ones', async () => {
    await sql(`insert into silence (starts_at, ends_at, weekly_days, weekly_from, weekly_to, reason, created_by) values
      ('2020-01-01', '2020-01-02', null, null, null, 'over', 'ada'), ('2020-01-01', now() + interval '1 day', null, null, null, 'goes on', 'ada'),
      ('2020-01-01', null, '{6,7}', '00:00', '23:59', 'weekends', 'ada')`)
    expect((await post('/log_cleanup', { retention_days: 90 })).body.total_silences_deleted).toBe(1)
    expect((await sql('select reason from silence order by id')).map(({ reason }) => reason)).toEqual(['goes on', 'weekends'])
    await sql('truncate silence')
  })

  it('deletes old executions with all their rows, and counts them', async () => {
    const { body: rule } = await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts', active: false })
    const old = await run(101)
    const young = await run(99)
    for (const id of [old, young]) {
      await sql(
        `insert into timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config)
         values ($1, $2, 1, 1, 'completed', 1, 'hour', true)`,
        [id, pipeline_id],
      )
      await sql(
        `insert into anomaly_detection_result (pipeline_execution_id, rule_id, violation_value, baseline_value, confidence_score, context) values ($1, $2, 1, 1, 1, '{}')`,
        [id, rule.id],
      )
    }
    for (const days of [101, 99]) {
      await sql(
        `insert into freshness_pipeline_log (pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart, used_child_config) values ($1, $2, now(), 1, 'hour', true)`,
        [pipeline_id, daysAgo(days)],
      )
      await sql(`insert into job (kind, payload, state, created_at, finished_at) values ('check_freshness', '{}', 'failed', $1, $1)`, [
        daysAgo(days),
      ])
    }
    await sql(`insert into job (kind, payload, state, created_at) values ('check_freshness', '{}', 'waiting', $1)`, [daysAgo(200)])
    expect(await clean()).toEqual({
      total_pipeline_executions_deleted: 1,
      total_timeliness_pipeline_execution_logs_deleted: 1,
      total_anomaly_detection_results_deleted: 1,
      total_pipeline_execution_closures_deleted: 1,
      total_pipeline_execution_logs_deleted: 0,
      total_freshness_pipeline_logs_deleted: 1,
      total_jobs_deleted: 1,
      total_incidents_deleted: 0,
      total_silences_deleted: 0,
      total_pipeline_days_deleted: 0,
      complete: true,
    })
    expect(await remaining()).toEqual([young])
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(1)
    expect(await countOf('anomaly_detection_result')).toBe(1)
    expect(await countOf('freshness_pipeline_log')).toBe(1)
    expect(await countOf('job')).toBe(2)
    expect(await clean()).toMatchObject({ total_pipeline_executions_deleted: 0, total_jobs_deleted: 0, complete: true })
  })

  it('deletes resolved incidents with their events by age, and keeps an open one whose runs are gone', async () => {
    const failed = await startRun({ pipeline_id, start_date: daysAgo(130) })
    await post('/end_pipeline_execution', { id: failed, end_date: daysAgo(130), completed_successfully: false })
    await sql(
      `insert into incident (kind, pipeline_id, severity, state, opened_at, detected_at, last_occurrence_at, resolved_at, resolved_by, details)
      select 'late', pipeline_id, severity, 'resolved', opened_at, $1, $1, $1, 'auto', details from incident`,
      [daysAgo(101)],
    )
    await sql(`insert into incident_event (incident_id, kind, at) select id, 'opened', now() from incident where state = 'resolved'`)
    expect(await clean()).toMatchObject({ total_pipeline_executions_deleted: 1, total_incidents_deleted: 1 })
    expect(await sql('select kind, state, last_execution_id from incident')).toEqual([
      { kind: 'failed', state: 'open', last_execution_id: null },
    ])
    expect(await countOf('incident_event')).toBe(1)
  })

  it('decides by date: a backfilled old execution with a high id deletes nothing young', async () => {
    const young = [await run(5), await run(50)]
    const backfilled = await run(400)
    expect(backfilled).toBeGreaterThan(Math.max(...young))
    await fireCron(background, CRONS.quarterHourly) // all days are closed: only the date keeps the young runs
    await drain(background)
    expect((await clean()).total_pipeline_executions_deleted).toBe(1)
    expect(await remaining()).toEqual(young)
  })

  it('keeps running executions, and those with a young or running descendant', async () => {
    const running = await run(200, { running: true })
    const root = await run(200)
    const middle = await run(190, { parent_id: root })
    const youngest = await run(10, { parent_id: middle })
    const hangingRoot = await run(200)
    const hanging = await run(180, { parent_id: hangingRoot, running: true })
    const doneSibling = await run(180, { parent_id: hangingRoot })
    const young = await run(1, { parent_id: running })
    expect((await clean()).total_pipeline_executions_deleted).toBe(1)
    expect(await remaining()).toEqual([running, root, middle, youngest, hangingRoot, hanging, young])
    expect(await remaining()).not.toContain(doneSibling)
    expect(await countOrphans()).toBe(0)
  })

  it.each([1, 2, 3, 7, 100])('deletes whole trees, children before parents, in batches of %i', async (batch_size) => {
    const roots = [await run(300), await run(250)]
    for (const root of roots) {
      const child = await run(240, { parent_id: root })
      await run(290, { parent_id: child }) // a child may have started before its parent
      await run(230, { parent_id: root })
    }
    const young = await run(1)
    let deleted = 0
    for (let calls = 0; calls < 5; calls += 1) {
      const answer = await clean({ batch_size })
      deleted += answer.total_pipeline_executions_deleted ?? 0
      expect(await countOrphans()).toBe(0)
      if (answer.complete) break
    }
    expect(deleted).toBe(8)
    expect(await remaining()).toEqual([young])
  })

  it('stops at its limit of database calls, answers complete: false, and a job deletes the rest', async () => {
    await fill(250, 150)
    await fill(5, 10)
    const answer = await clean({ batch_size: 5 })
    expect(answer).toMatchObject({ total_pipeline_executions_deleted: 5 * MAX_BATCHES, complete: false })
    expect(await countOf('pipeline_execution')).toBe(255 - 5 * MAX_BATCHES)
    expect(await jobsOf('clean_logs')).toMatchObject([{ state: 'waiting', payload: { retention_days: 100, batch_size: 5 } }])
    await drain(background)
    expect(await countOf('pipeline_execution')).toBe(5)
    const jobs = await jobsOf('clean_logs')
    expect(jobs.map(({ state }) => state)).toEqual(Array.from({ length: Math.ceil(251 / 5 / MAX_BATCHES) - 1 }, () => 'succeeded'))
    expect(await countOrphans()).toBe(0)
  })

  it('runs safely at the same time as another cleanup, and as runs that start and end', async () => {
    await fill(3000, 150)
    const parent = await run(150)
    const answers = await Promise.all([
      clean({ batch_size: 300 }),
      clean({ batch_size: 300 }),
      clean({ batch_size: 300 }),
      ...Array.from({ length: 20 }, (_, index) => run(0.01 + index / 1000)),
      run(1, { parent_id: parent }).catch(() => undefined),
    ])
    const deleted = answers
      .slice(0, 3)
      .reduce((sum: number, answer) => sum + ((answer as Record<string, number>).total_pipeline_executions_deleted ?? 0), 0)
    await clean()
    expect(deleted).toBeGreaterThanOrEqual(3000)
    expect(deleted).toBeLessThanOrEqual(3001)
    expect(await countOf('pipeline_execution where start_date > $1', [daysAgo(2)])).toBeGreaterThanOrEqual(20)
    expect(await countOf('timeliness_pipeline_execution_log')).toBe(0)
    expect(await countOrphans()).toBe(0)
  })

  it('deletes everything once if the rows fill a batch exactly, or almost', async () => {
    for (const count of [1, 9, 10, 11, 20]) {
      await fill(count, 150)
      expect(await clean({ batch_size: 10 })).toMatchObject({
        total_pipeline_executions_deleted: count,
        total_timeliness_pipeline_execution_logs_deleted: count,
        complete: true,
      })
    }
  })

  it('continues with smaller batches if the database runs out of time', async () => {
    await fill(60, 150)
    await sql(`create function too_many() returns trigger language plpgsql as $$ begin
      if (select count(*) from gone) > 5 then raise exception 'canceling statement due to statement timeout' using errcode = '57014'; end if; return null; end $$`)
    await sql(
      'create trigger too_many after delete on pipeline_execution referencing old table as gone for each statement execute function too_many()',
    )
    try {
      expect(await clean({ batch_size: 500 })).toMatchObject({ total_pipeline_executions_deleted: 5 * (MAX_BATCHES - 2), complete: false })
      expect(await jobsOf('clean_logs')).toMatchObject([{ payload: { batch_size: 5 } }])
    } finally {
      await sql('drop trigger too_many on pipeline_execution')
      await sql('drop function too_many')
    }
    await drain(background)
    expect(await countOf('pipeline_execution')).toBe(0)
  })

  it('refuses to keep less than 90 days', async () => {
    expectError(await post('/log_cleanup', { retention_days: 89 }), 422, 'validation_failed', ['body', 'retention_days'])
    expectError(await post('/log_cleanup', {}), 422, 'validation_failed', ['body', 'retention_days'])
    for (const batch_size of [0, 100_001, 1.5]) {
      expectError(await post('/log_cleanup', { retention_days: 90, batch_size }), 422, 'validation_failed', ['body', 'batch_size'])
    }
  })
})
