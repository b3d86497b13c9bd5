import { addSchemas, type Json, referTo, rewrite } from './rewrite.ts'

/** Named lists of values: a client generator makes one type of each, for all its uses. */
export type NamedEnums = Readonly<Record<string, readonly string[]>>

/**
 * The OpenAPI document with each list of values as a named component, and a reference for each use. Of the inline lists
 * that zod writes, client generators would make one class per field. A list of one value becomes a constant.
 */
export const nameEnums = (document: object, enums: NamedEnums): object => {
  const names = new Map(Object.entries(enums).map(([name, values]) => [keyOf(values), name]))
  const named = rewrite(document, (schema) => (Array.isArray(schema.enum) ? nameEnum(schema, names) : undefined)) as Json
  return addSchemas(named, Object.fromEntries(Object.entries(enums).map(([name, values]) => [name, { type: 'string', enum: [...values] }])))
}

const keyOf = (values: readonly unknown[]): string => JSON.stringify(values.toSorted())

const nameEnum = ({ type, enum: listed, ...rest }: Json, names: Map<string, string>): Json | undefined => {
  const values = (listed as unknown[]).filter((value) => value !== null)
  const isNullable = values.length < (listed as unknown[]).length || (Array.isArray(type) && type.includes('null'))
  const name = names.get(keyOf(values))
  if (name !== undefined) return referTo(name, isNullable, rest)
  return values.length === 1 && !isNullable ? { ...rest, type: 'string', const: values[0] } : undefined
}
