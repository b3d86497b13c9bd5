import { idAnswer } from '../../http/fields.ts'
import { handleList, handleOne, handlePatch, type PatchableResource } from '../../http/resource.ts'
import { handle, type Router } from '../../http/router.ts'
import type { Feature } from '../feature.ts'
import { createOrGetRule, findRule, listRules, updateRule } from './queries.ts'
import { ruleAnswer, ruleFilters, rulePatch, rulePost } from './schemas.ts'

const resource: PatchableResource = {
  path: '/anomaly_detection_rule',
  tag: 'Anomaly detection',
  noun: 'anomaly detection rule',
  answer: ruleAnswer,
  notFound: 'anomaly_detection_rule_not_found',
  patchErrors: ['rule_taken', 'unknown_reference'],
  patchDescription: '',
}

const routes = (router: Router): void => {
  handle(
    router,
    {
      method: 'post',
      path: resource.path,
      tag: resource.tag,
      summary: 'Create or get an anomaly detection rule',
      description: 'One rule per pipeline and metric. Where there is one already it stays as it is; `PATCH` changes it.',
      body: rulePost,
      answers: { 200: { description: 'It existed.', schema: idAnswer }, 201: { description: 'It was created.', schema: idAnswer } },
      errors: ['unknown_reference'],
    },
    async ({ body }, { db, now }) => {
      const { was_created, id } = await createOrGetRule(db, body, now)
      return { status: was_created ? 201 : 200, body: { id } }
    },
  )
  handleList(router, resource, ruleFilters, listRules)
  handleOne(router, resource, findRule)
  handlePatch(router, resource, rulePatch, updateRule)
}

export const anomalies: Feature = { routes }
