import { sql } from 'drizzle-orm'
import { pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { createdAt, id, instant } from '../../db/columns.ts'
import { lengthBetween } from '../../db/constraints.ts'

export const addressType = pgTable(
  'address_type',
  {
    id: id(),
    name: text().notNull(),
    group_name: text().notNull(),
    created_at: createdAt(),
    updated_at: instant(),
  },
  (table) => [
    // POST /address, /address_type and /address_lineage look up the name. It also makes names unique, case-insensitively.
    uniqueIndex('address_type_name_unique').on(sql`lower(${table.name})`),
    lengthBetween('address_type_name_length', table.name, 1, 150),
    lengthBetween('address_type_group_name_length', table.group_name, 1, 150),
  ],
)
