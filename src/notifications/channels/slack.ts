import { z } from 'zod'
import type { Channel } from './channel.ts'

/** Escapes Slack's markup: a pipeline called `<!channel>` must not act as a command. */
const escapeMarkup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const settings = z.object({ webhook_url: z.url({ protocol: /^https?$/ }) })

/** A Slack incoming webhook. */
export const slack: Channel<z.output<typeof settings>> = {
  kind: 'slack',
  name: 'Slack',
  settings,
  fromEnvironment: ({ SLACK_WEBHOOK_URL: webhook_url }) =>
    webhook_url === undefined
      ? undefined
      : { settings: { webhook_url }, variable: 'SLACK_WEBHOOK_URL', host: new URL(webhook_url).hostname },
  send: ({ text }, { webhook_url }, post) => post(webhook_url, { text: escapeMarkup(text) }),
}
