import { z } from 'zod'
import type { Channel } from './channel.ts'

const settings = z.object({ webhook_url: z.string() })

/** Teams refuses cards of more than 28 kB. */
const MAX_CHARACTERS = 20_000

/** Plain text: a text block would read Markdown in it. */
const lineOf = (line: string) => ({
  type: 'RichTextBlock',
  spacing: 'None',
  inlines: [{ type: 'TextRun', text: line === '' ? ' ' : line }],
})

/** A workflow of Microsoft Teams ("Post to a channel when a webhook request is received"). */
export const teams: Channel<z.output<typeof settings>> = {
  kind: 'teams',
  name: 'Teams',
  description: '`webhook_url`: the URL of a workflow "Post to a channel when a webhook request is received". It gets an adaptive card.',
  settings,
  secrets: ['webhook_url'],
  urls: ['webhook_url'],
  send: async ({ text, url }, { webhook_url }, { post }) => {
    return post(webhook_url, {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            msteams: { width: 'Full' },
            body: text.slice(0, MAX_CHARACTERS).split('\n').map(lineOf),
            ...(url && { actions: [{ type: 'Action.OpenUrl', title: 'Open in Watcher', url }] }),
          },
        },
      ],
    })
  },
}
