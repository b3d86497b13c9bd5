import { type SQL, sql } from 'drizzle-orm'
import { incidentKindOf } from '../../checks/incident-kind.ts'
import { checks } from '../../checks/index.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { param } from '../../db/statement.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { features } from '../../features/index.ts'
import type { Badge, IncidentKind } from '../../incidents/kind.ts'
import { incident } from '../../incidents/table.ts'
import { silence } from '../../notifications/table.ts'

/** The pages show problems and runs of this period. */
export const DAY_SECONDS = 86_400

/** Something that can be wrong with a pipeline: a kind of incident with a badge. */
export type Problem = IncidentKind & { badge: Badge }

/** Every kind of incident. */
export const INCIDENT_KINDS: readonly IncidentKind[] = [
  ...features.flatMap(({ incidents }) => incidents ?? []),
  ...checks.map(incidentKindOf),
]

/** The sentence about an incident; a kind of another version is its own sentence. */
export const explainIncident = (kind: string, details: unknown): string =>
  INCIDENT_KINDS.find((known) => known.kind === kind)?.explain(details) ?? kind

/** The word of the badge of a kind of incident, else the kind. */
export const wordOf = (kind: string): string => INCIDENT_KINDS.find((known) => known.kind === kind)?.badge?.word ?? kind

/** Every problem that a pipeline can have, worst first. */
export const PROBLEMS: readonly Problem[] = INCIDENT_KINDS.filter((kind): kind is Problem => kind.badge !== undefined)

/** The words of the problems' badges, worst first. */
export const PROBLEM_WORDS: readonly string[] = PROBLEMS.map(({ badge }) => badge.word)

/** The states that a reader can filter pipelines by; `ok` means active and without a problem. */
export const FILTERS: readonly string[] = [...PROBLEM_WORDS, 'running', 'ok', 'silenced', 'muted', 'inactive']

/** The name of a problem's CTE, and of a column that says whether a pipeline has the problem. */
export const nameOf = (word: string): SQL => sql`${sql.identifier(`is_${word}`)}`

/** True if messages about the incident `i` are held now. Without any silence nothing is looked up. */
export const isSilenced: SQL = sql`(exists (select from ${silence} where ends_at is null or ends_at > ${param('now')}::timestamptz) and exists (
  select from ${sql.raw(FUNCTIONS.silenced_until)}(i.id, ${param('now')}::timestamptz) s where s.until is not null))`

/**
 * What is wrong now: the open incidents of active pipelines, as CTEs called `nameOf(word)`: one row of pipeline_id, execution_id, since,
 * details and incident for each pipeline that has the problem; `problem_of`, which problems each pipeline has; and `running`, the pipelines with a run that has not ended. Placeholder: `now`.
 */
export const problems: SQL = sql`
  open_incident as materialized (
    select i.pipeline_id, i.kind, i.last_execution_id as execution_id, i.opened_at as since, i.details, i.id as incident_id, i.state as incident_state,
      i.acknowledged_by, i.severity, i.caused_by, ${isSilenced} as is_silenced
    from ${incident} i where i.resolved_at is null and i.pipeline_id is not null),
  ${sql.join(
    PROBLEMS.map(
      ({ kind, badge }) => sql`${nameOf(badge.word)} as (
        select distinct on (pipeline_id) * from open_incident where kind = ${sql.raw(`'${kind}'`)} and not is_silenced order by pipeline_id, incident_id desc)`,
    ),
    sql`, `,
  )},
  problem_of as (
    select pipeline_id, bool_or(is_silenced) as has_silenced, ${sql.join(
      PROBLEMS.map(({ kind, badge }) => sql`bool_or(kind = ${sql.raw(`'${kind}'`)} and not is_silenced) as ${nameOf(badge.word)}`),
      sql`, `,
    )} from open_incident group by pipeline_id),
  running as (select distinct pipeline_id from ${pipelineExecution} where end_date is null)`

/** Of a pipeline `p` with the type `t`: whether an incident of it is silenced, and whether a check of it is muted. */
export const marks: SQL = sql`coalesce(problem_of.has_silenced, false) as is_silenced,
  (p.mute_freshness_check or p.mute_timeliness_check or t.mute_freshness_check or t.mute_timeliness_check) as is_muted`

/** The words of the problems for which `has` is true, worst first: a text array. */
export const wordsWhere = (has: (word: string) => SQL): SQL =>
  sql`array_remove(array[${sql.join(
    PROBLEM_WORDS.map((word) => sql`case when ${has(word)} then ${sql.raw(`'${word}'`)} end`),
    sql`, `,
  )}]::text[], null)`

/** Joins its problems to a pipeline; `pipelineId` is an expression. `hasProblem` then says whether it has one. */
export const joinProblems = (pipelineId: SQL): SQL => sql`left join problem_of on problem_of.pipeline_id = ${pipelineId}`
export const hasProblem = (word: string): SQL => sql`coalesce(problem_of.${nameOf(word)}, false)`

/** The badges of the checks that log findings about runs, worst first. */
export const RUN_FINDINGS: readonly string[] = checks.filter(({ log }) => log.goesWith === 'its execution').map(({ badge }) => badge.word)

/** The words of the checks that have logged a finding about an execution, worst first: a text array. `executionId` is an expression. */
export const findingWords = (executionId: SQL): SQL =>
  sql`array_remove(array[${sql.join(
    checks.flatMap(({ badge, log }) =>
      log.goesWith === 'its execution'
        ? [
            sql`case when exists (select from ${log.table} l where l.pipeline_execution_id = ${executionId}) then ${sql.raw(`'${badge.word}'`)} end`,
          ]
        : [],
    ),
    sql`, `,
  )}]::text[], null)`
