import { eq, sql } from 'drizzle-orm'
import { stringifyJson } from '../../core/json.ts'
import { type CreatedOrExisting, callFunction } from '../../db/call.ts'
import type { Database } from '../../db/client.ts'
import { hashConfig } from '../../db/config-hash.ts'
import { FUNCTIONS } from '../../db/functions.ts'
import { finding, listing } from '../../db/json-list.ts'
import { param, prepare } from '../../db/statement.ts'
import type { Target } from '../../http/patch.ts'
import { splitDatabaseName } from './name-parts.ts'
import type { AddressPost } from './schemas.ts'
import { address } from './table.ts'

/** create-or-get.sql describes the function's contract. */
const CREATE_OR_GET = prepare(sql`select row_to_json(r) as row from ${sql.raw(FUNCTIONS.create_or_get_address)}(p_name => ${param('name')},
  p_type_name => ${param('type_name')}, p_group_name => ${param('group_name')}, p_config => ${param('config')}, p_derived => ${param('derived')},
  p_config_hash => ${param('config_hash')}, p_now => ${param('now')}) r`)

/** Creates the address (and its type, if that is new), or applies its changed configuration. */
export const createOrGetAddress = async (db: Database, body: AddressPost, now: string) => {
  const { name, address_type_name, address_type_group_name, ...config } = body
  return callFunction<CreatedOrExisting>(db, CREATE_OR_GET, {
    name,
    type_name: address_type_name,
    group_name: address_type_group_name,
    config: stringifyJson(config),
    derived: stringifyJson(splitDatabaseName(name, address_type_group_name)),
    // Type names are case-insensitive: another case is not a changed configuration.
    config_hash: await hashConfig({
      ...config,
      address_type_name: address_type_name.toLowerCase(),
      address_type_group_name: address_type_group_name.toLowerCase(),
    }),
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
  return row && { row, jobIds: [] }
}
