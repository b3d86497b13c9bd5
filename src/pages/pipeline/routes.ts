import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { METRIC_FIELDS } from '../../db/constraints.ts'
import type { Router } from '../../http/router.ts'
import { idInQuery, typedId } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { PipelinePage } from './page.tsx'
import { readPipeline } from './queries.ts'
import { DAYS } from './shape.ts'

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
    load: async ({ params: { id }, query }, { db, now }) => {
      const loaded = await readPipeline(db, id, query, now)
      if (!loaded) throw new ApiError('pipeline_not_found', `Pipeline ${id} not found`)
      return loaded
    },
    above: () => [{ name: 'Pipelines', path: '/pipelines' }],
    title: ({ details }) => details.pipeline.name,
    view: PipelinePage,
    scripts: ['pipeline'],
    styles: ['pipeline'],
    refreshSeconds: 60,
  })
