import type { z } from 'zod'
import type { Outbound } from '../../core/outbound.ts'
import type { Settings } from '../../env.ts'
import type { Post } from '../post.ts'
import type { Notification } from '../told.ts'

/** What the deployment gives to channels. */
export interface Deployment {
  settings: Settings
  outbound: Outbound
}

/** How a channel sends. */
export interface Means extends Deployment {
  /** Decides what the service's answer means, and throws JobFailure if it failed. */
  post: Post
}

/** A way to send notifications. A new one needs a file in this folder and a line in index.ts. */
export interface Channel<ChannelSettings> {
  kind: string
  /** The name of the service, for error messages. */
  name: string
  /** For the docs: what to give it, and what it sends. */
  description: string
  /** What the channel needs to know about the service, including secrets. */
  settings: z.ZodType<ChannelSettings>
  /** The settings that are secret. They are texts. */
  secrets: readonly (keyof ChannelSettings & string)[]
  /** The settings that are URLs to post to. */
  urls: readonly (keyof ChannelSettings & string)[]
  /** True: a program receives it, so it hears of acknowledgements, and of everything that is over. */
  isPager?: true
  /** True: each incident is a notification of its own; else all that one sweep found is one. */
  isSingle?: true
  /** True: it wants many incidents of one sweep as one notification. */
  isSweeper?: true
  /** True: the service takes an alert as over if it is not renewed by each tick. */
  isRenewed?: true
  /** Says what the deployment lacks for such channels, and how to add it; undefined: nothing. */
  lacks?: (deployment: Deployment) => string | undefined
  /** Sends once. Throws JobFailure if that failed. Returns what the service answered, in one line. */
  send: (notification: Notification, settings: ChannelSettings, means: Means) => Promise<string>
}
