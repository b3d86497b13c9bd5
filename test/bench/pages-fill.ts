import { FUNCTIONS } from '../../src/db/functions.ts'
import { countableAt, countDays } from '../../src/features/pipeline-days/count.ts'
import { connect, withClient } from './jobs.ts'
import { fillGraph } from './lineage.ts'
import { fillMonth } from './month.ts'

const PIPELINES = 10_000
const DAYS = 30
const RUNNING = 300
const RESOLVED = 5_000
const FINISHED_JOBS = 50_000

/** Pipelines that open an incident of each kind: the first of them, and every so many. Together about 200. */
const OPEN: { kind: string; first: number; step: number; count: number; details: string; hasRun: boolean }[] = [
  {
    kind: 'failed',
    first: 11,
    step: 150,
    count: 60,
    hasRun: true,
    details: `jsonb_build_object('pipeline_execution_id', e.id, 'why', 'relation "raw.orders_' || p.id || '" does not exist')`,
  },
  {
    kind: 'late',
    first: 12,
    step: 240,
    count: 40,
    hasRun: true,
    details: `jsonb_build_object('pipeline_execution_id', e.id, 'pipeline_id', p.id, 'duration_seconds', 25200, 'seconds_threshold', 21600, 'execution_status', 'completed')`,
  },
  {
    kind: 'stale',
    first: 13,
    step: 240,
    count: 40,
    hasRun: false,
    details: `jsonb_build_object('pipeline_id', p.id, 'pipeline_name', p.name, 'last_dml_timestamp', now() - interval '3 days', 'freshness_number', 2,
      'freshness_datepart', 'day', 'used_child_config', false)`,
  },
  {
    kind: 'missed',
    first: 15,
    step: 300,
    count: 30,
    hasRun: false,
    details: `jsonb_build_object('slot', now() - interval '2 hours', 'covers_from', now() - interval '1 day', 'schedule', '0 6 * * * (UTC)')`,
  },
  {
    kind: 'anomaly',
    first: 14,
    step: 300,
    count: 30,
    hasRun: true,
    details: `jsonb_build_object('pipeline_execution_id', e.id, 'metric_field', 'inserts', 'violation_value', 12, 'baseline_value', 34000, 'deviation_percentage', -99.9)`,
  },
]

/**
 * A house with 10,000 pipelines and a month of six million runs: owners, tags and schedules, lineage, about 200 open incidents of
 * every kind, resolved ones, channels, finished and failed jobs. What sweeps keep (days, activity) is kept too.
 */
export const fillPages = async (url: string, endpoint: string): Promise<void> => {
  await withClient(url, async (client) => {
    await fillMonth(client, { pipelines: PIPELINES, days: DAYS, slotMinutes: 75, busy: 240_000, unended: RUNNING })
    await client.query(`
      insert into pipeline_type (name, owner, timeliness_number, timeliness_datepart) select 'type-' || i, 'team-' || i, 6, 'hour' from generate_series(1, 11) i;
      update pipeline set pipeline_type_id = 1 + id % 12, owner = case when id % 3 = 0 then 'team-' || id % 20 end,
        tags = array['domain-' || id % 30, case when id % 2 = 0 then 'daily' else 'hourly' end], active = id % 50 <> 0;
      update pipeline set schedule_cron = '0 * * * *', schedule_timezone = 'UTC', schedule_from = now() - interval '9 days',
        schedule_slot_at = date_trunc('hour', now()) + interval '1 hour', check_at = date_trunc('hour', now()) + interval '75 minutes'
        where id % 5 = 0 and active;
      insert into anomaly_detection_rule (pipeline_id, metric_field) select id, 'inserts' from pipeline where id % 20 = 14;
      insert into channel (name, kind, settings) values ('on-call', 'webhook', '{}'), ('data', 'webhook', '{}'), ('pager', 'webhook', '{}');
      analyze;`)
    await fillGraph(client, 'scale-')
    for (const { kind, first, step, count, details, hasRun } of OPEN) {
      await client.query(
        `select opened.id from generate_series(0, ${count - 1}) k join pipeline p on p.id = ${first} + ${step} * k
        cross join lateral (select id, end_date from pipeline_execution where pipeline_id = p.id and end_date is not null order by id desc limit 1) e
        cross join lateral ${FUNCTIONS.open_incident}(p_pipeline_id => p.id, p_kind => $1, p_subject => '', p_severity => null,
          p_opened_at => now() - k * interval '10 minutes', p_execution_id => ${hasRun ? 'e.id' : 'null'}, p_occurrences => 1 + k % 12, p_last_success_at => null,
          p_details => ${details}, p_now => now()) opened`,
        [kind],
      )
    }
    await client.query(`
      update pipeline_execution e set completed_successfully = false, execution_metadata = jsonb_build_object('error', i.details ->> 'why')
        from incident i where i.kind = 'failed' and e.id = i.last_execution_id;
      insert into timeliness_pipeline_execution_log (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config)
        select last_execution_id, pipeline_id, 25200, 21600, 'completed', 6, 'hour', false from incident where kind = 'late';
      insert into anomaly_detection_result (pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, confidence_score, context)
        select i.last_execution_id, r.id, 12, 34000, -99.9, 0.9, '{}' from incident i join anomaly_detection_rule r using (pipeline_id) where i.kind = 'anomaly';
      insert into incident (kind, pipeline_id, severity, state, opened_at, detected_at, resolved_at, resolved_by, last_occurrence_at, details)
        select 'failed', 1 + i * 7 % ${PIPELINES}, 'warning', 'resolved', at, at, at + interval '40 minutes', 'auto', at,
          jsonb_build_object('pipeline_execution_id', i, 'why', 'connection reset by peer')
        from generate_series(1, ${RESOLVED}) i cross join lateral (select now() - i * interval '${DAYS} days' / ${RESOLVED} - interval '1 hour' as at) x;
      insert into job (kind, payload, state, attempts, created_at, due_at, started_at, finished_at, error)
        select (array['detect_anomalies', 'check_timeliness', 'check_freshness', 'count_days', 'notify', 'send_alert'])[1 + i % 6], '{}',
          case when i % 10000 = 0 then 'failed' else 'succeeded' end, 1, at, at, at, at + interval '1 second', case when i % 10000 = 0 then 'the receiver answered 500' end
        from generate_series(1, ${FINISHED_JOBS}) i cross join lateral (select now() - i * interval '7 days' / ${FINISHED_JOBS} as at) x;
      insert into notification (channel_id, channel_name, incident_id, incident_event_id, event, state, attempts, sent_at)
        select c.id, c.name, e.incident_id, e.id, 'opened', 'sending', 1, now() from channel c cross join incident_event e where e.kind = 'opened';`)
    for (let after = 0; ; ) {
      const { rows } = await client.query(`select ${FUNCTIONS.keep_activity}(p_after => $1, p_limit => 2000) as last`, [after])
      if (rows[0].last === null) break
      after = Number(rows[0].last)
    }
  })
  // What the sweep would have counted by now.
  await countDays(connect(url, endpoint), { ...countableAt(new Date().toISOString()), maxSteps: 500, mayBegin: () => true })
  await withClient(url, (client) => client.query('vacuum analyze'))
}
