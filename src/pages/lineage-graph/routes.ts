import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { type Router, serveData } from '../../http/router.ts'
import { idInQuery, searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { LineagePage } from './page.tsx'
import { type CountedGraph, DIRECTIONS, findAddresses, readGraph } from './queries.ts'

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/lineage-graph',
    section: 'Lineage',
    query: () => ({
      address: idInQuery(),
      search: searchText(),
      direction: z.enum(DIRECTIONS).catch('both'),
      depth: z.coerce.number().int().min(1).max(50).catch(3),
      target: searchText(),
    }),
    load: async ({ query: { address, search, direction, depth, target } }, { db, now }) => {
      const found = address === undefined ? await findAddresses(db, search) : []
      const id = address ?? found.find(({ name }) => name === search)?.id
      const graph: CountedGraph | undefined =
        id === undefined ? undefined : await readGraph(db, { id, direction, maxDepth: depth, search: target }, now)
      if (address !== undefined && !graph) throw new ApiError('address_not_found', `Address ${address} not found`)
      return { found, graph }
    },
    title: ({ graph }) => (graph ? `Lineage of ${graph.addresses[0]?.name}` : 'Lineage'),
    view: LineagePage,
    scripts: ['lineage-graph'],
    styles: ['lineage-graph'],
  })

  // Completes the search field of the page; not a part of the API.
  serveData(router, { path: '/lineage-graph/addresses', query: () => ({ search: searchText() }) }, async ({ query }, { db }) => ({
    status: 200,
    body: await findAddresses(db, query.search),
  }))
}
