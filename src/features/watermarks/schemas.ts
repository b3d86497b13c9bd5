import { z } from '@hono/zod-openapi'
import { STALL_RUNS } from '../../core/bounds.ts'
import { once } from '../../core/once.ts'
import { clearable, flagField, stated, wholeNumber } from '../../http/fields.ts'

const MAX_GAP = Number.MAX_SAFE_INTEGER

const maxGap = () =>
  stated(
    z.number({ error: 'Must be a number' }).min(0, `Must be between 0 and ${MAX_GAP}`).max(MAX_GAP, `Must be between 0 and ${MAX_GAP}`),
    {
      type: 'number',
      description:
        'How far beyond the pipeline’s watermark a run may begin: in units of an integer, in seconds of an instant. null: it may begin anywhere.',
      minimum: 0,
      maximum: MAX_GAP,
      default: 0,
      example: 1,
    },
  )

/** What may not happen to a pipeline's watermark. */
export const watermarkCheckField = once(() =>
  z
    .strictObject({
      stall_runs: clearable(
        wholeNumber(
          'How many good runs in a row must fail to move the watermark to be wrong. null: any number is right.',
          STALL_RUNS.min,
          STALL_RUNS.max,
          3,
        ),
      ).default(null),
      allow_regress: flagField('Whether the watermark may go back.').default(false),
      max_gap: clearable(maxGap()).default(0),
    })
    .openapi('WatermarkCheck', {
      description:
        'Judges the watermark at each good end, and opens an incident `watermark` if it goes back, if a run begins beyond where the last good one stopped, or if it stalls. The next run in order resolves it. Integers and ISO 8601 instants are compared as such; of other text only a stall is seen. `{}` has the defaults; null switches the check off.',
      example: { stall_runs: 3, allow_regress: false, max_gap: 0 },
    }),
)
