import { ApiError } from '../../core/errors.ts'
import { tellsOthers } from '../../env.ts'
import { idAnswer } from '../../http/fields.ts'
import { linkAfter } from '../../http/paging.ts'
import { serveList } from '../../http/resource.ts'
import { type Router, serveOperation, warningHeader } from '../../http/router.ts'
import { idText } from '../../http/text-fields.ts'
import { endExecution } from './end.ts'
import { findExecutionWithChildren, listExecutions } from './queries.ts'
import { executionAnswer, executionEnd, executionFilters, executionStart, executionWithChildren, idempotencyHeader } from './schemas.ts'
import { startExecution } from './start.ts'

const tag = 'Executions'

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: '/start_pipeline_execution',
      access: 'write',
      operationId: 'start_execution',
      tag,
      summary: 'Start an execution',
      description: `Safe to retry: a repeat with the same \`Idempotency-Key\` answers the first execution. Without a key, a start is a repeat if a running execution that was recorded less than five minutes ago has the same pipeline, parent and \`start_date\` (with a fraction of a second, compared to the microsecond).`,
      headers: idempotencyHeader,
      body: executionStart,
      answers: {
        200: { description: 'A repeat: the first execution.', schema: idAnswer },
        201: { description: 'The execution has started.', schema: idAnswer },
      },
      errors: ['pipeline_not_found', 'unknown_reference'],
    },
    async ({ body, headers }, { db, now, settings, sendAfterwards }) => {
      const { created, id, jobIds } = await startExecution(
        db,
        body,
        { idempotencyKey: headers['idempotency-key'], tells: tellsOthers(settings) },
        now,
      )
      if (jobIds.length > 0) sendAfterwards(jobIds)
      return { status: created ? 201 : 200, body: { id } }
    },
  )

  serveOperation(
    router,
    {
      method: 'post',
      path: '/end_pipeline_execution',
      access: 'write',
      operationId: 'end_execution',
      tag,
      summary: 'End an execution',
      description: `Stores the metrics. If the run succeeded, the pipeline's watermark becomes this execution's \`next_watermark\`, and its \`load_lineage\` becomes false. If the pipeline also has an active rule, Watcher looks for anomalies in the background. Safe to retry: ending it again with the same outcome changes nothing.`,
      body: executionEnd,
      answers: { 204: { description: 'The execution has ended.' } },
      errors: ['pipeline_execution_not_found', 'execution_already_ended', 'end_before_start'],
    },
    async ({ body }, { db, now, settings, sendAfterwards }) => {
      const { jobIds, warning } = await endExecution(db, body, tellsOthers(settings), now)
      sendAfterwards(jobIds)
      return { status: 204, ...(warning === undefined ? {} : { headers: warningHeader([warning]) }) }
    },
  )

  serveList(router, { path: '/pipeline_execution', tag, noun: 'execution', answer: executionAnswer }, executionFilters, listExecutions)

  serveOperation(
    router,
    {
      method: 'get',
      path: '/pipeline_execution/{id}',
      access: 'read',
      operationId: 'get_execution',
      tag,
      summary: 'Get one execution with its direct parts',
      params: () => ({ id: idText('The execution.') }),
      answers: { 200: { description: 'The execution.', schema: executionWithChildren, paged: true } },
      errors: ['pipeline_execution_not_found'],
    },
    async ({ params: { id }, url }, { db }) => {
      const found = await findExecutionWithChildren(db, id)
      if (!found) throw new ApiError('pipeline_execution_not_found', `Execution ${id} not found`)
      const { subject, openlineage, parts } = found
      const partsUrl = new URL(`/pipeline_execution?parent_id=${id}`, url).href
      // JSON as PostgreSQL writes it: `{…}` and `[…]`.
      return {
        status: 200,
        json: `${subject.slice(0, -1)},"openlineage":${openlineage},"child_executions":${parts.json}}`,
        headers: linkAfter(partsUrl, parts.next),
      }
    },
  )
}
