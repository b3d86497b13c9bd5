import { alertmanager } from './alertmanager.ts'
import type { Channel } from './channel.ts'
import { discord } from './discord.ts'
import { email } from './email.ts'
import { pagerduty } from './pagerduty.ts'
import { slack } from './slack.ts'
import { teams } from './teams.ts'
import { webhook } from './webhook.ts'

/** Every kind of channel. The settings of each are read with its own schema, so what it sends fits. */
export const channels = [slack, webhook, pagerduty, alertmanager, email, teams, discord] as readonly Channel<unknown>[] as readonly Channel<
  Record<string, unknown>
>[]

export const CHANNEL_KINDS = channels.map(({ kind }) => kind) as [string, ...string[]]

/** The channel of this kind; undefined if this version does not know it. */
export const channelOf = (kind: string): Channel<Record<string, unknown>> | undefined => channels.find((channel) => channel.kind === kind)
