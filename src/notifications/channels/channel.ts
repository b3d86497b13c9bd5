import type { z } from 'zod'
import type { Settings } from '../../env.ts'
import type { Post } from '../post.ts'

/** Something to tell, in words. */
export interface Notification {
  text: string
}

/** A way to tell people: one file beside this one and its line in index.ts. */
export interface Channel<ChannelSettings> {
  kind: string
  /** What people call the other side, in sentences about it. */
  name: string
  /** What the channel has to know of the other side; secrets included. */
  settings: z.ZodType<ChannelSettings>
  /** The settings that the deployment's own environment gives it, and the name of the variable; undefined: it gives none. */
  fromEnvironment: (environment: Settings) => { settings: ChannelSettings; variable: keyof Settings; host: string } | undefined
  /** Sends once. What the other side's answer means is decided by `post`; a failure is its JobFailure. */
  send: (notification: Notification, settings: ChannelSettings, post: Post) => Promise<void>
}
