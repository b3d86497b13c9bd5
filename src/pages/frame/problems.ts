import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Check } from '../../checks/check.ts'
import { checks } from '../../checks/index.ts'
import { amount } from '../../db/rows.ts'
import { param } from '../../db/statement.ts'
import { reason } from '../../features/executions/reason.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'

/** The pages show problems and runs of this period. */
export const DAY_SECONDS = 86_400

/** Something that can be wrong with a pipeline, as the pages show it. */
export type Problem = Pick<Check, 'badge' | 'open' | 'evidence' | 'explain'>

/** The run that ended last is among this many newest runs: runs overlap, and a backfill records old runs last. */
const MAX_NEWEST_RUNS = 20

const why = z.object({ pipeline_execution_id: amount, why: z.string().nullable() })

/** The run that ended last has failed: one Index Scan Backward on pipeline_execution_pipeline_id for each active pipeline. */
const failed: Problem = {
  badge: { word: 'failed', sign: '✕', tone: 'failed' },
  evidence: () => why,
  explain: (evidence) => why.parse(evidence).why ?? 'The run gave no reason: send execution_metadata with its end',
  open: () => sql`
    select p.id as pipeline_id, last.execution_id, last.since, jsonb_build_object('pipeline_execution_id', last.execution_id, 'why', last.why) as evidence
    from ${pipeline} p
    cross join lateral (
      select id as execution_id, end_date as since, completed_successfully, left(coalesce(${reason(sql`e`)}, nullif(e.execution_metadata, '{}')::text), 500) as why
      from (
        select * from ${pipelineExecution} newest where newest.pipeline_id = p.id and newest.end_date is not null
        order by newest.id desc limit ${sql.raw(String(MAX_NEWEST_RUNS))}) e
      order by end_date desc, id desc limit 1) last
    where p.active and not last.completed_successfully`,
}

/** Every problem that a pipeline can have, worst first. */
export const PROBLEMS: readonly Problem[] = [failed, ...checks]

/** The words of the problems' badges, worst first. */
export const PROBLEM_WORDS: readonly string[] = PROBLEMS.map(({ badge }) => badge.word)

/** The states that a reader can filter pipelines by; `ok` means active and without a problem. */
export const FILTERS: readonly string[] = [...PROBLEM_WORDS, 'running', 'ok', 'inactive']

/** The name of a problem's CTE, and of a column that says whether a pipeline has the problem. */
export const nameOf = (word: string): SQL => sql`${sql.identifier(`is_${word}`)}`

const moments = { now: sql`${param('now')}::timestamptz`, dayAgo: sql`${param('day_ago')}::timestamptz` }

/**
 * What is wrong now, as CTEs called `nameOf(word)`: one row of pipeline_id, execution_id, since, evidence for each pipeline
 * that has the problem; and `running`, the pipelines with a run that has not ended. Placeholders: `now`, `day_ago`.
 */
export const problems: SQL = sql`
  ${sql.join(
    PROBLEMS.map(({ badge, open }) => sql`${nameOf(badge.word)} as (${open(moments)})`),
    sql`, `,
  )},
  running as (select distinct pipeline_id from ${pipelineExecution} where end_date is null)`

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
