import { JobFailure } from '../jobs/job.ts'
import type { Deployment } from './channels/channel.ts'
import { channelOf } from './channels/index.ts'
import { postTo } from './post.ts'
import { urlFault } from './public-url.ts'
import { unseal } from './secrets.ts'
import type { Notification } from './told.ts'

/** A row of the table `channel`, as far as sending needs it. */
export interface StoredChannel {
  name: string
  kind: string
  settings: Record<string, unknown>
  secrets: string | null
  secrets_id: string | null
}

/** A channel with its settings, ready to send. Returns what the service answered. */
export interface Receiver {
  /** For messages: the service, or the channel's name. */
  name: string
  host: string
  send: (notification: Notification) => Promise<string>
}

/** The channel of the environment; undefined: its messages go to the log. It is the operator's, so its address is not checked. */
export const environmentReceiver = (deployment: Deployment): Receiver | undefined => {
  const { SLACK_WEBHOOK_URL: webhook_url, WATCHER_PUBLIC_URL: publicUrl } = deployment.settings
  const slack = channelOf('slack')
  if (webhook_url === undefined || !slack) return undefined
  const post = postTo({ name: slack.name, setting: 'SLACK_WEBHOOK_URL', publicUrl })
  return {
    name: slack.name,
    host: new URL(webhook_url).hostname,
    send: (notification) => slack.send(notification, { webhook_url }, { ...deployment, post }),
  }
}

/** A stored channel, with its secrets decrypted. Throws JobFailure, permanent, if it cannot be used: only a person can mend that. */
export const storedReceiver = async (stored: StoredChannel, deployment: Deployment, { isTest = false } = {}): Promise<Receiver> => {
  const { settings: environment, outbound } = deployment
  const broken = (why: string) => new JobFailure(`The channel ${JSON.stringify(stored.name)} cannot be used: ${why}`, { permanent: true })
  const channel = channelOf(stored.kind)
  if (!channel) throw broken(`this version does not know the kind ${stored.kind}`)
  const secrets = stored.secrets === null ? {} : await unseal(environment.WATCHER_ENCRYPTION_KEY, stored.secrets_id ?? '', stored.secrets)
  if (!secrets)
    throw broken('none of the keys in WATCHER_ENCRYPTION_KEY decrypts its secrets; add the key of that time, or store its settings again')
  const read = channel.settings.safeParse({ ...stored.settings, ...secrets })
  if (!read.success) throw broken('its settings are not complete; store them again')
  const urls = channel.urls.map((name) => String(read.data[name] ?? ''))
  for (const url of urls) {
    const fault = urlFault(url, environment)
    if (fault) throw broken(`its URL is refused (${fault})`)
  }
  const post = postTo({
    name: channel.name,
    setting: `the settings of the channel ${JSON.stringify(stored.name)}`,
    publicUrl: environment.WATCHER_PUBLIC_URL,
    isTest,
    // Whoever may allow private addresses, allows all of them.
    ...(!environment.WATCHER_ALLOW_PRIVATE_WEBHOOKS && { send: outbound.publicFetch }),
  })
  return {
    name: channel.name,
    host: urls[0] === undefined ? '' : new URL(urls[0]).hostname,
    send: (notification) => channel.send(notification, read.data, { ...deployment, post }),
  }
}
