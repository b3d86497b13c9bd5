import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { configuration } from '../../http/configuration.ts'
import { flagField, idField, instantAnswer, metadataField, nameField, shortText } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { flagText, idText, nameText } from '../../http/text-fields.ts'

/** What an address may say of itself beside its name and type. */
const detailFields = once(() =>
  configuration(
    {
      database_name: shortText('Database; filled from a three-part name of the group `database`.', 'analytics'),
      schema_name: shortText('Schema; likewise.', 'public'),
      table_name: shortText('Table; likewise.', 'users'),
      primary_key: shortText('Primary key column.', 'user_id'),
      address_metadata: metadataField('Anything else about the address.'),
    },
    { deprecated: flagField('No longer in use. Initially false.') },
  ),
)

export const addressFields = once(() => ({
  address_type_name: nameField('Created where it is new.', 'postgresql'),
  address_type_group_name: nameField('Group of the type, where the type is new.', 'database'),
  ...detailFields().post,
}))

export const addressNameField = once(() =>
  nameField('The path or URL one would use to reach the data. Unique exactly, case included.', 'analytics.public.users'),
)

export const addressPost = once(() => z.object({ name: addressNameField(), ...addressFields() }).openapi('AddressPost'))

export type AddressPost = z.output<ReturnType<typeof addressPost>>

export const addressPatch = once(() =>
  patchBody('address', {
    address_type_id: idField('The address type.').optional(),
    ...detailFields().patch,
  }).openapi('AddressPatch'),
)

export const addressFilters = once(() => ({
  ...pageQuery(),
  name: nameText('Only the address of exactly this name.').optional(),
  address_type_id: idText('Only addresses of this type.').optional(),
  deprecated: flagText('Only deprecated, or only other addresses.').optional(),
}))

export const addressAnswer = once(() =>
  z
    .object({
      id: z.int(),
      name: z.string().openapi({ example: 'analytics.public.users' }),
      address_type_id: z.int(),
      database_name: z.string().nullable(),
      schema_name: z.string().nullable(),
      table_name: z.string().nullable(),
      primary_key: z.string().nullable(),
      deprecated: z.boolean(),
      address_metadata: z.record(z.string(), z.unknown()).nullable(),
      config_hash: z
        .string()
        .nullable()
        .openapi({ description: 'SHA-256 of the configuration posted last; null for an address that only lineage has named.' }),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('Address'),
)
