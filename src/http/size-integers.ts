import { rewrite } from './rewrite.ts'

const MAX_INT32 = 2 ** 31 - 1

/**
 * The OpenAPI document with `format: int64` at every integer that may exceed 32 bits: without it, clients in Java, C# and Go
 * get a type that is too small for ids and counts.
 */
export const sizeIntegers = (document: object): object =>
  rewrite(document, (schema) => {
    const types = [schema.type].flat().filter((type) => type !== 'null')
    const isLong = types.length === 1 && types[0] === 'integer' && !(Number(schema.maximum) <= MAX_INT32)
    return isLong ? { ...schema, format: 'int64' } : undefined
  }) as object
