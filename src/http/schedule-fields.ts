import { z } from '@hono/zod-openapi'
import { GRACE_MINUTES } from '../core/bounds.ts'
import { cronFault, timezoneFault } from '../core/cron.ts'
import { once } from '../core/once.ts'
import { DATEPARTS, MAX_THRESHOLDS } from '../db/constraints.ts'
import { boundedText, datepartField, stated, thresholdNumber, wholeNumber } from './fields.ts'

const MAX_CRON_CHARACTERS = 100

const refined = (fault: (text: string) => string | undefined) =>
  z
    .string()
    .trim()
    .pipe(boundedText(1, MAX_CRON_CHARACTERS))
    .superRefine((text, context) => {
      const message = text.length > MAX_CRON_CHARACTERS ? undefined : fault(text)
      if (message) context.addIssue({ code: 'custom', message })
    })

export const cronField = () =>
  stated(refined(cronFault), {
    type: 'string',
    maxLength: MAX_CRON_CHARACTERS,
    description: 'When runs start: five fields (names, steps, ranges, lists, `L`, `#`), or `@hourly` to `@yearly`.',
    example: '30 6 * * 1-5',
  })

export const timezoneField = () =>
  stated(refined(timezoneFault), {
    type: 'string',
    maxLength: MAX_CRON_CHARACTERS,
    description: 'The IANA time zone of `schedule_cron`. Default: UTC.',
    example: 'Europe/Berlin',
  })

/** When a pipeline's runs are expected to start. */
export const scheduleFields = once(() => ({
  schedule_cron: cronField(),
  schedule_timezone: timezoneField(),
  schedule_number: thresholdNumber('a run starts at least every so often, counted from the last start; in the place of `schedule_cron`'),
  schedule_datepart: datepartField('schedule_number'),
  schedule_grace_minutes: wholeNumber(
    `How many minutes late a run may start before it is missed. Default: ${GRACE_MINUTES.default}.`,
    GRACE_MINUTES.min,
    GRACE_MINUTES.max,
    15,
  ),
}))

interface Schedule {
  schedule_cron?: string | null | undefined
  schedule_number?: number | null | undefined
  schedule_datepart?: string | null | undefined
}

/** Refuses a cron together with an interval, and a number without its datepart or the other way round. */
export const requireOneSchedule = (body: Schedule, context: z.RefinementCtx): void => {
  const { schedule_cron, schedule_number, schedule_datepart } = body
  const fault = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
  const [hasNumber, hasDatepart] = [schedule_number ?? undefined, schedule_datepart ?? undefined].map((value) => value !== undefined)
  if (schedule_cron && (hasNumber || hasDatepart)) fault('schedule_cron', 'Give a cron or an interval, not both')
  if (hasNumber && schedule_datepart === undefined) fault('schedule_datepart', 'Required with schedule_number')
  if (hasDatepart && schedule_number === undefined) fault('schedule_number', 'Required with schedule_datepart')
  const max = MAX_THRESHOLDS[schedule_datepart as keyof typeof MAX_THRESHOLDS]
  if (max !== undefined && (schedule_number ?? 0) > max) fault('schedule_number', `Must be at most ${max} for ${schedule_datepart}`)
}

/** The columns of an answer. */
export const scheduleAnswer = once(() => ({
  schedule_cron: z.string().nullable(),
  schedule_timezone: z.string().nullable(),
  schedule_number: z.int().nullable(),
  schedule_datepart: z.enum(DATEPARTS).nullable(),
  schedule_grace_minutes: z.int().nullable(),
}))
