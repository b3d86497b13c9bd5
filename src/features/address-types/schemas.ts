import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { instantAnswer, nameField } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { nameText } from '../../http/text-fields.ts'

const groupName = once(() => nameField('The kind of system: database, warehouse, bucket, api, file, stream.', 'database'))

export const addressTypePost = once(() =>
  z.object({ name: nameField('Unique, case-insensitive.', 'postgresql'), group_name: groupName() }).openapi('AddressTypePost'),
)

export type AddressTypePost = z.output<ReturnType<typeof addressTypePost>>

export const addressTypePatch = once(() => patchBody('address type', { group_name: groupName().optional() }).openapi('AddressTypePatch'))

export const addressTypeFilters = once(() => ({
  ...pageQuery(),
  name: nameText('Only the type with this name (case-insensitive).').optional(),
}))

export const addressTypeAnswer = once(() =>
  z
    .object({
      id: z.int(),
      name: z.string().openapi({ example: 'postgresql' }),
      group_name: z.string().openapi({ example: 'database' }),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('AddressType'),
)
