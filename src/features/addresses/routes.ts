import { type PatchableResource, serveCreateOrGet, serveList, serveOne, servePatch } from '../../http/resource.ts'
import type { Router } from '../../http/router.ts'
import { createOrGetAddress, findAddress, listAddresses, updateAddress } from './queries.ts'
import { addressAnswer, addressFilters, addressPatch, addressPost } from './schemas.ts'

const resource: PatchableResource = {
  path: '/address',
  tag: 'Addresses',
  noun: 'address',
  answer: addressAnswer,
  notFound: 'address_not_found',
  patchErrors: ['name_taken', 'unknown_reference'],
  patchDescription: 'null clears a nullable field.',
}

export const routes = (router: Router): void => {
  serveCreateOrGet(
    router,
    resource,
    {
      body: addressPost,
      description:
        'An address is where data lives: a table, a bucket path, an API endpoint, a topic. Configuration as code, as for `POST /pipeline`. A new address of the group `database` with a name of three dot-separated segments gets its database, schema and table from the name.',
    },
    createOrGetAddress,
  )
  serveList(router, resource, addressFilters, listAddresses)
  serveOne(router, resource, findAddress)
  servePatch(router, resource, addressPatch, updateAddress)
}
