import type pg from 'pg'

interface Month {
  pipelines: number
  days: number
  /** Each pipeline runs once in so many minutes. */
  slotMinutes: number
  /** The runs of one more pipeline, `busy`, in the same days. */
  busy: number
  /** Runs that have just started and have not ended. */
  unended: number
}

/**
 * Creates the pipelines `scale-1`, `scale-2`, … of the type `scale`, and `busy`, with their runs. A run takes 20 seconds to ten
 * minutes, and one in fifty fails.
 */
export const fillMonth = async (client: pg.Client, { pipelines, days, slotMinutes, busy, unended }: Month): Promise<void> => {
  const slots = Math.floor((days * 1_440) / slotMinutes)
  // The rows are right as they are made: foreign keys are not looked up, which takes longer than the inserts.
  await client.query('set session_replication_role = replica')
  await client.query(`
    insert into pipeline_type (name, timeliness_number, timeliness_datepart, freshness_number, freshness_datepart) values ('scale', 6, 'hour', 2, 'day');
    insert into pipeline (name, pipeline_type_id, last_target_insert, load_lineage) select 'scale-' || i, 1, now(), false from generate_series(1, ${pipelines}) i;
    insert into pipeline (name, pipeline_type_id, load_lineage) values ('busy', 1, false)`)
  const run = `insert into pipeline_execution (pipeline_id, start_date, end_date, completed_successfully, duration_seconds, inserts, updates, soft_deletes, total_rows, throughput, created_at)
    select p, s, s + make_interval(secs => d), random() > 0.02, round(d), r, r / 10, 0, r, r / d, s`
  await client.query(`${run} from generate_series(${slots}, 1, -1) slot cross join generate_series(1, ${pipelines}) p
    cross join lateral (select now() - slot * interval '${slotMinutes} minutes' - (p % 800) * interval '1 second' as s,
      (20 + p % 600) * exp(0.2 * random_normal()) as d, (1000 + p * 37 % 50000 + 100 * random())::bigint as r) x`)
  await client.query(`${run} from (select ${pipelines + 1} as p) p cross join generate_series(1, ${busy}) i
    cross join lateral (select now() - i * interval '${days} days' / ${busy} - interval '1 minute' as s, 5 * exp(0.2 * random_normal()) as d, (1000 + 100 * random())::bigint as r) x`)
  await client.query('insert into pipeline_execution_closure select id, id, 0 from pipeline_execution')
  // Without a share in the reports' first days.
  await client.query(
    `insert into pipeline_execution (pipeline_id, start_date) select 1 + i % ${pipelines}, now() from generate_series(1, ${unended}) i`,
  )
}
