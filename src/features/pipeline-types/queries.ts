import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { configure, hashConfig } from '../../db/config-as-code.ts'
import { finding, listing } from '../../db/json-list.ts'
import { truth, whole } from '../../db/rows.ts'
import { param } from '../../db/statement.ts'
import type { Target } from '../../http/patch.ts'
import type { PipelineTypePost } from './schemas.ts'
import { pipelineType } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

const configureType = configure({
  table: pipelineType,
  matches: sql`lower(name) = lower(${param('name')})`,
  answer: ['id'],
  row: z.object({ was_created: truth, id: whole }),
})

/** Creates the type or applies its changed configuration. */
export const createOrGetPipelineType = async (db: Database, { name, ...config }: PipelineTypePost, now: string) =>
  configureType(db, { initial: { name }, config, hash: await hashConfig(config), now })

/** A page of types in the order of their ids. */
export const listPipelineTypes = listing<{ name?: string }>({
  table: pipelineType,
  conditions: { name: sql`lower(${pipelineType.name}) = lower(${param('name')})` },
})

export const findPipelineType = finding(pipelineType)

/** Writes the given columns; undefined if there is no such type. */
export const updatePipelineType = async (db: Database, target: Target, changes: Partial<typeof pipelineType.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(pipelineType)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(pipelineType.id, target.id) : named(target.name))
    .returning()
  return row
}
