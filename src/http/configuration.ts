import type { z } from '@hono/zod-openapi'
import { clearable, optional } from './fields.ts'

type Fields = Record<string, z.ZodType>

const mapFields = (fields: Fields, change: (field: z.ZodType) => z.ZodType) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, change(field)]))

/**
 * What a client configures of a resource, defined once for its two bodies: all of it may be absent. In a POST null means
 * "no opinion". In a PATCH null empties a field of `emptiable`, and is refused for one of `kept`, which always has a value.
 */
export const configuration = <Emptiable extends Fields, Kept extends Fields>(emptiable: Emptiable, kept: Kept) => ({
  post: mapFields({ ...emptiable, ...kept }, optional) as {
    [Name in keyof (Emptiable & Kept)]: ReturnType<typeof optional<(Emptiable & Kept)[Name]>>
  },
  patch: { ...mapFields(emptiable, clearable), ...mapFields(kept, (field) => field.optional()) } as {
    [Name in keyof Emptiable]: ReturnType<typeof clearable<Emptiable[Name]>>
  } & { [Name in keyof Kept]: z.ZodOptional<Kept[Name]> },
})
