import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { parseInstant } from '../../core/instant.ts'
import type { Router } from '../../http/router.ts'
import { pipelinesInQuery } from '../frame/chosen.ts'
import { pageNumber, typedId, wordInQuery } from '../frame/fields.ts'
import { servePage, serveRedirect } from '../frame/page.tsx'
import { RunsPage } from './page.tsx'
import { PERIODS, rangeOf } from './period.ts'
import { PAGE_ROWS, pipelineOfRun, RUN_STATES, readRuns } from './queries.ts'

/** A moment as a browser's field writes it, without a zone: UTC. */
const momentInQuery = () =>
  z
    .string()
    .transform((text, context) => {
      const instant = parseInstant(text)
      if (instant !== null) return instant
      context.addIssue({ code: 'custom', message: 'no moment' })
      return z.NEVER
    })
    .optional()
    .catch(undefined)

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/runs',
    section: 'Runs',
    query: () => ({
      period: z.enum(PERIODS).catch('24 h'),
      from: momentInQuery(),
      to: momentInQuery(),
      ...pipelinesInQuery(),
      state: wordInQuery(RUN_STATES),
      page: pageNumber(),
    }),
    load: async ({ query }, { db, now }) => {
      const { note, ...range } = rangeOf(query, now)
      return { ...(await readRuns(db, { ...query, skipped: (query.page - 1) * PAGE_ROWS }, range)), range, note }
    },
    notes: ({ note }) => (note === undefined ? [] : [note]),
    title: () => 'Runs',
    view: RunsPage,
    styles: ['runs'],
    refreshSeconds: 30,
  })

  serveRedirect(router, {
    path: '/executions/{id}',
    params: () => ({ id: typedId }),
    to: async ({ params: { id } }, { db }) => {
      const pipelineId = await pipelineOfRun(db, id)
      if (pipelineId === undefined) throw new ApiError('pipeline_execution_not_found', `Execution ${id} not found`)
      return `/pipelines/${pipelineId}?execution=${id}`
    },
  })
}
