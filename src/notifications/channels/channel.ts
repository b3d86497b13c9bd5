import type { z } from 'zod'
import type { Settings } from '../../env.ts'
import type { Post } from '../post.ts'

/** What a channel sends. */
export interface Notification {
  text: string
}

/** A way to send notifications. A new one needs a file in this folder and a line in index.ts. */
export interface Channel<ChannelSettings> {
  kind: string
  /** The name of the service, for error messages. */
  name: string
  /** What the channel needs to know about the service, including secrets. */
  settings: z.ZodType<ChannelSettings>
  /** The settings from the deployment's environment, with the name of their variable; undefined if it has none. */
  fromEnvironment: (environment: Settings) => { settings: ChannelSettings; variable: keyof Settings; host: string } | undefined
  /** Sends once. `post` decides what the service's answer means, and throws JobFailure if it failed. */
  send: (notification: Notification, settings: ChannelSettings, post: Post) => Promise<void>
}
