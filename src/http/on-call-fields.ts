import { z } from '@hono/zod-openapi'
import { ALERT_AFTER_FAILURES, ALERT_DELAY_MINUTES } from '../core/bounds.ts'
import { once } from '../core/once.ts'
import { SEVERITIES } from '../db/constraints.ts'
import { boundedText, nameField, oneOfField, stated, wholeNumber, wording } from './fields.ts'

const MAX_TAGS = 20
const MAX_TAG_CHARACTERS = 50
const MAX_URL_CHARACTERS = 500

const URL_FAULT = `Must be an https URL of at most ${MAX_URL_CHARACTERS} characters`

const httpsUrl = (description: string, example: string) =>
  stated(
    z
      .string(wording(URL_FAULT))
      .trim()
      .refine((text) => text.length <= MAX_URL_CHARACTERS && /^https:\/\/[^\s]+$/i.test(text) && URL.canParse(text), { error: URL_FAULT }),
    { type: 'string', format: 'uri', description: `${description} https, at most ${MAX_URL_CHARACTERS} characters.`, example },
  )

/** The fields of a pipeline or a type that say who handles its incidents, and how. */
export const onCallFields = once(() => ({
  owner: nameField('Who answers for it: a team, an address, a handle.', 'team-finance'),
  runbook_url: httpsUrl('What to do when something is wrong.', 'https://wiki.example.com/orders'),
  severity: oneOfField(SEVERITIES, 'How urgent its incidents are: what channels and pagers see. Default: warning.'),
  alert_after_failures: wholeNumber(
    `How many runs in a row fail before an incident opens. Default: ${ALERT_AFTER_FAILURES.default}.`,
    ALERT_AFTER_FAILURES.min,
    ALERT_AFTER_FAILURES.max,
    2,
  ),
  alert_delay_minutes: wholeNumber(
    `An incident is shown at once, but people are told only if it is still open after so many minutes. Default: ${ALERT_DELAY_MINUTES.default}.`,
    ALERT_DELAY_MINUTES.min,
    ALERT_DELAY_MINUTES.max,
    10,
  ),
}))

/** Tags: trimmed, sorted, each once. A filter has at least one: with none it would let nothing through. */
export const tagsField = (description: string, { min = 0 } = {}) =>
  stated(
    z
      .array(z.string().trim().pipe(boundedText(1, MAX_TAG_CHARACTERS)), wording('Must be a list of texts'))
      .min(min, 'Must have at least one tag')
      .max(MAX_TAGS, `Must have at most ${MAX_TAGS} tags`)
      .transform((tags) => [...new Set(tags)].sort()),
    {
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: MAX_TAG_CHARACTERS },
      ...(min > 0 && { minItems: min }),
      maxItems: MAX_TAGS,
      description: `${description} At most ${MAX_TAGS} of at most ${MAX_TAG_CHARACTERS} characters.`,
      example: ['finance'],
    },
  )

/** The columns of an answer. */
export const onCallAnswer = once(() => ({
  owner: z.string().nullable().openapi({ example: 'team-finance' }),
  runbook_url: z.string().nullable(),
  severity: z.enum(SEVERITIES).nullable(),
  alert_after_failures: z.int().nullable(),
  alert_delay_minutes: z.int().nullable(),
}))

/** What applies to a pipeline: its own setting, else its type's, else the default. */
export const effectiveAnswer = once(() =>
  z
    .object({
      owner: z.string().nullable(),
      runbook_url: z.string().nullable(),
      severity: z.enum(SEVERITIES),
      alert_after_failures: z.int(),
      alert_delay_minutes: z.int(),
    })
    .openapi('EffectiveOnCall', { description: "What applies: the pipeline's own setting, else its type's, else the default." }),
)
