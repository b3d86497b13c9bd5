import { type PatchableResource, serveList, serveOne, servePatch } from '../../http/resource.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { createOrGetPipeline, findPipeline, listPipelines, updatePipeline } from './queries.ts'
import { pipelineAnswer, pipelineFilters, pipelinePatch, pipelinePost, pipelinePostAnswer } from './schemas.ts'

const resource: PatchableResource = {
  path: '/pipeline',
  tag: 'Pipelines',
  noun: 'pipeline',
  answer: pipelineAnswer,
  notFound: 'pipeline_not_found',
  patchErrors: ['name_taken', 'unknown_reference'],
  patchDescription: 'null clears a field that may be null. `pipeline_id` is another spelling of `id`.',
}

export const routes = (router: Router): void => {
  serveOperation(
    router,
    {
      method: 'post',
      path: resource.path,
      access: 'write',
      operationId: 'create_or_get_pipeline',
      tag: resource.tag,
      summary: 'Create or get a pipeline',
      description: `Call it at the start of every run. It tells whether the pipeline is active, whether to post its lineage, and the watermark to start from.

Configuration as code: the fields in the body are compared with those of the last such call; only where they differ are they written, so that a \`PATCH\` by hand survives until the code's own configuration changes. null counts as absent. \`next_watermark\` is stored whenever given.`,
      body: pipelinePost,
      answers: {
        200: { description: 'It existed.', schema: pipelinePostAnswer },
        201: { description: 'It was created.', schema: pipelinePostAnswer },
      },
    },
    async ({ body }, { db, now, settings }) => {
      const { outcome, ...answer } = await createOrGetPipeline(db, body, settings.WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES, now)
      return { status: outcome === 'created' ? 201 : 200, body: answer }
    },
  )

  serveList(router, resource, pipelineFilters, listPipelines)
  serveOne(router, resource, findPipeline)
  servePatch(router, resource, pipelinePatch, updatePipeline)
}
