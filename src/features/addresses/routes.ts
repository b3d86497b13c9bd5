import { idAnswer } from '../../http/fields.ts'
import { handleList, handleOne, handlePatch, type PatchableResource } from '../../http/resource.ts'
import { handle, type Router } from '../../http/router.ts'
import type { Feature } from '../feature.ts'
import { createOrGetAddress, findAddress, listAddresses, updateAddress } from './queries.ts'
import { addressAnswer, addressFilters, addressPatch, addressPost } from './schemas.ts'

const resource: PatchableResource = {
  path: '/address',
  tag: 'Addresses',
  noun: 'address',
  answer: addressAnswer,
  notFound: 'address_not_found',
  patchErrors: ['name_taken', 'unknown_reference'],
  patchDescription: 'null clears a field that may be null.',
}

const routes = (router: Router): void => {
  handle(
    router,
    {
      method: 'post',
      path: resource.path,
      tag: resource.tag,
      summary: 'Create or get an address',
      description:
        'An address is where data lives: a table, a bucket path, an API endpoint, a topic. Configuration as code, as for `POST /pipeline`. A new address of the group `database` whose name has three dot-separated parts gets its database, schema and table from them.',
      body: addressPost,
      answers: { 200: { description: 'It existed.', schema: idAnswer }, 201: { description: 'It was created.', schema: idAnswer } },
    },
    async ({ body }, { db, now }) => {
      const { was_created, id } = await createOrGetAddress(db, body, now)
      return { status: was_created ? 201 : 200, body: { id } }
    },
  )
  handleList(router, resource, addressFilters, listAddresses)
  handleOne(router, resource, findAddress)
  handlePatch(router, resource, addressPatch, updateAddress)
}

export const addresses: Feature = { routes }
