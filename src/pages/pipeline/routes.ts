import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import type { Router } from '../../http/router.ts'
import { idInQuery } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { readHistory } from './history.ts'
import { PipelinePage } from './page.tsx'
import { readPipeline } from './queries.ts'
import { DAYS } from './shape.ts'

export const routes = (router: Router): void =>
  servePage(router, {
    path: '/pipelines/{id}',
    section: 'Overview',
    params: () => ({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) }),
    query: () => ({
      metric: z.enum(METRIC_FIELDS).catch('duration_seconds'),
      days: z.enum(DAYS).catch('30'),
      before: idInQuery(),
      execution: idInQuery(),
    }),
    load: async ({ params: { id }, query: { metric, days, before, execution } }, { db, now }) => {
      const details = await readPipeline(db, id, before, execution)
      if (!details) throw new ApiError('pipeline_not_found', `Pipeline ${id} not found`)
      const rule = details.rules.find(({ metric_field, active }) => metric_field === metric && active)
      return { details, rule, history: await readHistory(db, { id, metric, days: Number(days), rule }, now) }
    },
    title: ({ details }) => details.pipeline.name,
    view: PipelinePage,
    scripts: ['pipeline'],
    styles: ['pipeline'],
    refreshSeconds: 60,
  })
