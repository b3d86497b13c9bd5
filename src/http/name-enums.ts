/** Named lists of values: a client generator makes one type of each, for all its uses. */
export type NamedEnums = Readonly<Record<string, readonly string[]>>

type Json = { [key: string]: unknown }

const isObject = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)

/**
 * The OpenAPI document with each list of values as a named component, and a reference for each use. Of the inline lists
 * that zod writes, client generators would make one class per field. A list of one value becomes a constant.
 */
export const nameEnums = (document: object, enums: NamedEnums): object => {
  const names = new Map(Object.entries(enums).map(([name, values]) => [keyOf(values), name]))
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (!isObject(value)) return value
    const listed = Array.isArray(value.enum) ? referTo(value, names) : undefined
    return listed ?? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, walk(part)]))
  }
  const named = walk(document) as Json
  const components = isObject(named.components) ? named.components : {}
  const schemas = isObject(components.schemas) ? components.schemas : {}
  const added = Object.fromEntries(Object.entries(enums).map(([name, values]) => [name, { type: 'string', enum: [...values] }]))
  return { ...named, components: { ...components, schemas: { ...schemas, ...added } } }
}

const keyOf = (values: readonly unknown[]): string => JSON.stringify(values.toSorted())

const referTo = ({ type, enum: listed, ...rest }: Json, names: Map<string, string>): Json | undefined => {
  const values = (listed as unknown[]).filter((value) => value !== null)
  const isNullable = values.length < (listed as unknown[]).length || (Array.isArray(type) && type.includes('null'))
  const name = names.get(keyOf(values))
  if (name !== undefined) {
    const reference = { $ref: `#/components/schemas/${name}` }
    if (isNullable) return { ...rest, anyOf: [reference, { type: 'null' }] }
    return Object.keys(rest).length > 0 ? { ...rest, allOf: [reference] } : reference
  }
  return values.length === 1 && !isNullable ? { ...rest, type: 'string', const: values[0] } : undefined
}
