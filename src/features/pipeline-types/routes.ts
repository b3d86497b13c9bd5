import { type PatchableResource, serveCreateOrGet, serveList, serveOne, servePatch } from '../../http/resource.ts'
import type { Router } from '../../http/router.ts'
import { createOrGetPipelineType, findPipelineType, listPipelineTypes, updatePipelineType } from './queries.ts'
import { pipelineTypeAnswer, pipelineTypeFilters, pipelineTypePatch, pipelineTypePost } from './schemas.ts'

const resource: PatchableResource = {
  path: '/pipeline_type',
  tag: 'Pipeline types',
  noun: 'pipeline type',
  answer: pipelineTypeAnswer,
  notFound: 'pipeline_type_not_found',
  patchErrors: ['name_taken'],
  patchDescription: 'null clears a threshold.',
}

export const routes = (router: Router): void => {
  serveCreateOrGet(
    router,
    resource,
    {
      body: pipelineTypePost,
      description:
        'Its freshness and timeliness thresholds apply to every pipeline of the type without its own threshold. Configuration as code, as for `POST /pipeline`.',
    },
    createOrGetPipelineType,
  )
  serveList(router, resource, pipelineTypeFilters, listPipelineTypes)
  serveOne(router, resource, findPipelineType)
  servePatch(router, resource, pipelineTypePatch, updatePipelineType)
}
