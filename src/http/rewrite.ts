export type Json = { [key: string]: unknown }

export const isObject = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)

/** A copy of the JSON in which `change` puts another object in the place of some; what it has put there is not looked at again. */
export const rewrite = (value: unknown, change: (part: Json) => Json | undefined): unknown => {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, change))
  if (!isObject(value)) return value
  return change(value) ?? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, rewrite(part, change)]))
}

/** A reference to a component, beside what is said of this one use of it. */
export const referTo = (name: string, isNullable: boolean, rest: Json): Json => {
  const reference = { $ref: `#/components/schemas/${name}` }
  if (isNullable) return { ...rest, anyOf: [reference, { type: 'null' }] }
  return Object.keys(rest).length > 0 ? { ...rest, allOf: [reference] } : reference
}

/** The document with more schemas among its components. */
export const addSchemas = (document: Json, added: Json): Json => {
  const components = isObject(document.components) ? document.components : {}
  const schemas = isObject(components.schemas) ? components.schemas : {}
  return { ...document, components: { ...components, schemas: { ...schemas, ...added } } }
}
