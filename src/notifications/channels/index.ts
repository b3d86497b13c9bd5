import type { Settings } from '../../env.ts'
import { type Post, postTo } from '../post.ts'
import type { Channel, Notification } from './channel.ts'
import { slack } from './slack.ts'

/** Every kind of channel. */
const channels = [slack] as const

/** A channel with its settings, ready to send. */
export interface ReadyChannel {
  kind: string
  name: string
  host: string
  send: (notification: Notification) => Promise<void>
}

const configureChannel = <ChannelSettings>(channel: Channel<ChannelSettings>, environment: Settings): ReadyChannel | undefined => {
  const given = channel.fromEnvironment(environment)
  if (!given) return undefined
  const post: Post = postTo({ name: channel.name, setting: given.variable })
  const { kind, name } = channel
  return { kind, name, host: given.host, send: (notification) => channel.send(notification, given.settings, post) }
}

/** The first channel in the list that the environment configures; undefined: alerts go only to the log. */
export const channelOf = (environment: Settings): ReadyChannel | undefined => {
  for (const channel of channels) {
    const found = configureChannel(channel, environment)
    if (found) return found
  }
  return undefined
}
