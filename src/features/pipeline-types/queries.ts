import { and, eq, gt, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client.ts'
import { createOrConfigure, hashConfig } from '../../db/config-as-code.ts'
import { truth, whole } from '../../db/rows.ts'
import { type Page, rowsToRead } from '../../http/paging.ts'
import type { Target } from '../../http/patch.ts'
import type { PipelineTypePost } from './schemas.ts'
import { pipelineType } from './table.ts'

const named = (name: string) => sql`lower(name) = lower(${name})`

const createdRow = z.object({ was_created: truth, id: whole })

/** Creates the type or applies its changed configuration. */
export const createOrGetPipelineType = async (db: Database, { name, ...config }: PipelineTypePost, now: string) =>
  createOrConfigure(
    db,
    {
      table: pipelineType,
      matches: named(name),
      initial: { name: sql`${name}` },
      config: Object.fromEntries(
        Object.entries(config).map(([column, value]) => [column, value === undefined ? undefined : sql`${value}`]),
      ),
      hash: await hashConfig(config),
      now,
      answer: ['id'],
    },
    createdRow,
  )

/** A page of types in the order of their ids. */
export const listPipelineTypes = (db: Database, filters: Page & { name?: string }) =>
  db.orm
    .select()
    .from(pipelineType)
    .where(and(gt(pipelineType.id, filters.after_id), filters.name === undefined ? undefined : named(filters.name)))
    .orderBy(pipelineType.id)
    .limit(rowsToRead(filters))

export const findPipelineType = async (db: Database, id: number) =>
  (await db.orm.select().from(pipelineType).where(eq(pipelineType.id, id)))[0]

/** Writes the given columns; undefined where there is no such type. */
export const updatePipelineType = async (db: Database, target: Target, changes: Partial<typeof pipelineType.$inferInsert>, now: string) => {
  const [row] = await db.orm
    .update(pipelineType)
    .set({ ...changes, updated_at: now })
    .where('id' in target ? eq(pipelineType.id, target.id) : named(target.name))
    .returning()
  return row
}
