import { addSchemas, isObject, type Json, referTo, rewrite } from './rewrite.ts'

const JSON_OBJECT = 'JsonObject'

/** The OpenAPI document with one component for every object of free content: inline ones become a class for each field. */
export const nameObjects = (document: object): object => {
  const named = rewrite(document, ({ type, additionalProperties, ...rest }) => {
    const types = [type].flat()
    const isFree = additionalProperties === true || (isObject(additionalProperties) && Object.keys(additionalProperties).length === 0)
    return isFree && types.includes('object') ? referTo(JSON_OBJECT, types.includes('null'), rest) : undefined
  }) as Json
  return addSchemas(named, {
    [JSON_OBJECT]: { type: 'object', additionalProperties: true, description: 'Any JSON object. What it contains is up to the client.' },
  })
}
