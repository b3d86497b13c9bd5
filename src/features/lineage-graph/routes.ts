import { z } from 'zod'
import { ApiError } from '../../core/errors.ts'
import { stringifyJson } from '../../core/json.ts'
import type { Router } from '../../http/router.ts'
import { idInQuery, searchText } from '../../pages/fields.ts'
import { servePage } from '../../pages/page.tsx'
import type { Feature } from '../feature.ts'
import { LineagePage } from './page.tsx'
import { DIRECTIONS, findAddresses, type Graph, readGraph } from './queries.ts'

const routes = (router: Router): void => {
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
      const graph: Graph | undefined =
        id === undefined ? undefined : await readGraph(db, { id, direction, maxDepth: depth, search: target }, now)
      if (address !== undefined && !graph) throw new ApiError('address_not_found', `Address ${address} not found`)
      return { found, graph }
    },
    title: ({ graph }) => (graph ? `Lineage of ${graph.addresses[0]?.name}` : 'Lineage'),
    view: LineagePage,
    scripts: ['lineage'],
  })

  // For the completion of the search field; nothing that a client of the API needs.
  router.get('/lineage-graph/addresses', async (context) => {
    const search = searchText().parse(context.req.query('search'))
    const found = await findAddresses(context.get('scope').db, search)
    return new Response(stringifyJson(found), { headers: { 'Content-Type': 'application/json' } })
  })
}

export const lineageGraph: Feature = { routes }
