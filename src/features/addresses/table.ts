import { index, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, flag, id, instant, jsonObject, reference } from '../../db/columns.ts'
import { lengthBetween } from '../../db/constraints.ts'
import { addressType } from '../address-types/table.ts'

export const address = pgTable(
  'address',
  {
    id: id(),
    name: text().notNull(),
    address_type_id: reference(() => addressType.id).notNull(),
    database_name: text(),
    schema_name: text(),
    table_name: text(),
    primary_key: text(),
    deprecated: flag(false),
    address_metadata: jsonObject(),
    config_hash: text(),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // POST /address and /address_lineage look up the name. It also makes names unique, case-sensitively.
    uniqueIndex('address_name_unique').on(table.name),
    // GET /address?address_type_id= pages by id within a type.
    index('address_address_type_id').on(table.address_type_id, table.id),
    lengthBetween('address_name_length', table.name, 1, 1000),
    lengthBetween('address_database_name_length', table.database_name, 0, 50),
    lengthBetween('address_schema_name_length', table.schema_name, 0, 50),
    lengthBetween('address_table_name_length', table.table_name, 0, 50),
    lengthBetween('address_primary_key_length', table.primary_key, 0, 50),
  ],
)
