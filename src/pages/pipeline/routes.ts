import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import type { Router } from '../../http/router.ts'
import { idInQuery, typedId } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { readHistory } from './history.ts'
import { PipelinePage } from './page.tsx'
import { type PipelineDetails, readPipeline } from './queries.ts'
import { DAYS } from './shape.ts'

/** The metric that is flagged: of the chosen run, else of the newest flagged one while it is an open incident. */
const flaggedMetricOf = ({ chosen, runs, incidents }: PipelineDetails): (typeof METRIC_FIELDS)[number] | undefined =>
  chosen?.flags[0]?.metric_field ??
  (incidents.some(({ kind }) => kind === 'anomaly') ? runs.find(({ flags }) => flags.length > 0)?.flags[0]?.metric_field : undefined)

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/pipelines/{id}',
    section: 'Pipelines',
    params: () => ({ id: typedId }),
    query: () => ({
      metric: z.enum(METRIC_FIELDS).optional().catch(undefined),
      days: z.enum(DAYS).catch('30'),
      before: idInQuery(),
      execution: idInQuery(),
      parts: idInQuery(),
    }),
    load: async ({ params: { id }, query: { days, before, execution, ...query } }, { db, now }) => {
      const details = await readPipeline(db, id, before, execution, now)
      if (!details) throw new ApiError('pipeline_not_found', `Pipeline ${id} not found`)
      const metric = query.metric ?? flaggedMetricOf(details) ?? 'duration_seconds'
      const rule = details.rules.find(({ metric_field, active }) => metric_field === metric && active)
      return { details, metric, rule, history: await readHistory(db, { id, metric, days: Number(days), rule }, now) }
    },
    above: () => [{ name: 'Pipelines', path: '/pipelines' }],
    title: ({ details }) => details.pipeline.name,
    view: PipelinePage,
    scripts: ['pipeline'],
    styles: ['pipeline'],
    refreshSeconds: 60,
  })
