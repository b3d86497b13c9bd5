import { handleCreateOrGet, handleList, handleOne, handlePatch, type PatchableResource } from '../../http/resource.ts'
import type { Router } from '../../http/router.ts'
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
  handleCreateOrGet(
    router,
    resource,
    {
      body: rulePost,
      description: 'One rule per pipeline and metric. Where there is one already it stays as it is; `PATCH` changes it.',
      errors: ['unknown_reference'],
    },
    createOrGetRule,
  )
  handleList(router, resource, ruleFilters, listRules)
  handleOne(router, resource, findRule)
  handlePatch(router, resource, rulePatch, updateRule)
}

export const anomalies: Feature = { routes }
