import { z } from '@hono/zod-openapi'
import { ApiError } from '../../core/errors.ts'
import { nextLink } from '../../http/paging.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { listPairs, replacePipelineLineage } from './queries.ts'
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
      description: `Every source feeds every target. New addresses and address types are created. The edges of other pipelines stay; several pipelines may own the same edge. When the answer arrives, reads see the change.

If the pipeline's \`load_lineage\` is false, nothing changes. Post the lineage when \`POST /pipeline\` answers \`load_lineage: true\`.`,
      body: lineagePost,
      answers: {
        200: { description: '`load_lineage` is false: nothing changed.', schema: lineagePostAnswer },
        201: { description: 'The lineage is replaced.', schema: lineagePostAnswer },
      },
      errors: ['pipeline_not_found'],
    },
    async ({ body }, { db, now }) => {
      const { pipeline_id } = body
      const replaced = await replacePipelineLineage(db, body, now)
      if (!replaced) throw new ApiError('pipeline_not_found', `Pipeline ${pipeline_id} not found`)
      const count = replaced.relationships ?? 0
      const message = replaced.load_lineage
        ? `Lineage of pipeline ${pipeline_id} has ${count} relationship${count === 1 ? '' : 's'}`
        : `The lineage was not changed: load_lineage is false for pipeline ${pipeline_id}`
      return { status: replaced.load_lineage ? 201 : 200, body: { pipeline_id, lineage_relationships_created: count, message } }
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
      description: 'Pairs with the address at either end, nearest first.',
      params: lineageParams,
      query: lineageQuery,
      answers: { 200: { description: 'The pairs, nearest first.', schema: () => z.array(lineageAnswer()), paged: true } },
      errors: ['address_not_found'],
    },
    async ({ params: { address_id }, query, url }, { db }) => {
      const rows = await listPairs(db, address_id, query)
      if (!rows) throw new ApiError('address_not_found', `Address ${address_id} not found`)
      const more = rows.length > query.limit
      return { status: 200, body: rows.slice(0, query.limit), headers: more ? nextLink(url, { offset: query.offset + query.limit }) : {} }
    },
  )
}
