import { ApiError } from '../../core/errors.ts'
import { givenIn } from '../../core/given.ts'
import { type PatchableResource, serveCreateOrGet, serveList, serveOne, servePatch } from '../../http/resource.ts'
import { type Router, serveOperation } from '../../http/router.ts'
import { idText } from '../../http/text-fields.ts'
import { detectAnomalies } from './detection.ts'
import { LEVEL_RUNS } from './level.ts'
import { previewRule } from './preview.ts'
import { acceptLevel, createOrGetRule, deleteResults, findRule, listResults, listRules, updateRule } from './queries.ts'
import { recordAnomalies } from './record.ts'
import { detectionAnswer, detectionQuery, resultAnswer, resultFilters, unflagPost } from './result-schemas.ts'
import { acceptedAnswer, previewAnswer, previewPost, ruleAnswer, ruleFilters, rulePatch, rulePost } from './schemas.ts'

const tag = 'Anomaly detection'

const resource: PatchableResource = {
  path: '/anomaly_detection_rule',
  tag,
  noun: 'anomaly detection rule',
  answer: ruleAnswer,
  notFound: 'anomaly_detection_rule_not_found',
  patchErrors: ['rule_taken', 'rule_has_results', 'unknown_reference'],
  patchDescription: 'A rule that has flagged an anomaly keeps its pipeline and metric.',
}

export const routes = (router: Router): void => {
  serveCreateOrGet(
    router,
    resource,
    {
      body: rulePost,
      description: 'A pipeline has one rule per metric. An existing rule stays as it is; `PATCH` changes it.',
      errors: ['unknown_reference'],
    },
    createOrGetRule,
  )
  serveList(router, resource, ruleFilters, listRules)
  serveOne(router, resource, findRule)
  servePatch(router, resource, rulePatch, updateRule)
  serveAcceptLevel(router)
  servePreview(router)
  serveDetect(router)
  serveList(router, { path: '/anomaly_detection_result', tag, noun: 'anomaly', answer: resultAnswer }, resultFilters, listResults)
  serveUnflag(router)
}

const unknownRule = (id: number | undefined) => new ApiError('anomaly_detection_rule_not_found', `Anomaly detection rule ${id} not found`)

const serveAcceptLevel = (router: Router): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/anomaly_detection_rule/{id}/accept_level',
      access: 'write',
      operationId: 'accept_level',
      tag,
      summary: 'Accept the new level of a metric',
      description:
        'For a lasting change: when the last runs, at least five, are all anomalies on one side. Runs before the first of them do not count any more, and these anomalies are withdrawn.',
      params: () => ({ id: idText('The rule.') }),
      answers: { 200: { description: 'The level is accepted.', schema: acceptedAnswer } },
      errors: ['anomaly_detection_rule_not_found', 'level_not_new'],
    },
    async ({ params: { id } }, { db, now, caller, sendAfterwards }) => {
      const { outcome, baselineFrom, withdrawn, jobIds } = await acceptLevel(db, id, caller, now)
      if (outcome === 'unknown') throw unknownRule(id)
      if (outcome === 'not new' || baselineFrom === null) {
        throw new ApiError('level_not_new', `The last ${LEVEL_RUNS} runs that rule ${id} has judged are not all anomalies on one side`)
      }
      sendAfterwards(jobIds)
      return { status: 200, body: { baseline_from: baselineFrom, withdrawn } }
    },
  )

const servePreview = (router: Router): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/anomaly_detection_rule/preview',
      access: 'read',
      operationId: 'preview_rule',
      tag,
      summary: 'Try a rule on past runs',
      description:
        'What a rule would have flagged among the newest runs, at most 2,000, in the order of their end: with its own flags, and the same function as detection. Nothing is written.',
      body: previewPost,
      answers: { 200: { description: 'What it would have flagged.', schema: previewAnswer } },
      errors: ['pipeline_not_found', 'anomaly_detection_rule_not_found'],
    },
    async ({ body: { id, pipeline_id, days = 30, active: _active, accept_level_after: _after, baseline_from, ...given } }, { db, now }) => {
      const changes = {
        ...givenIn(given),
        ...(baseline_from === undefined ? {} : { baseline_from: Date.parse(baseline_from) / 1000 }),
      }
      const preview = await previewRule(db, { rule_id: id ?? null, pipeline_id: pipeline_id ?? null, changes, days }, now)
      if (!preview) throw id === undefined ? new ApiError('pipeline_not_found', `Pipeline ${pipeline_id} not found`) : unknownRule(id)
      return { status: 200, body: preview }
    },
  )

/** Takes two round trips if something is found: TypeScript decides between them (verdict.ts). */
const serveDetect = (router: Router): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/anomaly_detection/detect/{pipeline_id}',
      access: 'write',
      operationId: 'detect_anomalies',
      tag,
      summary: 'Detect anomalies now',
      description:
        'Judges one execution by the active rules of its pipeline. Watcher does the same after each successful execution. Safe to repeat: each anomaly is flagged and alerted once.',
      params: () => ({ pipeline_id: idText('The pipeline.') }),
      query: detectionQuery,
      answers: { 200: { description: 'The anomalies of the execution.', schema: detectionAnswer } },
      errors: ['pipeline_not_found', 'pipeline_execution_not_found'],
    },
    async ({ params: { pipeline_id }, query: { pipeline_execution_id } }, { db, now, sendAfterwards }) => {
      const detection = await detectAnomalies(db, pipeline_id, pipeline_execution_id ?? null)
      if (!detection) throw new ApiError('pipeline_not_found', `Pipeline ${pipeline_id} not found`)
      const { executionId, succeeded, rulesEvaluated, anomalies } = detection
      if (executionId === null) {
        const missing = pipeline_execution_id
          ? `Pipeline ${pipeline_id} has no execution ${pipeline_execution_id}`
          : `Pipeline ${pipeline_id} has no successful execution yet`
        throw new ApiError('pipeline_execution_not_found', missing)
      }
      if (!succeeded) {
        const msg = `Execution ${executionId} has not succeeded: only a successful execution can be judged`
        throw new ApiError('validation_failed', msg, {
          issues: [{ loc: ['query', 'pipeline_execution_id'], msg, type: 'validation_failed' }],
        })
      }
      const { results, jobIds } = anomalies.length > 0 ? await recordAnomalies(db, detection, now) : { results: [], jobIds: [] }
      sendAfterwards(jobIds)
      return {
        status: 200,
        body: { pipeline_id, pipeline_execution_id: executionId, rules_evaluated: rulesEvaluated, anomalies: results },
      }
    },
  )

const serveUnflag = (router: Router): void =>
  serveOperation(
    router,
    {
      method: 'post',
      path: '/unflag_anomaly',
      access: 'write',
      operationId: 'unflag_anomaly',
      tag,
      summary: 'Unflag an execution whose load was normal',
      description: 'Deletes the flags of these metrics. The execution counts in baselines again.',
      body: unflagPost,
      answers: { 204: { description: 'The flags are deleted.' } },
      errors: ['anomaly_not_flagged'],
    },
    async ({ body: { pipeline_id, pipeline_execution_id: execution_id, metric_field: metrics } }, { db, now, caller, sendAfterwards }) => {
      const { count, jobIds } = await deleteResults(db, { pipeline_id, execution_id, metrics }, caller, now)
      if (count === 0) {
        throw new ApiError(
          'anomaly_not_flagged',
          `Execution ${execution_id} of pipeline ${pipeline_id} is not flagged for ${metrics.join(', ')}`,
        )
      }
      sendAfterwards(jobIds)
      return { status: 204 }
    },
  )
