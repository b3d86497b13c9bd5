import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { ProgramFailure } from '../tools/failure.ts'

/** How a queue delivers to its consumer. The defaults and ranges are Cloudflare's. */
const consumerSchema = z.object({
  queue: z.string(),
  /** Messages of one delivery. */
  max_batch_size: z.int().min(1).max(100).default(10),
  /** Seconds that a message waits for others. */
  max_batch_timeout: z.number().min(0).max(60).default(5),
  /** Deliveries after the first, before a message goes to the dead letter queue. */
  max_retries: z.int().min(0).max(100).default(3),
  /** Seconds before a message is delivered again, if the consumer does not say. */
  retry_delay: z.int().min(0).max(86_400).default(0),
  /** Deliveries at once. */
  max_concurrency: z.int().min(1).max(250).default(250),
  dead_letter_queue: z.string().optional(),
})

const producerSchema = z.object({
  queue: z.string(),
  binding: z.string(),
  /** Seconds before a message is delivered for the first time. */
  delivery_delay: z.int().min(0).max(86_400).default(0),
})

const configSchema = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  version_metadata: z.object({ binding: z.string() }),
  ratelimits: z.array(z.object({ name: z.string(), simple: z.object({ limit: z.int().min(1), period: z.int().min(1) }) })).default([]),
  queues: z.object({ producers: z.array(producerSchema), consumers: z.array(consumerSchema) }),
})

export type ConsumerOptions = z.output<typeof consumerSchema>
export type ProducerOptions = z.output<typeof producerSchema>
/** The part of wrangler.toml that a server of one's own needs: the top level, which is production. */
export type WranglerConfig = z.output<typeof configSchema>

/** Reads wrangler.toml, so that the platform and a server of one's own have one configuration. Throws ProgramFailure. */
export const readWranglerConfig = (path: string): WranglerConfig => parseWranglerConfig(readFileSync(path, 'utf8'))

/** The same for the file's text. */
export const parseWranglerConfig = (toml: string): WranglerConfig => {
  const result = configSchema.safeParse(parse(toml))
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new ProgramFailure(`wrangler.toml cannot be used: ${faults.join('; ')}`)
}
