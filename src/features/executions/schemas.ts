import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import {
  countField,
  flagField,
  idField,
  instantAnswer,
  instantField,
  metadataField,
  nameField,
  optional,
  watermarkField,
} from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { flagText, idText, instantText } from '../../http/text-fields.ts'

export const executionStart = once(() =>
  z
    .object({
      pipeline_id: optional(idField('The pipeline. Give this, or `pipeline_name`.')),
      pipeline_name: optional(nameField('The name of the pipeline, instead of `pipeline_id`.', 'stock-price-worker')),
      start_date: optional(instantField('When the run started. Default: now.')),
      full_load: optional(flagField("Whether the run loads all data again. Default: the pipeline's own.")),
      watermark: optional(watermarkField("Where this run starts. Default: the pipeline's own.")),
      next_watermark: optional(
        watermarkField("Where this run stops. If it succeeds, this becomes the pipeline's watermark. Default: the pipeline's own."),
      ),
      parent_id: optional(idField('The execution that this one is a part of.')),
      parent_execution_id: optional(idField('Another name of `parent_id`.')),
      execution_metadata: optional(metadataField('Anything about the run.')),
    })
    .transform(({ parent_execution_id, parent_id, ...body }, context) => {
      if (body.pipeline_id === undefined && body.pipeline_name === undefined) {
        context.addIssue({ code: 'custom', path: ['pipeline_id'], message: 'Required: pipeline_id or pipeline_name' })
      }
      return { ...body, parent_id: parent_id ?? parent_execution_id }
    })
    .openapi('ExecutionStart'),
)

export type ExecutionStart = z.output<ReturnType<typeof executionStart>>

export const idempotencyHeader = once(() => ({
  'idempotency-key': z.string().min(1, 'Must have 1 to 200 characters').max(200, 'Must have 1 to 200 characters').optional().openapi({
    description: 'If a start repeats the key of an earlier start of the same pipeline, the answer is the first execution.',
    example: 'run-2025-01-09',
  }),
}))

export const executionEnd = once(() =>
  z
    .object({
      id: idField('The execution.'),
      end_date: optional(instantField('When the run ended, not before its start. Default: now.')),
      completed_successfully: optional(flagField('Whether the run succeeded. Default: true.')),
      inserts: optional(countField('Rows inserted.')),
      updates: optional(countField('Rows updated.')),
      soft_deletes: optional(countField('Rows marked as deleted.')),
      total_rows: optional(countField('Rows processed.')),
      execution_metadata: optional(metadataField('Merged into the metadata of the start: a key given here replaces the same key there.')),
    })
    .openapi('ExecutionEnd'),
)

export type ExecutionEnd = z.output<ReturnType<typeof executionEnd>>

export const EXECUTION_STATUSES = ['running', 'succeeded', 'failed'] as const

/** Steps are left out of lists unless they are asked for. */
const stepsText = () => flagText('Also the runs of steps, which OpenLineage reports of Spark and dbt. Default: false.').default(false)

export const executionFilters = once(() => ({
  ...pageQuery(),
  pipeline_id: idText('Only executions of this pipeline.').optional(),
  parent_id: idText('Only direct parts of this execution.').optional(),
  status: z
    .enum(EXECUTION_STATUSES, { error: `Must be one of ${EXECUTION_STATUSES.join(', ')}` })
    .optional()
    .openapi({ description: 'Only executions in this state.' }),
  started_after: instantText('Only executions with a later start_date.').optional(),
  started_before: instantText('Only executions with an earlier start_date.').optional(),
  include_steps: stepsText(),
}))

export const executionAnswer = once(() =>
  z
    .object({
      id: z.int(),
      pipeline_id: z.int(),
      parent_id: z.int().nullable(),
      start_date: instantAnswer(),
      date_recorded: z.string().openapi({ description: 'UTC date of start_date.', format: 'date', example: '2025-01-09' }),
      hour_recorded: z.int().openapi({ description: 'UTC hour of start_date, 0 to 23.', minimum: 0, maximum: 23 }),
      end_date: instantAnswer().nullable(),
      duration_seconds: z.int().nullable().openapi({ description: 'Whole seconds.' }),
      completed_successfully: z.boolean().nullable().openapi({ description: 'null while it runs.' }),
      inserts: z.int().nullable(),
      updates: z.int().nullable(),
      soft_deletes: z.int().nullable(),
      total_rows: z.int().nullable(),
      throughput: z.number().nullable().openapi({ description: 'total_rows per second; null if either is unknown or the duration is 0.' }),
      full_load: z.boolean(),
      watermark: z.string().nullable(),
      next_watermark: z.string().nullable(),
      execution_metadata: z.record(z.string(), z.unknown()).nullable(),
      openlineage: z
        .object({ run_id: z.string().openapi({ example: '0191f0c0-0000-7000-8000-000000000001' }) })
        .openapi('OpenLineageRunId')
        .or(z.null())
        .openapi({ description: 'Of a run that came through OpenLineage.' }),
    })
    .openapi('Execution'),
)

export const executionWithChildren = once(() =>
  executionAnswer()
    .extend({
      openlineage: z
        .object({
          run_id: z.string().openapi({ example: '0191f0c0-0000-7000-8000-000000000001' }),
          job: z.object({ namespace: z.string(), name: z.string() }).openapi('OpenLineageJob'),
          facets: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'The facets `job` and `run` of its last event.' }),
        })
        .openapi('OpenLineageRun')
        .or(z.null())
        .openapi({ description: 'Of a run that came through OpenLineage.' }),
      child_executions: z.array(executionAnswer()).openapi({ description: 'The first 1,000 direct parts; `Link` leads to the others.' }),
    })
    .openapi('ExecutionWithChildren'),
)
