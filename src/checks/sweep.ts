import { type SQL, sql } from 'drizzle-orm'
import { once } from '../core/once.ts'
import { FUNCTIONS } from '../db/functions.ts'
import { readIds } from '../db/rows.ts'
import { param, prepare, type Statement } from '../db/statement.ts'
import { pipelineExecution } from '../features/executions/table.ts'
import { notifyJobAfter } from '../incidents/notify-job.ts'
import { incident } from '../incidents/table.ts'
import { claimedJob, finishedJob, finishing } from '../jobs/claim.ts'
import type { ClaimedJob, JobKind, JobScope, RunJob } from '../jobs/job.ts'
import { insertJobs } from '../jobs/record.ts'
import type { Check, Names } from './check.ts'

/** The most new findings of one sweep. If there are more, the sweep records a job for the rest. */
export const MAX_FINDINGS = 5000

const CLAIMED = sql.raw('claimed')
/** The CTE whose row, if there is one, is the id of the job that tells people. */
export const TOLD = sql.raw('told')
/** The CTE of the original's messages about the findings, one JSON array. */
const ALERTS = sql.raw('alerts')
/** The CTEs that open and resolve incidents, and of all that is wrong now, for a check that sees everything. */
const OPENED = sql.raw('opened')
const RESOLVED = sql.raw('resolved')
/** The CTE that resolves what settings have ended: of types, and of pipelines that changed at the moment of an opening. */
const ENDED = sql.raw('ended')
const WRONG_NOW = sql.raw('wrong_now')
const CONTINUED = sql.raw('continued')
const FINISHED = sql.raw('finished')

/** The names that the engine passes to every query of a check. Placeholder: `now`. */
export const NAMES: Names = {
  found: sql.raw('found'),
  logged: sql.raw('logged'),
  now: sql`${param('now')}::timestamptz`,
  value: param,
}

/**
 * The CTEs that log what is wrong, open and resolve its incidents, and have people told: `found`, `logged`, the check's own
 * CTEs, `opened`, `resolved`, and `told`, whose row is the id of the recorded job, if any incident opened or resolved. If two sweeps
 * run at once, the log's unique index lets only one of them insert a finding. Nothing is written if `claim` has no row. `changing` are further
 * CTEs that may change incidents: after those that open, because what is found now extends what would end otherwise.
 */
export const findings = <Evidence>(check: Check<Evidence>, claim: SQL, changing: readonly SQL[] = []): SQL => sql`
  ${NAMES.found} as (
    select subject, pipeline_id, since, evidence from (${check.wrong(NAMES)}) wrong
    where exists (select from ${claim})
    order by subject
    limit ${sql.raw(String(MAX_FINDINGS))}),
  ${NAMES.logged} as (${check.logFound(NAMES)}),
  ${check.alsoWrites ? sql`${check.alsoWrites(NAMES)},` : sql``}
  ${check.wrongNow ? sql`${WRONG_NOW} as materialized (${check.wrongNow(NAMES.now)}),` : sql``}
  ${ALERTS} as materialized (select coalesce(jsonb_agg(a.payload), '[]') as payloads from (${check.alertPayloads(NAMES)}) a),
  ${OPENED} as (${openIncidents(check)}),
  ${check.wrongNow ? sql`${RESOLVED} as (${resolveIncidents(check)}),` : sql``}
  ${notifyJobAfter(TOLD, [OPENED, ...changing, ...(check.wrongNow ? [RESOLVED] : [])], NAMES.now)}`

/** A finding about a run that ended longer ago is written to the log, and wakes nobody: it is a backfill. */
const RECENT = sql.raw(`interval '24 hours'`)

/** The kind of a check's incidents as a literal. */
export const kindOf = ({ incidentKind }: { incidentKind: string }): SQL => sql.raw(`'${incidentKind}'`)

/** What a check that sees only a window tells people: its new findings, one for each pipeline. */
const newlyWrong = <Evidence>({ isNews, wrongAgain }: Check<Evidence>): SQL => sql`
  select f.pipeline_id, min(f.since) as since, max(f.since) as last, count(*)::integer as occurrences, (array_agg(f.evidence order by f.since desc, f.subject desc))[1] as evidence
  from ${NAMES.found} f join ${NAMES.logged} using (subject)
  where not exists (
    select from ${pipelineExecution} e where e.id = (f.evidence ->> 'pipeline_execution_id')::bigint and e.end_date < ${NAMES.now} - ${RECENT})
    ${isNews ? sql`and ${isNews(NAMES, sql.raw('f'))}` : sql``}
  group by f.pipeline_id
  ${wrongAgain ? sql`union all select a.* from (${wrongAgain(NAMES.now)}) a where exists (select from ${CLAIMED})` : sql``}`

/**
 * What a check that sees everything tells people: all that is wrong now and has no open incident, so also what was muted for a
 * time. What a person has resolved stays resolved while nothing has changed.
 */
const untold = <Evidence>(check: Check<Evidence>): SQL => {
  const isSame = check.isSame ?? ((details: SQL, evidence: SQL) => sql`${details} = ${evidence}`)
  return sql`
  select o.pipeline_id, o.since, o.since as last, 1 as occurrences, o.evidence from ${WRONG_NOW} o
  where exists (select from ${CLAIMED}) and not exists (
    select from ${incident} i where i.pipeline_id = o.pipeline_id and i.kind = ${kindOf(check)}
      and (i.resolved_at is null or i.resolved_by not in ('auto', 'muted') and ${isSame(sql.raw('i.details'), sql.raw('o.evidence'))}))
  order by o.pipeline_id limit ${sql.raw(String(MAX_FINDINGS))}`
}

/** Opens incidents, or extends them. */
const openIncidents = <Evidence>(check: Check<Evidence>): SQL => sql`
  select opened.id from (${check.wrongNow ? untold(check) : newlyWrong(check)}) f
  cross join lateral ${sql.raw(FUNCTIONS.open_incident)}(p_pipeline_id => f.pipeline_id, p_kind => ${kindOf(check)}, p_subject => '', p_severity => null,
    p_opened_at => f.since, p_execution_id => (f.evidence ->> 'pipeline_execution_id')::bigint, p_occurrences => f.occurrences, p_last_success_at => null,
    p_details => f.evidence, p_occurred_at => f.last, p_now => ${NAMES.now}, p_alerts => (select payloads from ${ALERTS})) opened`

/** Resolves the incidents of pipelines that are right again, for a check that sees all of them. */
const resolveIncidents = <Evidence>(check: Check<Evidence>): SQL => sql`
  select ${sql.raw(FUNCTIONS.resolve_incident)}(p_id => i.id, p_by => 'auto', p_text => null, p_now => ${NAMES.now})
  from ${incident} i
  where i.kind = ${kindOf(check)} and i.resolved_at is null and exists (select from ${CLAIMED})
    and i.pipeline_id not in (select pipeline_id from ${WRONG_NOW})`

/** The job for the rest, if a sweep finds MAX_FINDINGS. */
interface Continuation {
  /** Its kind: `check_<kind>`. */
  jobKind: JobKind
  /** Its payload: a jsonb expression. */
  payload: (names: Names) => SQL
}

const continued = ({ jobKind, payload }: Continuation): SQL => sql`
  ${CONTINUED} as (
    ${insertJobs(
      jobKind,
      sql`select ${payload(NAMES)} as payload where (select count(*) from ${NAMES.found}) = ${sql.raw(String(MAX_FINDINGS))}`,
      NAMES.now,
    )} returning id),`

/**
 * The last statement of a job that sweeps. In one transaction it logs what is newly wrong, opens and resolves incidents, records the
 * job that tells people and a job for the rest if there may be more, and ends the job. Its rows are the ids of the recorded jobs. Placeholders: `now`, those
 * of `finishing`, and the values that the check uses.
 */
export const sweepStatement = <Evidence>(check: Check<Evidence>, continuation?: Continuation): Statement =>
  prepare(sql`
    with ${claimedJob(CLAIMED)},
    ${continuation ? sql`${ENDED} as (select from ${CLAIMED} where ${sql.raw(FUNCTIONS.end_by_settings)}(null, ${NAMES.now}) > 0),` : sql``}
    ${findings(check, CLAIMED, continuation ? [ENDED] : [])},
    ${continuation ? continued(continuation) : sql``}
    ${finishedJob(FINISHED, { claim: CLAIMED, work: NAMES.logged })}
    select id from ${TOLD} where id is not null ${continuation ? sql`union all select id from ${CONTINUED}` : sql``}`)

/**
 * The job that sweeps for a check. `values` prepares the values that the statement needs beside `now`; it may use a round
 * trip of its own.
 */
export const sweepJob = <Evidence>(
  check: Check<Evidence>,
  { values, ...continuation }: Continuation & { values?: (job: ClaimedJob, scope: JobScope) => Promise<Record<string, unknown>> },
): RunJob => {
  const statement = once(() => sweepStatement(check, continuation))
  return async (job, scope) => {
    const prepared = (await values?.(job, scope)) ?? {}
    return readIds(scope.db, statement(), { ...finishing(job, scope.clock()), ...prepared, now: scope.now })
  }
}
