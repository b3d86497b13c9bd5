import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../db/client.ts'
import { finding, listing } from '../../db/json-list.ts'
import { param } from '../../db/statement.ts'
import { createdRow, untilRow } from '../../db/until-row.ts'
import type { Target } from '../../http/patch.ts'
import type { AddressTypePost } from './schemas.ts'
import { addressType } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

/** Creates the type, or finds the type of that name; an existing type keeps its group. */
export const createOrGetAddressType = (db: Database, { name, group_name }: AddressTypePost, now: string) =>
  untilRow(() =>
    db.rows(
      sql`
        with found as (select id from ${addressType} where ${named(name)}),
        created as (
          insert into ${addressType} (name, group_name, created_at)
          select ${name}, ${group_name}, ${now}::timestamptz where not exists (select from found)
          on conflict do nothing
          returning id)
        select 'created' as outcome, id from created union all select 'existing', id from found`,
      createdRow,
    ),
  )

/** A page of types in the order of their ids. */
export const listAddressTypes = listing<{ name?: string }>({
  table: addressType,
  conditions: { name: sql`lower(${addressType.name}) = lower(${param('name')})` },
})

export const findAddressType = finding(addressType)

/** Writes the given columns; undefined if there is no such type. */
export const updateAddressType = async (db: Database, target: Target, changes: Partial<typeof addressType.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(addressType)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(addressType.id, target.id) : named(target.name))
    .returning()
  return row && { row, jobIds: [] }
}
