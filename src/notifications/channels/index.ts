import type { Settings } from '../../env.ts'
import { type Post, postTo } from '../post.ts'
import type { Channel, Notification } from './channel.ts'
import { slack } from './slack.ts'

/** Every kind of channel. */
const channels = [slack] as const

/** A channel with its settings: what is left is to send. */
export interface ReadyChannel {
  kind: string
  name: string
  host: string
  send: (notification: Notification) => Promise<void>
}

const ready = <ChannelSettings>(channel: Channel<ChannelSettings>, environment: Settings): ReadyChannel | undefined => {
  const given = channel.fromEnvironment(environment)
  if (!given) return undefined
  const post: Post = postTo({ name: channel.name, setting: given.variable })
  const { kind, name } = channel
  return { kind, name, host: given.host, send: (notification) => channel.send(notification, given.settings, post) }
}

/** The channel that the deployment's environment names, the first of the list; undefined: alerts go to the log only. */
export const channelOf = (environment: Settings): ReadyChannel | undefined => {
  for (const channel of channels) {
    const found = ready(channel, environment)
    if (found) return found
  }
  return undefined
}
