import { z } from 'zod'
import { decodeBase64 } from './core/base64.ts'
import { type Bounds, DAY_RETENTION_DAYS, EVENT_RETENTION_DAYS, LOOKBACK_MINUTES, RETENTION_DAYS } from './core/bounds.ts'
import { ApiError } from './core/errors.ts'
import { UUID } from './core/uuid.ts'

/** A token of WATCHER_API_TOKENS: the client it belongs to, and what it may do. */
export interface ApiToken {
  name: string
  token: string
  mayWrite: boolean
  /** It may send pings, and nothing else. */
  isForPings?: boolean
}

/** A boolean: text from a secret, or a TOML boolean. */
const switchSetting = z
  .preprocess((value) => String(value).trim().toLowerCase(), z.enum(['true', 'false', '1', '0'], 'must be true or false'))
  .transform((text) => text === 'true' || text === '1')

/** A whole number: text, or a TOML number. */
const numberSetting = ({ min, max, default: defaultValue }: Bounds) => {
  const fault = `must be a whole number between ${min} and ${max}`
  return z
    .preprocess((value) => String(value).trim(), z.string().regex(/^\d{1,9}$/, fault))
    .transform(Number)
    .refine((value) => value >= min && value <= max, fault)
    .default(defaultValue)
}

/** True if the driver can parse the text. Its error would otherwise contain the text, with the password. */
function isConnectionString(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^postgres(ql)?:$/.test(url.protocol) && url.username !== '' && url.hostname !== '' && url.pathname.length > 1
}

const TOKENS_FAULT = 'must be a comma-separated list of name:token, name:token:read or name:token:ping, each name and each token only once'

/** Clients and their tokens. A token has 1 to 256 characters, without comma, colon or space. */
const tokensSetting = z.string().transform((text, context): ApiToken[] => {
  const tokens: ApiToken[] = []
  for (const entry of text.split(',').map((part) => part.trim())) {
    const { name, token, right } = /^(?<name>[\w.-]{1,50}):(?<token>[^\s:,]{1,256})(?::(?<right>read|ping))?$/.exec(entry)?.groups ?? {}
    // Incidents say so who has resolved them: these two names mean that nobody did.
    if (name === 'auto' || name === 'muted') {
      context.addIssue({
        code: 'custom',
        message: `must have no token with the name ${name}: that is how incidents say that nobody resolved them`,
      })
      return z.NEVER
    }
    const isTaken = tokens.some((other) => other.name === name || other.token === token)
    if (name === undefined || token === undefined || isTaken) {
      context.addIssue({ code: 'custom', message: TOKENS_FAULT })
      return z.NEVER
    }
    if (right === 'ping' && UUID.test(token)) {
      context.addIssue({
        code: 'custom',
        message: 'must have no ping token that looks like a UUID: those are the URLs of single pipelines',
      })
      return z.NEVER
    }
    tokens.push({ name, token, mayWrite: right === undefined, isForPings: right === 'ping' })
  }
  return tokens
})

/** Headers as OpenTelemetry writes them: `name=value,name=value`, values percent-encoded. */
const headersSetting = z.string().transform((text, context): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',').map((part) => part.trim())) {
    const { name, value } = /^(?<name>[\w-]+)=(?<value>.*)$/.exec(pair)?.groups ?? {}
    const decoded = value === undefined ? undefined : percentDecoded(value)
    if (name === undefined || decoded === undefined || !/^[\x20-\x7e]*$/.test(decoded)) {
      context.addIssue({ code: 'custom', message: 'must be a list like name=value,name=value' })
      return z.NEVER
    }
    headers[name] = decoded
  }
  return headers
})

const percentDecoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const KEYS_FAULT = 'must be 32 bytes in base64, as `openssl rand -base64 32` prints them, or several such keys separated by commas'

const decodedKey = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  try {
    const key = decodeBase64(text)
    return key.length === 32 ? key : undefined
  } catch {
    return undefined
  }
}

const keysSetting = z
  .string()
  .transform((text) => text.split(',').map((part) => decodedKey(part.trim())))
  .refine((keys): keys is Uint8Array<ArrayBuffer>[] => keys.every((key) => key !== undefined), KEYS_FAULT)

/** An origin, perhaps with a path; without the slash at its end. */
const publicUrlSetting = z
  .url({ protocol: /^https?$/, error: 'must be the URL at which people open the pages, like https://watcher.example.com' })
  .transform((url) => url.replace(/\/+$/, ''))

/** Origins, exactly as a browser sends them in `Origin`. */
const originsSetting = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine(
    (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
    'must be a comma-separated list of origins like https://app.example.com, without a path',
  )

const settingsSchema = z.object({
  /** The environment. It decides the prefix of the other settings, and whether a deployment may run without tokens. */
  ENV_STATE: z.enum(['dev', 'test', 'prod']),
  DATABASE_URL: z
    .string('is not set: give it the connection string that Neon shows')
    .refine(isConnectionString, 'must look like postgresql://user:password@host/database'),
  SLACK_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'must be the URL of a Slack incoming webhook' }).optional(),
  WATCHER_API_TOKENS: tokensSetting.default([]),
  /** Where people open the pages: links in messages begin with it. Without it they have no links. */
  WATCHER_PUBLIC_URL: publicUrlSetting.optional(),
  /** `seed`: messages in Slack are exactly the original's, without the lines that we add for each incident. */
  WATCHER_ALERT_FORMAT: z.enum(['full', 'seed'], 'must be full or seed').default('full'),
  /** The keys that encrypt the secrets of channels: the first encrypts, all decrypt. */
  WATCHER_ENCRYPTION_KEY: keysSetting.default([]),
  /** The sender of e-mails: an address of a domain that the platform may send for. */
  WATCHER_EMAIL_FROM: z.email('must be an e-mail address').optional(),
  /** Whether channels may have http or private addresses: for a server of one's own. */
  WATCHER_ALLOW_PRIVATE_WEBHOOKS: switchSetting.default(false),
  WATCHER_AUTO_CREATE_ANOMALY_DETECTION_RULES: switchSetting.default(false),
  WATCHER_TIMELINESS_CHECK_LOOKBACK_MINUTES: numberSetting(LOOKBACK_MINUTES),
  WATCHER_LOG_RETENTION_DAYS: numberSetting(RETENTION_DAYS),
  WATCHER_DAY_RETENTION_DAYS: numberSetting(DAY_RETENTION_DAYS),
  WATCHER_OPENLINEAGE_RETENTION_DAYS: numberSetting(EVENT_RETENTION_DAYS),
  /** A service that is told of every run, like Marquez: events of OpenLineage go to its /api/v1/lineage. */
  OPENLINEAGE_URL: z
    .url({ protocol: /^https?$/, error: 'must be the URL of a service that takes OpenLineage, without /api/v1/lineage' })
    .optional(),
  OPENLINEAGE_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be a token')
    .optional(),
  /** The namespace of our jobs there. */
  OPENLINEAGE_NAMESPACE: z.string().max(500).default('watcher'),
  /** Whether `?profile=true` answers a profile; by default only in dev. */
  PROFILING_ENABLED: switchSetting.optional(),
  /** Origins whose pages may call the API from a browser; by default none. */
  WATCHER_ALLOWED_ORIGINS: originsSetting.default([]),
  /** The collectors of traces: Pydantic Logfire (by its write token), and any collector that accepts OTLP/HTTP. */
  LOGFIRE_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be a write token of Logfire')
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be the URL of an OTLP/HTTP collector, without /v1/traces' })
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headersSetting.default({}),
  OTEL_SERVICE_NAME: z.string().default('watcher'),
  /** The share of traces to keep, 0 to 1. If a caller sends a traceparent, that decides instead. */
  OTEL_TRACES_SAMPLER_ARG: z.preprocess((value) => Number(String(value).trim()), z.number().min(0).max(1)).default(1),
  /** Neon's HTTP endpoint, if the connection string does not imply it: local development and tests. */
  NEON_FETCH_ENDPOINT: z.url('must be a URL').optional(),
})

/** The settings of a deployment. Each is read from `<ENV_STATE>_<NAME>`, else from `<NAME>`. */
export type Settings = z.output<typeof settingsSchema>

export const SETTING_NAMES = Object.keys(settingsSchema.shape).filter((name) => name !== 'ENV_STATE') as (keyof Settings)[]

/** True if another service is told of runs. */
export const tellsOthers = ({ OPENLINEAGE_URL }: Settings): boolean => OPENLINEAGE_URL !== undefined

const stateOf = ({ ENV_STATE }: Record<string, unknown>): string => String(ENV_STATE ?? 'prod').toLowerCase()

/** The settings that are set. The name with the environment's prefix wins; an empty value counts as not set. */
const givenIn = (variables: Record<string, unknown>, state: string): [name: keyof Settings, value: unknown][] => {
  const prefix = `${state.toUpperCase()}_`
  const all = SETTING_NAMES.map((name): [keyof Settings, unknown] => [name, variables[prefix + name] ?? variables[name]])
  return all.filter(([, value]) => value !== undefined && value !== '')
}

const parsed = new WeakMap<object, Settings>()

/**
 * The settings in `env`, parsed once per environment object. Throws ApiError `misconfigured`, which names every missing
 * or malformed setting. It never contains a value: values may be secrets.
 */
export const readSettings = (env: object): Settings => {
  const parsedBefore = parsed.get(env)
  if (parsedBefore) return parsedBefore
  const variables = env as Record<string, unknown>
  const state = stateOf(variables)
  if (!settingsSchema.shape.ENV_STATE.safeParse(state).success)
    throw misconfigured([`ENV_STATE must be one of ${settingsSchema.shape.ENV_STATE.options.join(', ')}`])
  const result = settingsSchema.safeParse({ ...Object.fromEntries(givenIn(variables, state)), ENV_STATE: state })
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`)
    throw misconfigured(faults)
  }
  parsed.set(env, result.data)
  return result.data
}

/** The names of the settings that are set; the others have their defaults. Never values: they may be secrets. */
export const namesGiven = (env: object): (keyof Settings)[] => {
  const variables = env as Record<string, unknown>
  return givenIn(variables, stateOf(variables)).map(([name]) => name)
}

/** An error that names the faulty settings, never a value. */
export const misconfigured = (faults: string[]): ApiError =>
  new ApiError('misconfigured', `This deployment is not configured: ${faults.join('; ')}`)
