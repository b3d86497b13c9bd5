import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { configuration } from '../../http/configuration.ts'
import { flagField, idField, instantAnswer, metadataField, nameField, shortText } from '../../http/fields.ts'
import { pageQuery } from '../../http/paging.ts'
import { patchBody } from '../../http/patch.ts'
import { flagText, idText, nameText } from '../../http/text-fields.ts'

/** The details of an address beside its name and type. */
const detailFields = once(() =>
  configuration(
    {
      database_name: shortText('The database. Default: taken from a name of three segments in the group `database`.', 'analytics'),
      schema_name: shortText('The schema. Default: taken from the name, as for `database_name`.', 'public'),
      table_name: shortText('The table. Default: taken from the name, as for `database_name`.', 'users'),
      primary_key: shortText('Primary key column.', 'user_id'),
      address_metadata: metadataField('Anything else about the address.'),
    },
    { deprecated: flagField('Whether the address is no longer in use. Default: false.') },
  ),
)

export const addressFields = once(() => ({
  address_type_name: nameField('The address type. It is created if it is new.', 'postgresql'),
  address_type_group_name: nameField('The group of the address type. An existing type keeps its group.', 'database'),
  ...detailFields().post,
}))

export const addressNameField = once(() => nameField('The path or URL of the data. Unique, case-sensitive.', 'analytics.public.users'))

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
  name: nameText('Only the address with this name (case-sensitive).').optional(),
  address_type_id: idText('Only addresses of this type.').optional(),
  deprecated: flagText('true: only deprecated addresses; false: only the others.').optional(),
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
        .openapi({ description: 'SHA-256 of the last posted configuration; null if the address comes from lineage only.' }),
      created_at: instantAnswer(),
      updated_at: instantAnswer().nullable(),
    })
    .openapi('Address'),
)
