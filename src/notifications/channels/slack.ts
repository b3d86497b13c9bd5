import { z } from 'zod'
import type { Channel } from './channel.ts'

/** Slack reads `<!channel>` and `<https://…>` as commands: a pipeline's name must not be one. */
const withoutMarkup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

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
  send: ({ text }, { webhook_url }, post) => post(webhook_url, { text: withoutMarkup(text) }),
}
