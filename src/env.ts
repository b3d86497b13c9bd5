import { z } from 'zod'
import { ApiError } from './http/errors.ts'

/** As text from a secret, or as TOML's own boolean. */
const switchSetting = z
  .preprocess((value) => String(value).trim().toLowerCase(), z.enum(['true', 'false', '1', '0'], 'must be true or false'))
  .transform((text) => text === 'true' || text === '1')

/** As text, or as TOML's own number. */
const numberSetting = (least: number, most: number) =>
  z
    .preprocess((value) => String(value).trim(), z.string().regex(/^\d{1,9}$/, `must be a whole number between ${least} and ${most}`))
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number between ${least} and ${most}`)

/** What the driver takes: it would put a string it cannot parse, password and all, into its error. */
function isConnectionString(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^postgres(ql)?:$/.test(url.protocol) && url.username !== '' && url.hostname !== '' && url.pathname.length > 1
}

const settingsSchema = z.object({
  DATABASE_URL: z
    .string('is not set: give it the connection string that Neon shows')
    .refine(isConnectionString, 'must look like postgresql://user:password@host/database'),
  SLACK_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'must be the URL of a Slack incoming webhook' }).optional(),
  WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: switchSetting.default(false),
  WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES: numberSetting(5, 527_040).default(60),
  WATCHER_LOG_RETENTION_DAYS: numberSetting(90, 36_500).default(365),
  /** Only where Neon's HTTP endpoint is not the one the connection string implies: local development and tests. */
  NEON_FETCH_ENDPOINT: z.url('must be a URL').optional(),
})

const ENVIRONMENTS = ['dev', 'test', 'prod']

/** What the service is told from outside, each read as `<ENV_STATE>_<NAME>` first and `<NAME>` second. */
export type Settings = z.output<typeof settingsSchema>

export const SETTING_NAMES = Object.keys(settingsSchema.shape) as (keyof Settings)[]

const known = new WeakMap<object, Settings>()

/**
 * The settings in `env`, parsed once per environment object. Throws ApiError `misconfigured` naming every setting
 * that is missing or malformed; values are never repeated, they may be secrets.
 */
export const readSettings = (env: object): Settings => {
  const parsedBefore = known.get(env)
  if (parsedBefore) return parsedBefore
  const variables = env as Record<string, unknown>
  const state = String(variables.ENV_STATE ?? 'prod').toLowerCase()
  if (!ENVIRONMENTS.includes(state)) throw misconfigured([`ENV_STATE must be one of ${ENVIRONMENTS.join(', ')}`])
  const prefix = `${state.toUpperCase()}_`
  const given = SETTING_NAMES.map((name) => [name, variables[prefix + name] ?? variables[name]] as const)
  const result = settingsSchema.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== '')))
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`)
    throw misconfigured(faults)
  }
  known.set(env, result.data)
  return result.data
}

const misconfigured = (faults: string[]): ApiError =>
  new ApiError('misconfigured', `This deployment is not configured: ${faults.join('; ')}`)
