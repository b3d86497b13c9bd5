import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { stringifyJson } from '../../core/json.ts'
import type { Database } from '../../db/client.ts'
import { configure, hashConfig } from '../../db/config-as-code.ts'
import { finding, listing } from '../../db/json-list.ts'
import { truth, whole } from '../../db/rows.ts'
import { param } from '../../db/statement.ts'
import type { Target } from '../../http/patch.ts'
import { addressType } from '../address-types/table.ts'
import { addressLineageClosure } from '../lineage/table.ts'
import { splitDatabaseName } from './name-parts.ts'
import type { AddressPost } from './schemas.ts'
import { address } from './table.ts'

const configureAddress = configure({
  table: address,
  matches: sql`name = ${param('name')}`,
  references: {
    ctes: [
      sql`type_found as (select id from ${addressType} where lower(name) = lower(${param('address_type_name')}))`,
      sql`type_created as (
        insert into ${addressType} (name, group_name, created_at)
        select ${param('address_type_name')}, ${param('address_type_group_name')}, ${param('now')}::timestamptz
        where not exists (select from type_found) and not exists (select from found where config_hash = ${param('config_hash')})
        on conflict do nothing
        returning id)`,
      sql`type as (select id from type_found union all select id from type_created)`,
    ],
    ready: sql`exists (select from type)`,
    columns: { address_type_id: sql`(select id from type)` },
  },
  // The closure holds a pair of every address with itself (see lineage).
  afterwards: [
    sql`self_pair as (insert into ${addressLineageClosure} (source_address_id, target_address_id, depth) select r.id, r.id, 0 from created r)`,
  ],
  answer: ['id'],
  row: z.object({ was_created: truth, id: whole }),
})

/** Creates the address (and its type, if that is new), or applies its changed configuration. */
export const createOrGetAddress = async (db: Database, body: AddressPost, now: string) => {
  const { name, address_type_name, address_type_group_name, address_metadata, ...columns } = body
  const hash = await hashConfig({
    ...columns,
    address_metadata,
    address_type_name: address_type_name.toLowerCase(),
    address_type_group_name: address_type_group_name.toLowerCase(),
  })
  const derived = Object.entries(splitDatabaseName(name, address_type_group_name)).filter(
    ([column]) => columns[column as 'table_name'] === undefined,
  )
  return configureAddress(db, {
    initial: { name, ...Object.fromEntries(derived) },
    config: { ...columns, address_metadata: address_metadata && stringifyJson(address_metadata) },
    values: { address_type_name, address_type_group_name },
    hash,
    now,
  })
}

/** A page of addresses in the order of their ids. */
export const listAddresses = listing<{ name?: string; address_type_id?: number; deprecated?: boolean }>({
  table: address,
  conditions: {
    name: sql`${address.name} = ${param('name')}`,
    address_type_id: sql`${address.address_type_id} = ${param('address_type_id')}`,
    deprecated: sql`${address.deprecated} = ${param('deprecated')}`,
  },
})

export const findAddress = finding(address)

/** Writes the given columns; undefined if there is no such address. */
export const updateAddress = async (db: Database, target: Target, changes: Partial<typeof address.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(address)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(address.id, target.id) : eq(address.name, target.name))
    .returning()
  return row
}
