import { DATEPARTS, MAX_THRESHOLDS } from '../../db/constraints.ts'
import type { Source } from './source.ts'

/** How the rows of one of the original's tables become ours. */
export interface ImportedTable {
  /** The original's table. */
  name: string
  /** Rows are read in the order of this column of the original. */
  key: string
  /** What is read of each row: expressions on the original's columns, by name; and the type with which we read it. */
  columns: (has: Source['has']) => Record<string, [expression: string, type: string]>
  /**
   * A query of the rows that were read, `given`: all of their columns, `reason` (why the row is not written, or null) and `notes` (what is
   * changed about it).
   */
  judged: string
  /** Inserts the rows of `judged` that have no reason, and returns one row for each. What is there already is left as it is. */
  written: string
  /** The day by which the row is counted (features/pipeline-days), of `judged`; absent: it is not. */
  day?: string
}

/** Columns that are read as they are. */
export const copy = (names: Record<string, string>): Record<string, [string, string]> =>
  Object.fromEntries(Object.entries(names).map(([name, type]) => [name, [name, type]]))
/** A value of one of the original's enumerations: ours are in lower case. */
export const enumerated = (column: string): [string, string] => [`lower(${column}::text)`, 'text']
/** What the original's earlier schemas lack. */
export const orElse = (has: Source['has'], table: string, column: string, type: string, otherwise: string): [string, string] => [
  has(table, column) ? column : otherwise,
  type,
]

export const TIMES = { created_at: 'timestamptz', updated_at: 'timestamptz' }
const THRESHOLDS = ['freshness', 'timeliness']
export const thresholdColumns = (): Record<string, [string, string]> => ({
  ...copy({ freshness_number: 'bigint', timeliness_number: 'bigint', mute_freshness_check: 'boolean', mute_timeliness_check: 'boolean' }),
  freshness_datepart: enumerated('freshness_datepart'),
  timeliness_datepart: enumerated('timeliness_datepart'),
})

/** True if the threshold of a row `g` is one that we can have. */
export const isThreshold = (of: string): string =>
  `coalesce(g.${of}_number BETWEEN 1 AND CASE g.${of}_datepart ${DATEPARTS.map((part) => `WHEN '${part}' THEN ${MAX_THRESHOLDS[part]}`).join(' ')} END, false)`
export const thresholds = THRESHOLDS.flatMap((of) =>
  ['number', 'datepart'].map((part) => `CASE WHEN ${isThreshold(of)} THEN g.${of}_${part} END AS ok_${of}_${part}`),
).join(', ')
export const thresholdNotes = THRESHOLDS.map(
  (of) =>
    `CASE WHEN num_nonnulls(g.${of}_number, g.${of}_datepart) > 0 AND NOT ${isThreshold(of)} THEN 'its ${of} threshold is none: left out' END`,
)
export const THRESHOLD_TARGETS =
  'freshness_number, freshness_datepart, mute_freshness_check, timeliness_number, timeliness_datepart, mute_timeliness_check'
export const THRESHOLD_VALUES =
  'ok_freshness_number, ok_freshness_datepart, mute_freshness_check, ok_timeliness_number, ok_timeliness_datepart, mute_timeliness_check'

/** The texts of what is changed about a row; nulls are left out. */
export const notesOf = (notes: string[]): string => `array_remove(ARRAY[${notes.join(', ')}]::text[], NULL) AS notes`

/** The reasons of a table whose rows keep their ids. `isSame` says that the row `taken` with this id is this row. */
export const kept = (table: string, isSame: string, reasons: string[] = []) => ({
  reason: `CASE ${reasons.join(' ')} WHEN taken.id IS NOT NULL AND ${isSame} THEN 'already here'
    WHEN taken.id IS NOT NULL THEN 'its id is taken by another row' END AS reason`,
  from: `FROM given g LEFT JOIN ${table} taken ON taken.id = g.id`,
})

/** The name of a row `g` with its id. */
const NAME_WITH_ID = `btrim(left(g.name, 120) || ' (' || g.id || ')')`

/** True if the row `row` of ours has the name of `g`, with or without its id. */
export const isNamed = (row: string, fold = 'lower'): string => `${fold}(${row}.name) IN (${fold}(g.name), ${fold}(${NAME_WITH_ID}))`

/** The same name in another case, here or earlier in the batch: ours are unique without regard to it. It gets its id in brackets. */
export const named = (table: string, fold = 'lower') => {
  const other = `(row_number() OVER (PARTITION BY ${fold}(g.name) ORDER BY g.id) > 1 OR EXISTS (SELECT FROM ${table} o WHERE ${fold}(o.name) = ${fold}(g.name) AND o.id <> g.id))`
  return {
    name: `CASE WHEN g.name = '' OR ${other} THEN ${NAME_WITH_ID} ELSE g.name END AS ok_name`,
    note: `CASE WHEN g.name = '' THEN 'without a name: named by its id' WHEN ${other} THEN 'its name is taken, in this or another case: its id is added' END`,
  }
}

/** A JSON object: another value becomes one. */
export const object = (column: string): string =>
  `CASE WHEN ${column} IS NULL OR jsonb_typeof(${column}) = 'null' THEN NULL WHEN jsonb_typeof(${column}) = 'object' THEN ${column} ELSE jsonb_build_object('value', ${column}) END`

/** True if the row that the column of `g` names is there. */
export const has = (table: string, id: string): string => `EXISTS (SELECT FROM ${table} x WHERE x.id = g.${id})`
