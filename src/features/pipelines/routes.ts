import { type PatchableResource, serveList, serveOne, servePatch } from '../../http/resource.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { createOrGetPipeline, findPipeline, listPipelines, updatePipeline } from './queries.ts'
import { pipelineAnswer, pipelineFilters, pipelinePatch, pipelinePost, pipelinePostAnswer, pipelineWithEffective } from './schemas.ts'

const resource: PatchableResource = {
  path: '/pipeline',
  tag: 'Pipelines',
  noun: 'pipeline',
  answer: pipelineAnswer,
  notFound: 'pipeline_not_found',
  patchErrors: ['name_taken', 'unknown_reference'],
  patchDescription: 'null clears a nullable field. `pipeline_id` is another spelling of `id`.',
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
      description: `Call it at the start of every run. The answer says whether the pipeline is active, whether to post its lineage, and the watermark to start from.

Configuration as code: the fields in the body are compared with those of the last call, and written only if they differ. So a \`PATCH\` by hand survives until the configuration in the code changes. null counts as absent. \`next_watermark\` is stored whenever given.`,
      body: pipelinePost,
      answers: {
        200: { description: 'The pipeline existed.', schema: pipelinePostAnswer },
        201: { description: 'The pipeline was created.', schema: pipelinePostAnswer },
      },
    },
    async ({ body }, { db, now, settings, sendAfterwards }) => {
      const { outcome, job_ids, ...answer } = await createOrGetPipeline(db, body, settings.WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES, now)
      if (job_ids !== null) sendAfterwards(job_ids)
      return { status: outcome === 'created' ? 201 : 200, body: answer }
    },
  )

  serveList(router, resource, pipelineFilters, listPipelines)
  serveOne(router, resource, findPipeline, pipelineWithEffective)
  servePatch(router, resource, pipelinePatch, updatePipeline)
}
