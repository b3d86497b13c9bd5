import { z } from '@hono/zod-openapi'
import { sql } from 'drizzle-orm'
import { nextTimes } from '../../core/cron.ts'
import { ApiError } from '../../core/errors.ts'
import { instantOf } from '../../core/instant.ts'
import { once } from '../../core/once.ts'
import { jsonOf, moment } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { instantAnswer, optional, wholeNumber } from '../../http/fields.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { cronField, timezoneField } from '../../http/schedule-fields.ts'
import { idText } from '../../http/text-fields.ts'
import { pipelineExecution } from '../executions/table.ts'
import { pipeline } from '../pipelines/table.ts'
import { suggestSchedule } from './suggest.ts'

const MAX_TIMES = 50
const DEFAULT_TIMES = 5
/** A suggestion reads this many starts. */
const MAX_STARTS = 60

const previewPost = once(() =>
  z
    .object({
      schedule_cron: cronField(),
      schedule_timezone: optional(timezoneField()),
      count: optional(wholeNumber(`How many times to answer. Default: ${DEFAULT_TIMES}.`, 1, MAX_TIMES, DEFAULT_TIMES)),
    })
    .openapi('SchedulePreviewPost'),
)

const previewAnswer = once(() => z.object({ times: z.array(instantAnswer()) }).openapi('SchedulePreview'))

const suggestion = once(() =>
  z
    .object({
      schedule_cron: z.string(),
      schedule_timezone: z.string(),
      schedule_grace_minutes: z.int(),
      covered: z.int().openapi({ description: 'How many of the starts it would have covered: a run may come early or late by the grace.' }),
      starts: z.int().openapi({ description: 'How many starts were read.' }),
    })
    .openapi('ScheduleSuggestion'),
)

const suggestAnswer = once(() =>
  z
    .object({
      suggestion: z
        .union([suggestion(), z.null()])
        .openapi({ description: 'null: the starts have no pattern, or there are fewer than five.' }),
    })
    .openapi('ScheduleSuggestionAnswer'),
)

const STARTS = prepare(sql`
  select (select coalesce(jsonb_agg(start_date), '[]') from (
    select start_date from ${pipelineExecution} where pipeline_id = p.id and parent_id is null order by start_date desc limit ${sql.raw(String(MAX_STARTS))}) s) as starts
  from ${pipeline} p where p.id = ${param('id')}`)

const startsRow = z.object({ starts: jsonOf(z.array(moment)) })

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: '/schedule/preview',
      access: 'read',
      operationId: 'preview_schedule',
      tag: 'Schedules',
      summary: 'Preview the next times of a schedule',
      body: previewPost,
      answers: { 200: { description: 'The next times.', schema: previewAnswer } },
    },
    async ({ body: { schedule_cron, schedule_timezone = 'UTC', count = DEFAULT_TIMES } }, { now }) => ({
      status: 200,
      body: { times: nextTimes(schedule_cron, schedule_timezone, new Date(now), count).map(instantOf) },
    }),
  )

  serveOperation(
    router,
    {
      method: 'get',
      path: '/pipeline/{id}/schedule/suggest',
      access: 'read',
      operationId: 'suggest_schedule',
      tag: 'Schedules',
      summary: 'Suggest a schedule from past starts',
      description: `Reads the last ${MAX_STARTS} starts, and answers the cron and grace that fit them. It changes nothing: send them with \`PATCH /pipeline\`.`,
      params: () => ({ id: idText('The pipeline.') }),
      answers: { 200: { description: 'The schedule, or null.', schema: suggestAnswer } },
      errors: ['pipeline_not_found'],
    },
    async ({ params: { id } }, { db }) => {
      const [row] = await db.rows(STARTS, startsRow, { id })
      if (!row) throw new ApiError('pipeline_not_found', `Pipeline ${id} not found`)
      return { status: 200, body: { suggestion: suggestSchedule(row.starts.map((start) => new Date(start))) ?? null } }
    },
  )
}
