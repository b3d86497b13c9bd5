import type { Issue } from '../core/errors.ts'
import { ApiError } from '../core/errors.ts'
import type { Deployment } from './channels/channel.ts'
import { channelOf } from './channels/index.ts'
import { urlFault } from './public-url.ts'
import { seal } from './secrets.ts'

const SHOWN_CHARACTERS = 4
/** Of a shorter secret nothing is shown: its last characters would be much of it. */
const MIN_SHOWN_OF = 16

/** What a channel's row holds of its settings. */
export interface StoredSettings {
  settings: Record<string, unknown>
  secrets: string | null
  secrets_id: string | null
}

const faultAt = (issues: Issue[]): ApiError =>
  new ApiError('validation_failed', issues.map(({ loc, msg }) => `${loc.slice(1).join('.')}: ${msg}`).join('; '), { issues })

const issueAt = (path: readonly PropertyKey[], msg: string): Issue => ({
  loc: ['body', 'settings', ...path.map(String)],
  msg,
  type: 'validation_failed',
})

/** A secret as it is answered: enough to tell two of them apart. */
const hintOf = (secret: string): string => `…${secret.length < MIN_SHOWN_OF ? '' : secret.slice(-SHOWN_CHARACTERS)}`

/**
 * Checks the settings of a channel of this kind, and encrypts its secrets. Throws ApiError with all faults: missing or unknown fields,
 * a URL that Watcher must not post to, secrets without a key to encrypt them, a binding that the deployment lacks.
 */
export const storeSettings = async (
  kind: string,
  given: Record<string, unknown>,
  { settings: environment, outbound }: Deployment,
): Promise<StoredSettings> => {
  const channel = channelOf(kind)
  if (!channel) throw faultAt([{ loc: ['body', 'kind'], msg: 'There is no such kind of channel', type: 'validation_failed' }])
  const lacking = channel.lacks?.({ settings: environment, outbound })
  if (lacking) throw faultAt([{ loc: ['body', 'kind'], msg: lacking, type: 'validation_failed' }])
  const read = channel.settings.safeParse(given, {
    error: (issue) => (issue.code === 'invalid_type' && issue.input === undefined ? 'Required' : undefined),
  })
  const known = Object.keys((channel.settings as unknown as { shape: object }).shape)
  const unknown = Object.keys(given).filter((name) => !known.includes(name))
  const issues = [
    ...(read.success ? [] : read.error.issues.map(({ path, message }) => issueAt(path, message))),
    ...unknown.map((name) => issueAt([name], `Channels of the kind ${kind} have no such setting`)),
  ]
  if (!read.success || issues.length > 0) throw faultAt(issues)
  for (const name of channel.urls) {
    const fault = urlFault(String(read.data[name] ?? ''), environment)
    if (fault) issues.push(issueAt([name], fault))
  }
  if (issues.length > 0) throw faultAt(issues)

  const names = channel.secrets.filter((name) => read.data[name] !== undefined)
  const settings = Object.fromEntries(
    Object.entries(read.data).map(([name, value]) => [name, names.includes(name) ? hintOf(String(value)) : value]),
  )
  if (names.length === 0) return { settings, secrets: null, secrets_id: null }
  const [key] = environment.WATCHER_ENCRYPTION_KEY
  if (!key) {
    const how = 'This deployment cannot store secrets: set WATCHER_ENCRYPTION_KEY to 32 bytes in base64 (openssl rand -base64 32)'
    throw faultAt([issueAt([names[0] as string], how)])
  }
  const secrets_id = crypto.randomUUID()
  const secrets = await seal(key, secrets_id, Object.fromEntries(names.map((name) => [name, read.data[name] as string])))
  return { settings, secrets, secrets_id }
}
