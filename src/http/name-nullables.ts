import { isObject, type Json, referTo, rewrite } from './rewrite.ts'

const PREFIX = '#/components/schemas/'

/**
 * The OpenAPI document in which no component is null itself: what refers to one says that it may be. The generator of the document gives a
 * nullable use of a schema to the component, and generated clients then have a class `…Type0` for it.
 */
export const nameNullables = (document: object): object => {
  const { components } = document as Json
  const schemas = isObject(components) && isObject(components.schemas) ? components.schemas : {}
  const isNullable = (schema: unknown): schema is Json => isObject(schema) && Array.isArray(schema.type) && schema.type.includes('null')
  const nullable = new Set(
    Object.entries(schemas)
      .filter(([, schema]) => isNullable(schema))
      .map(([name]) => name),
  )
  const saysSo = ({ anyOf }: Json): boolean => Array.isArray(anyOf) && anyOf.some((part) => isObject(part) && part.type === 'null')
  const referring = rewrite(document, (part) => {
    if (saysSo(part)) return part
    const { $ref, ...rest } = part
    const name = typeof $ref === 'string' && $ref.startsWith(PREFIX) ? $ref.slice(PREFIX.length) : undefined
    return name !== undefined && nullable.has(name) ? referTo(name, true, rest) : undefined
  }) as Json & { components: Json & { schemas: Json } }
  for (const name of nullable) {
    const schema = referring.components.schemas[name] as Json & { type: string[] }
    referring.components.schemas[name] = { ...schema, type: schema.type.find((type) => type !== 'null') }
  }
  return referring
}
