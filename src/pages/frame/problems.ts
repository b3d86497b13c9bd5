import { type SQL, sql } from 'drizzle-orm'
import { incidentKindOf } from '../../checks/incident-kind.ts'
import { checks } from '../../checks/index.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { features } from '../../features/index.ts'
import type { Badge, IncidentKind } from '../../incidents/kind.ts'
import { incident } from '../../incidents/table.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { param } from '../../db/statement.ts'
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
 * details and incident for each pipeline that has the problem; `silenced`, the pipelines with incidents that are silenced and so in none of
 * the others; and `running`, the pipelines with a run that has not ended. Placeholder: `now`.
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
  silenced as (select distinct pipeline_id from open_incident where is_silenced),
  running as (select distinct pipeline_id from ${pipelineExecution} where end_date is null)`

/** Joins `silenced` to a pipeline `p`, and marks: whether it has a silenced incident, and whether a check of it is muted (its type is `t`). */
export const joinSilenced: SQL = sql`left join silenced on silenced.pipeline_id = p.id`
export const marks: SQL = sql`silenced.pipeline_id is not null as is_silenced,
  (p.mute_freshness_check or p.mute_timeliness_check or t.mute_freshness_check or t.mute_timeliness_check) as is_muted`

/** The words of the problems for which `has` is true, worst first: a text array. */
export const wordsWhere = (has: (word: string) => SQL): SQL =>
  sql`array_remove(array[${sql.join(
    PROBLEM_WORDS.map((word) => sql`case when ${has(word)} then ${sql.raw(`'${word}'`)} end`),
    sql`, `,
  )}]::text[], null)`

/** Joins the CTE of every problem to a pipeline; `pipelineId` is an expression. */
export const joinProblems = (pipelineId: SQL): SQL =>
  sql.join(PROBLEM_WORDS.map((word) => sql`left join ${nameOf(word)} on ${nameOf(word)}.pipeline_id = ${pipelineId} `))

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
