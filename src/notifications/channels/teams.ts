import { z } from 'zod'
import { fitText } from '../fit.ts'
import type { Channel } from './channel.ts'

const settings = z.object({ webhook_url: z.string() })

/** Teams refuses messages of more than 28 KB. The workflow may add something of its own. */
const MAX_BYTES = 27_000

/** Plain text: a text block would read Markdown in it. */
const lineOf = (line: string) => ({
  type: 'RichTextBlock',
  spacing: 'None',
  inlines: [{ type: 'TextRun', text: line === '' ? ' ' : line }],
})

const messageOf = (text: string, url: string | undefined) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        msteams: { width: 'Full' },
        body: text.split('\n').map(lineOf),
        ...(url && { actions: [{ type: 'Action.OpenUrl', title: 'Open in Watcher', url }] }),
      },
    },
  ],
})

const encoder = new TextEncoder()

/** A workflow of Microsoft Teams ("Post to a channel when a webhook request is received"). */
export const teams: Channel<z.output<typeof settings>> = {
  kind: 'teams',
  name: 'Teams',
  description: '`webhook_url`: the URL of a workflow "Post to a channel when a webhook request is received". It gets an adaptive card.',
  settings,
  secrets: ['webhook_url'],
  urls: ['webhook_url'],
  send: async (told, { webhook_url }, { post }) => {
    // Each line has JSON of its own around it, and a character up to six bytes: only the bytes of the whole say whether it is too large.
    const fits = (text: string) => encoder.encode(JSON.stringify(messageOf(text, told.url))).length <= MAX_BYTES
    return post(webhook_url, messageOf(fitText(told, fits), told.url))
  },
}
