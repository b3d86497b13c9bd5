import { type PatchableResource, serveCreateOrGet, serveList, serveOne, servePatch } from '../../http/resource.ts'
import type { Router } from '../../http/router.ts'
import { createOrGetAddressType, findAddressType, listAddressTypes, updateAddressType } from './queries.ts'
import { addressTypeAnswer, addressTypeFilters, addressTypePatch, addressTypePost } from './schemas.ts'

const resource: PatchableResource = {
  path: '/address_type',
  tag: 'Address types',
  noun: 'address type',
  answer: addressTypeAnswer,
  notFound: 'address_type_not_found',
  patchErrors: ['name_taken'],
  patchDescription: '',
}

export const routes = (router: Router): void => {
  serveCreateOrGet(
    router,
    resource,
    { body: addressTypePost, description: 'A type that exists keeps its group; `PATCH` changes it.' },
    createOrGetAddressType,
  )
  serveList(router, resource, addressTypeFilters, listAddressTypes)
  serveOne(router, resource, findAddressType)
  servePatch(router, resource, addressTypePatch, updateAddressType)
}
