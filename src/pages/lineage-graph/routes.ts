import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { type Router, serveData } from '../../http/router.ts'
import { searchText } from '../frame/fields.ts'
import { servePage } from '../frame/page.tsx'
import { choose } from './chosen.ts'
import { LineagePage } from './page.tsx'
import { findAddresses, MAX_EDGES, readGraph } from './queries.ts'

const typed = () => z.string().optional()

export const routes = (router: Router): void => {
  servePage(router, {
    path: '/lineage-graph',
    section: 'Lineage',
    query: () => ({ address: typed(), search: typed(), direction: typed(), depth: typed(), target: typed() }),
    load: async ({ query }, { db, now }) => {
      const chosen = choose(query)
      const { address, search } = chosen
      if (address === undefined && search === '') return { chosen, graph: undefined, found: await findAddresses(db, '') }
      const { graph, found } = await readGraph(db, address === undefined ? { search } : { id: address }, chosen, now)
      if (address !== undefined && !graph) throw new ApiError('address_not_found', `Address ${address} not found`)
      return { chosen, graph, found }
    },
    title: ({ graph }) => (graph ? `Lineage of ${graph.addresses[0]?.name}` : 'Lineage'),
    view: LineagePage,
    scripts: ['lineage-graph'],
    styles: ['lineage-graph'],
  })

  // What another page draws of the lineage of an address; not a part of the API.
  serveData(
    router,
    {
      path: '/lineage-graph/graph',
      query: () => ({ address: typed(), search: typed(), direction: typed(), depth: typed(), target: typed() }),
    },
    async ({ query }, { db, now }) => {
      const { address, ...chosen } = choose(query)
      const { graph } = address === undefined ? { graph: undefined } : await readGraph(db, { id: address }, chosen, now)
      if (!graph) throw new ApiError('address_not_found', `Address ${query.address} not found`)
      return { status: 200, body: { addresses: graph.addresses, edges: graph.edges.slice(0, MAX_EDGES), pipelines: graph.pipelines } }
    },
  )

  // Completes the search field of the page; not a part of the API.
  serveData(router, { path: '/lineage-graph/addresses', query: () => ({ search: searchText() }) }, async ({ query }, { db }) => ({
    status: 200,
    body: await findAddresses(db, query.search),
  }))
}
