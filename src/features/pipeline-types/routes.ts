import { idAnswer } from '../../http/fields.ts'
import { handleList, handleOne, handlePatch, type PatchableResource } from '../../http/resource.ts'
import { handle, type Router } from '../../http/router.ts'
import type { Feature } from '../feature.ts'
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

const routes = (router: Router): void => {
  handle(
    router,
    {
      method: 'post',
      path: resource.path,
      tag: resource.tag,
      summary: 'Create or get a pipeline type',
      description:
        'Its freshness and timeliness rules hold for every pipeline of the type that has none of its own. Configuration as code, as for `POST /pipeline`.',
      body: pipelineTypePost,
      answers: { 200: { description: 'It existed.', schema: idAnswer }, 201: { description: 'It was created.', schema: idAnswer } },
    },
    async ({ body }, { db, now }) => {
      const { was_created, id } = await createOrGetPipelineType(db, body, now)
      return { status: was_created ? 201 : 200, body: { id } }
    },
  )
  handleList(router, resource, pipelineTypeFilters, listPipelineTypes)
  handleOne(router, resource, findPipelineType)
  handlePatch(router, resource, pipelineTypePatch, updatePipelineType)
}

export const pipelineTypes: Feature = { routes }
