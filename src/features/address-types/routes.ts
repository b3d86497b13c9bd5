import { idAnswer } from '../../http/fields.ts'
import { handleList, handleOne, handlePatch, type PatchableResource } from '../../http/resource.ts'
import { handle, type Router } from '../../http/router.ts'
import type { Feature } from '../feature.ts'
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

const routes = (router: Router): void => {
  handle(
    router,
    {
      method: 'post',
      path: resource.path,
      tag: resource.tag,
      summary: 'Create or get an address type',
      description: 'Where a type of that name exists, its group stays as it is; `PATCH` changes it.',
      body: addressTypePost,
      answers: { 200: { description: 'It existed.', schema: idAnswer }, 201: { description: 'It was created.', schema: idAnswer } },
    },
    async ({ body }, { db, now }) => {
      const { was_created, id } = await createOrGetAddressType(db, body, now)
      return { status: was_created ? 201 : 200, body: { id } }
    },
  )
  handleList(router, resource, addressTypeFilters, listAddressTypes)
  handleOne(router, resource, findAddressType)
  handlePatch(router, resource, addressTypePatch, updateAddressType)
}

export const addressTypes: Feature = { routes }
