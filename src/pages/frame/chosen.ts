import { type SQL, sql } from 'drizzle-orm'
import { effective } from '../../db/on-call.ts'
import { param } from '../../db/statement.ts'
import { idInQuery, patternOf, searchText } from './fields.ts'

/** Which pipelines a list shows. An empty text or undefined: any. */
export interface ChosenPipelines {
  search: string
  type?: number | undefined
  owner: string
  tag: string
}

/** The same in a page's query. */
export const pipelinesInQuery = () => ({ search: searchText(), owner: searchText(), tag: searchText(), type: idInQuery() })

const ROWS = { pipeline: sql.raw('p'), type: sql.raw('t') }

/** The condition on a pipeline `p` and its type `t`. Placeholders: those of `chosenValues`. */
export const isChosen: SQL = sql`(${param('like')}::text is null or p.name ilike ${param('like')})
  and (${param('type_id')}::bigint is null or p.pipeline_type_id = ${param('type_id')}::bigint)
  and (${param('owner')}::text is null or ${effective('owner', ROWS)} = ${param('owner')})
  and (${param('tag')}::text is null or ${param('tag')} = any(p.tags))`

export const chosenValues = ({ search, type, owner, tag }: ChosenPipelines) => ({
  like: patternOf(search),
  type_id: type ?? null,
  owner: owner || null,
  tag: tag || null,
})

/** True if not all pipelines are chosen. */
export const isNarrowed = ({ search, type, owner, tag }: ChosenPipelines): boolean => Boolean(search || type || owner || tag)
