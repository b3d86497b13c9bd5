import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { once } from '../../core/once.ts'
import type { Database } from '../../db/client.ts'
import { effective } from '../../db/on-call.ts'
import { text } from '../../db/rows.ts'
import { param, prepare } from '../../db/statement.ts'
import { addressType } from '../../features/address-types/table.ts'
import { address } from '../../features/addresses/table.ts'
import { pipelineExecution } from '../../features/executions/table.ts'
import { pipelineType } from '../../features/pipeline-types/table.ts'
import { pipeline } from '../../features/pipelines/table.ts'
import { incident } from '../../incidents/table.ts'
import { loosePatternOf } from '../frame/fields.ts'
import { wordOf } from '../frame/problems.ts'
import type { Found } from './shape.ts'

/** Of each kind at most so many are shown. */
const MAX_OF_KIND = 6
const limit = sql.raw(String(MAX_OF_KIND))
const like = param('like')
/** Names that begin with the text come first, then the shorter ones. */
const closest = (name: SQL): SQL => sql`order by ${name} ilike ${param('begin')} desc, length(${name}), ${name} limit ${limit}`
const ROWS = { pipeline: sql.raw('p'), type: sql.raw('t') }

/** Rows of what, name, more, key. An id is found by itself; names by any part of them. */
const SEARCH = once(() =>
  prepare(sql`
  (select 'run' as what, e.id::text as name, p.name as more, e.id::text as key from ${pipelineExecution} e join ${pipeline} p on p.id = e.pipeline_id
    where e.id = ${param('id')}::bigint)
  union all
  (select 'incident', i.id::text, i.kind || coalesce(' of ' || p.name, '') , i.id::text from ${incident} i left join ${pipeline} p on p.id = i.pipeline_id
    where i.id = ${param('id')}::bigint)
  union all
  (select 'pipeline', p.name, t.name, p.id::text from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id
    where p.name ilike ${like} and not p.is_step or p.id = ${param('id')}::bigint ${closest(sql`p.name`)})
  union all
  (select 'address', a.name, t.name, a.id::text from ${address} a join ${addressType} t on t.id = a.address_type_id where a.name ilike ${like} ${closest(sql`a.name`)})
  union all
  (select 'owner', o.owner, '', o.owner from (
      select distinct ${effective('owner', ROWS)} as owner from ${pipeline} p join ${pipelineType} t on t.id = p.pipeline_type_id) o
    where o.owner ilike ${like} ${closest(sql`o.owner`)})
  union all
  (select 'type', t.name, '', t.id::text from ${pipelineType} t where t.name ilike ${like} ${closest(sql`t.name`)})`),
)

const foundRow = z.object({ what: text, name: text, more: text, key: text })

const HREFS: Record<string, (key: string) => string> = {
  run: (id) => `/executions/${id}`,
  incident: (id) => `/incidents/${id}`,
  pipeline: (id) => `/pipelines/${id}`,
  address: (id) => `/lineage-graph?address=${id}`,
  owner: (owner) => `/pipelines?${new URLSearchParams({ owner })}`,
  type: (id) => `/pipelines?type=${id}`,
}

const MAX_ID = /^\d{1,15}$/

/** What has this text in its name, or this number as its id. Nothing for an empty text. */
export const search = async (db: Database, typed: string): Promise<Found[]> => {
  const pattern = loosePatternOf(typed)
  if (pattern === null) return []
  const rows = await db.rows(SEARCH(), foundRow, { like: pattern, begin: pattern.slice(1), id: MAX_ID.test(typed) ? typed : null })
  return rows.map(({ what, name, more, key }) => ({
    what,
    name,
    more: what === 'incident' ? more.replace(/^\S+/, wordOf) : more,
    href: HREFS[what]?.(key) ?? '/overview',
  }))
}
