import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { bodyFault } from '../core/errors.ts'
import { parseJson, stringifyJson } from '../core/json.ts'
import type { Database } from '../db/client.ts'
import { columnReader } from '../db/json-list.ts'
import { param, prepare } from '../db/statement.ts'
import { pipelineType } from '../features/pipeline-types/table.ts'
import type { Target } from '../http/patch.ts'
import { answeredOfChannel } from './queries.ts'
import { channel } from './table.ts'

type NewChannel = typeof channel.$inferInsert

const { id: _identity, ...given } = getTableColumns(channel)

/** True if one of the ids is that of no pipeline type: a list of ids cannot have a foreign key. False for null. */
const hasUnknownType = (ids: SQL): SQL<boolean> => sql<boolean>`exists (
  select from unnest(${ids}) as given(id) where not exists (select from ${pipelineType} t where t.id = given.id))`

const unknownType = () =>
  bodyFault('unknown_reference', 'pipeline_type_ids', 'pipeline_type_ids: there is no pipeline type with one of these ids')

const COLUMNS = sql.join(
  Object.values(given).map(({ name }) => sql.identifier(name)),
  sql`, `,
)

const CREATE = prepare(sql`
  with created as (
    insert into ${channel} (${COLUMNS}) select ${COLUMNS} from jsonb_populate_record(null::${channel}, ${param('row')}::jsonb)
    where not ${hasUnknownType(sql`pipeline_type_ids`)}
    returning *)
  select row_to_json(created) as row from created`)

const readColumns = columnReader(answeredOfChannel)

/** Stores a channel. Throws ApiError `name_taken`, or `unknown_reference` for a pipeline type that does not exist. */
export const createChannel = async (db: Database, fields: NewChannel) => {
  const read = ({ row }: Record<string, unknown>) => readColumns(parseJson(row as string) as Record<string, unknown>)
  const row = stringifyJson({ active: true, send_resolved: true, ...fields })
  const [created] = await db.read(CREATE, read, { row })
  if (!created) throw unknownType()
  return created
}

/**
 * Writes the given columns. `kind`, if given, must be the channel's. Returns the row; or `other_kind`; or undefined if there is no
 * such channel. Throws ApiError `name_taken`, or `unknown_reference` for a pipeline type that does not exist.
 */
export const updateChannel = async (db: Database, target: Target, changes: Partial<NewChannel>, now: string) => {
  const { kind, ...columns } = changes
  const isOther = kind === undefined ? sql<boolean>`false` : sql<boolean>`${channel.kind} <> ${kind}`
  const isUnknown = hasUnknownType(sql`${sql.param(changes.pipeline_type_ids ?? null, channel.pipeline_type_ids)}::bigint[]`)
  const columnsOr = Object.fromEntries(
    Object.entries({ ...columns, updated_at: now }).map(([name, value]) => {
      const column = channel[name as keyof typeof columns]
      return [name, sql`case when ${isOther} or ${isUnknown} then ${column} else ${sql.param(value, column)} end`]
    }),
  )
  const [row] = await db.orm
    .update(channel)
    .set(columnsOr)
    .where('id' in target ? eq(channel.id, target.id) : sql`lower(${channel.name}) = lower(${target.name})`)
    .returning({ ...answeredOfChannel, is_other: isOther, is_unknown: isUnknown })
  if (!row) return undefined
  const { is_other, is_unknown, ...changed } = row
  if (is_other) return 'other_kind'
  if (is_unknown) throw unknownType()
  return changed
}
