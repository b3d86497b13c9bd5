import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { duration } from '../../core/figures.ts'
import { DATEPARTS } from '../../db/constraints.ts'
import { amount } from '../../db/rows.ts'
import { deadlineAfter, effectiveThreshold } from '../../db/thresholds.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { oneAlert } from '../../notifications/record.ts'
import type { Check } from '../check.ts'
import { timelinessAlert } from './alert.ts'
import { RUN_STATUSES } from './schemas.ts'
import { timelinessPipelineExecutionLog } from './table.ts'

const P = sql.raw('p')
const T = sql.raw('t')
const threshold = effectiveThreshold('timeliness', { pipeline: P, type: T })
/** What never ends by itself is not late. */
const isJudged = sql`${threshold.isJudged} and not ${P}.is_streaming`

const evidence = z.object({
  pipeline_execution_id: amount,
  pipeline_id: amount,
  /** For a run that still runs: the time so far. */
  duration_seconds: amount,
  seconds_threshold: amount,
  execution_status: z.enum(RUN_STATUSES),
  timely_number: amount.optional(),
  timely_datepart: z.enum(DATEPARTS).optional(),
  used_child_config: z.boolean().optional(),
})
export type LateRun = z.output<typeof evidence>

/** When the run `c` becomes late, and whether a check has found that already. */
const deadline = deadlineAfter(sql`c.start_date`, threshold.number, threshold.datepart)
const isUnlogged = sql`not exists (select from ${timelinessPipelineExecutionLog} l where l.pipeline_execution_id = c.id)`
const withThreshold = sql`join ${pipeline} ${P} on ${P}.id = c.pipeline_id join ${pipelineType} ${T} on ${T}.id = ${P}.pipeline_type_id`

/** When runs that still run become late: Index Scan on the partial index of running executions. */
export const lateFrom = (until: SQL): SQL => sql`
  select ${deadline} as at from ${pipelineExecution} c ${withThreshold}
  where c.end_date is null and not c.is_placeholder and ${isJudged} and ${deadline} <= ${until} and ${isUnlogged}`

const evidenceOf = (now: SQL): SQL => sql`jsonb_build_object(
  'pipeline_execution_id', c.id, 'pipeline_id', c.pipeline_id,
  'duration_seconds', floor(extract(epoch from coalesce(c.end_date, ${now}) - c.start_date)),
  'seconds_threshold', extract(epoch from due.deadline - c.start_date)::bigint,
  'execution_status', case when c.end_date is null then 'running' else 'completed' end,
  'timely_number', ${threshold.number}, 'timely_datepart', ${threshold.datepart}, 'used_child_config', ${threshold.isOwn})`

/** Late runs: a run takes, or took, longer than the threshold of its pipeline or its type. Each is logged once. */
export const timelinessCheck: Check<LateRun> = {
  kind: 'timeliness',
  badge: { word: 'late', sign: '!', tone: 'late' },
  incidentKind: 'late',
  incidentTitle: 'Pipeline Execution Late',
  isDeadline: true,
  log: { table: timelinessPipelineExecutionLog, goesWith: 'its execution' },
  evidence: () => evidence,
  explain: ({ execution_status, duration_seconds, seconds_threshold }) =>
    `${execution_status === 'running' ? 'Has been running for' : 'Took'} ${duration(duration_seconds)}; ${duration(seconds_threshold)} are expected`,
  alert: timelinessAlert,

  /**
   * Running executions of any age are read from their partial index. Ended executions are read from the start of the window
   * (the value `since`), by Index Scan on pipeline_execution_ended. The window is a value, so that the planner sees it.
   */
  wrong: ({ now, value }) => sql`
    select c.id as subject, c.pipeline_id, due.deadline as since, ${evidenceOf(now)} as evidence
    from (
      select id, pipeline_id, start_date, end_date from ${pipelineExecution} where end_date is null and not is_placeholder
      union all
      select id, pipeline_id, start_date, end_date from ${pipelineExecution}
      where completed_successfully and end_date >= ${value('since')}::timestamptz) c
    ${withThreshold}
    cross join lateral (select ${deadline} as deadline) due
    where ${isJudged} and coalesce(c.end_date, ${now}) > due.deadline and ${isUnlogged}`,

  logFound: ({ found, now }) => sql`
    insert into ${timelinessPipelineExecutionLog} (pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold,
      execution_status, timely_number, timely_datepart, used_child_config, created_at)
    select subject, pipeline_id, (evidence ->> 'duration_seconds')::bigint, (evidence ->> 'seconds_threshold')::bigint,
      evidence ->> 'execution_status', (evidence ->> 'timely_number')::integer, evidence ->> 'timely_datepart',
      (evidence ->> 'used_child_config')::boolean, ${now}
    from ${found}
    -- A run that ends at this moment waits, and then sees the incident; one that has ended meanwhile is found by the next check.
    where exists (
      select from ${pipelineExecution} e
      where e.id = subject and (e.end_date is null) = (evidence ->> 'execution_status' = 'running') for share)
    on conflict do nothing
    returning pipeline_execution_id as subject`,

  /** What was logged, and still runs: after a mute, or after its incident ended because the threshold was another one for a time. */
  wrongAgain: (now) => sql`
    select distinct on (c.pipeline_id) c.pipeline_id, due.deadline as since, due.deadline as last, 1 as occurrences, ${evidenceOf(now)} as evidence
    from ${pipelineExecution} c
    ${withThreshold}
    cross join lateral (select ${deadline} as deadline) due
    where c.end_date is null and not c.is_placeholder and ${isJudged} and ${now} > due.deadline and not ${isUnlogged} and (
      select last.resolved_by = 'muted' or last.resolved_by = 'auto'
        and (last.details ->> 'timely_number', last.details ->> 'timely_datepart') is distinct from (${threshold.number}::text, ${threshold.datepart})
      from ${incident} last
      where coalesce(last.pipeline_id, 0) = c.pipeline_id and last.kind = 'late' and last.subject = '' order by last.id desc limit 1)
    order by c.pipeline_id, due.deadline desc, c.id desc`,

  alertPayloads: ({ found, logged, now }) =>
    oneAlert('timeliness', now, logged, sql`select evidence as item from ${found} join ${logged} using (subject) order by subject`),

  countOpen: () => sql`
    select count(*) from ${pipelineExecution} e join ${timelinessPipelineExecutionLog} l on l.pipeline_execution_id = e.id
    join ${pipeline} p on p.id = e.pipeline_id
    where e.end_date is null and p.active`,
}
