import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { boundedText } from '../../http/fields.ts'
import { flagText } from '../../http/text-fields.ts'

/** What a ping may say beside its outcome, in its query or as fields of a form. */
export const FIELDS = ['inserts', 'updates', 'soft_deletes', 'total_rows', 'watermark'] as const

const COUNT_FAULT = 'Must be a whole number between 0 and 9007199254740992'

const rowsText = (description: string) =>
  z
    .string()
    .regex(/^\d{1,16}$/, COUNT_FAULT)
    .transform(Number)
    .refine((value) => value <= 2 ** 53, { error: COUNT_FAULT })
    .optional()
    .openapi({ type: 'integer', description, minimum: 0, maximum: 2 ** 53, example: 150 })

export const fields = once(() => ({
  inserts: rowsText('Rows inserted.'),
  updates: rowsText('Rows updated.'),
  soft_deletes: rowsText('Rows marked as deleted.'),
  total_rows: rowsText('Rows processed.'),
  watermark: boundedText(0, 50)
    .optional()
    .openapi({ description: "If the run succeeds, this becomes the pipeline's watermark.", example: '2025-01-09' }),
}))
export type PingFields = z.output<z.ZodObject<ReturnType<typeof fields>>>

export const pingQuery = once(() => ({
  rid: z
    .uuid({ error: 'Must be a UUID' })
    .transform((id) => id.toLowerCase())
    .optional()
    .openapi({ description: 'Pairs the pings of one run, where several run at once.', example: '8a4b0ad8-3dd4-4a5a-8a5f-0c8f7a4d3b1e' }),
  create: flagText('Whether to create the pipeline if there is none of this name.').optional(),
  ...fields(),
}))

/** The fields of a form that can be read; the others are ignored, because many clients call any text a form. */
export const readFields = (form: Record<string, string>): PingFields =>
  Object.fromEntries(
    FIELDS.flatMap((name) => {
      const result = fields()[name].safeParse(form[name])
      return result.success && result.data !== undefined ? [[name, result.data]] : []
    }),
  ) as PingFields
