import { z } from '@hono/zod-openapi'
import { once } from '../../core/once.ts'
import { clearable, idField, nameField } from '../../http/fields.ts'
import { idText, numberText } from '../../http/text-fields.ts'
import { addressFields, addressNameField } from '../addresses/schemas.ts'

const MAX_ADDRESSES = 500
const MAX_PAIRS = 10_000

const lineageAddress = once(() =>
  z
    .object({
      address_name: clearable(addressNameField()),
      name: clearable(nameField('Another name of `address_name`.', 'analytics.public.users')),
      ...addressFields(),
    })
    .transform(({ address_name, name, ...fields }, context) => {
      const given = address_name ?? name
      if (given === undefined || given === null) context.addIssue({ code: 'custom', path: ['address_name'], message: 'Required' })
      return { ...fields, name: given ?? '' }
    })
    .openapi('LineageAddress'),
)

export type LineageAddress = z.output<ReturnType<typeof lineageAddress>>

const addressList = (description: string) =>
  z
    .array(lineageAddress())
    .min(1, 'Must have at least one address')
    .max(MAX_ADDRESSES, `Must have at most ${MAX_ADDRESSES} addresses`)
    .openapi({ description, minItems: 1, maxItems: MAX_ADDRESSES })

export const lineagePost = once(() =>
  z
    .object({
      pipeline_id: idField('The pipeline whose lineage this is.'),
      source_addresses: addressList('The addresses that the pipeline reads.'),
      target_addresses: addressList('The addresses that the pipeline writes. Every source feeds every target.'),
    })
    .superRefine(({ source_addresses, target_addresses }, context) => {
      if (source_addresses.length * target_addresses.length <= MAX_PAIRS) return
      context.addIssue({ code: 'custom', path: ['target_addresses'], message: `Sources x targets must be at most ${MAX_PAIRS} pairs` })
    })
    .openapi('LineagePost'),
)

export type LineagePost = z.output<ReturnType<typeof lineagePost>>

export const lineagePostAnswer = once(() =>
  z
    .object({
      pipeline_id: z.int(),
      lineage_relationships_created: z
        .int()
        .openapi({ description: 'Sources x targets: how many edges the pipeline now has.', example: 1 }),
      message: z.string().openapi({ example: 'Lineage of pipeline 1 has 1 relationship' }),
      closure: z.literal('pending').optional().openapi({ description: 'Set with 202: a job completes what lies upstream and downstream.' }),
    })
    .openapi('LineageCreated'),
)

export const lineageParams = once(() => ({ address_id: idText('The address.') }))

export const DIRECTIONS = ['upstream', 'downstream', 'both'] as const

export const lineageQuery = once(() => ({
  direction: z
    .enum(DIRECTIONS, { error: `Must be one of ${DIRECTIONS.join(', ')}` })
    .default('both')
    .openapi({ description: 'upstream: what the address is made from; downstream: what is made from it.' }),
  max_depth: numberText('Only pairs at most this many edges apart.', 1, 1_000_000, 1_000_000),
  limit: numberText('The maximum number of rows in the answer.', 1, 10_000, 10_000),
  offset: numberText('How many rows to skip.', 0, 100_000_000, 0),
}))

export type LineageQuery = z.output<z.ZodObject<ReturnType<typeof lineageQuery>>>

export const lineageAnswer = once(() =>
  z
    .object({
      source_address_id: z.int(),
      target_address_id: z.int(),
      depth: z.int().openapi({ description: 'How many edges the shortest path from source to target has.', minimum: 1 }),
      source_address_name: z.string(),
      target_address_name: z.string(),
    })
    .openapi('LineagePair'),
)
