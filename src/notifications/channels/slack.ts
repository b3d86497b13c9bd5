import { z } from 'zod'
import { fitText } from '../fit.ts'
import type { Channel } from './channel.ts'

/** Slack refuses longer texts. */
const MAX_CHARACTERS = 39_000

/** Escapes Slack's markup: a pipeline called `<!channel>` must not act as a command. */
const escapeMarkup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const settings = z.object({ webhook_url: z.string() })

/** A Slack incoming webhook. */
export const slack: Channel<z.output<typeof settings>> = {
  kind: 'slack',
  name: 'Slack',
  description: '`webhook_url`: an incoming webhook. Also for Mattermost and Rocket.Chat, which take the same.',
  settings,
  secrets: ['webhook_url'],
  urls: ['webhook_url'],
  send: async (told, { webhook_url }, { post }) => {
    return post(webhook_url, { text: escapeMarkup(fitText(told, (text) => escapeMarkup(text).length <= MAX_CHARACTERS)) })
  },
}
