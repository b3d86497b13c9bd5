import { z } from '@hono/zod-openapi'
import { ApiError } from '../../core/errors.ts'
import { nextLink } from '../../http/paging.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { idText } from '../../http/text-fields.ts'
import { impactAnswer } from '../../incidents/impact.ts'
import { listPairs, readImpact, replacePipelineLineage } from './queries.ts'
import { lineageAnswer, lineageParams, lineagePost, lineagePostAnswer, lineageQuery } from './schemas.ts'

const tag = 'Lineage'

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: '/address_lineage',
      access: 'write',
      operationId: 'replace_lineage',
      tag,
      summary: "Replace a pipeline's lineage",
      description: `Every source feeds every target. New addresses and address types are created. The edges of other pipelines stay; several pipelines may own the same edge. When the answer 201 arrives, reads see the change. A change that concerns more than 100,000 pairs of addresses, and one that comes while another is being completed, is answered 202 with \`closure: pending\`.

If the pipeline's \`load_lineage\` is false, nothing changes. Post the lineage when \`POST /pipeline\` answers \`load_lineage: true\`.`,
      body: lineagePost,
      answers: {
        200: { description: '`load_lineage` is false: nothing changed.', schema: lineagePostAnswer },
        201: { description: 'The lineage is replaced.', schema: lineagePostAnswer },
        202: { description: 'The edges are stored; a job completes what lies upstream and downstream of them.', schema: lineagePostAnswer },
      },
      errors: ['pipeline_not_found'],
    },
    async ({ body }, { db, now, sendAfterwards }) => {
      const { pipeline_id } = body
      const replaced = await replacePipelineLineage(db, body, now)
      if (!replaced) throw new ApiError('pipeline_not_found', `Pipeline ${pipeline_id} not found`)
      const count = replaced.replaced?.relationships ?? 0
      const isPending = replaced.replaced?.closure === 'pending'
      if (replaced.replaced?.job_id !== undefined) sendAfterwards([replaced.replaced.job_id])
      const message = replaced.load_lineage
        ? `Lineage of pipeline ${pipeline_id} has ${count} relationship${count === 1 ? '' : 's'}${isPending ? '; a job completes what lies upstream and downstream' : ''}`
        : `load_lineage is false for pipeline ${pipeline_id}: nothing was changed`
      const answer = { pipeline_id, lineage_relationships_created: count, message }
      if (isPending) return { status: 202, body: { ...answer, closure: 'pending' as const } }
      return { status: replaced.load_lineage ? 201 : 200, body: answer }
    },
  )

  serveOperation(
    router,
    {
      method: 'get',
      path: '/address_lineage/{address_id}',
      access: 'read',
      operationId: 'get_address_lineage',
      tag,
      summary: 'Get everything upstream and downstream of an address',
      description:
        'Pairs with the address at either end, nearest first. The header `Watcher-Closure: pending` says that a job still completes a large change (see POST): pairs may be missing, or be too many.',
      params: lineageParams,
      query: lineageQuery,
      answers: { 200: { description: 'The pairs, nearest first.', schema: () => z.array(lineageAnswer()), paged: true } },
      errors: ['address_not_found'],
    },
    async ({ params: { address_id }, query, url }, { db }) => {
      const found = await listPairs(db, address_id, query)
      if (!found) throw new ApiError('address_not_found', `Address ${address_id} not found`)
      const { isPending, pairs } = found
      const more = pairs.length > query.limit
      const headers = {
        ...(isPending && { 'Watcher-Closure': 'pending' }),
        ...(more && nextLink(url, { offset: query.offset + query.limit })),
      }
      return { status: 200, body: pairs.slice(0, query.limit), headers }
    },
  )

  serveOperation(
    router,
    {
      method: 'get',
      path: '/address/{id}/impact',
      access: 'read',
      operationId: 'get_address_impact',
      tag,
      summary: 'Get what a fault in an address affects',
      description: 'The pipelines that read it, at any distance, and the addresses that they write: those with open incidents first.',
      params: () => ({ id: idText('The address.') }),
      answers: { 200: { description: 'What lies downstream.', schema: impactAnswer } },
      errors: ['address_not_found'],
    },
    async ({ params: { id } }, { db }) => {
      const impact = await readImpact(db, id)
      if (!impact) throw new ApiError('address_not_found', `Address ${id} not found`)
      return { status: 200, body: impact }
    },
  )
}
