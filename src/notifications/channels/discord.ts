import { z } from 'zod'
import { severityOf } from '../told.ts'
import type { Channel } from './channel.ts'

const settings = z.object({ webhook_url: z.string() })

/** Discord refuses longer descriptions. */
const MAX_CHARACTERS = 4_000

const GREEN = 0x2e7d32
const AMBER = 0xb26a00
const RED = 0xc62828

/** Escapes Markdown: a pipeline called `__init__` keeps its name. */
const escapeMarkdown = (text: string): string => text.replace(/[\\*_~`|>[\]]/g, '\\$&')

/** A webhook of Discord. */
export const discord: Channel<z.output<typeof settings>> = {
  kind: 'discord',
  name: 'Discord',
  description: '`webhook_url`: a webhook of a Discord channel. It gets an embed.',
  settings,
  secrets: ['webhook_url'],
  urls: ['webhook_url'],
  send: async ({ text, event, incidents, url }, { webhook_url }, { post }) => {
    const color = event === 'resolved' ? GREEN : severityOf(incidents) === 'critical' ? RED : AMBER
    const [title = '', ...lines] = text.split('\n')
    const description = escapeMarkdown(lines.join('\n')).slice(0, MAX_CHARACTERS)
    return post(webhook_url, { embeds: [{ title, description, color, ...(url && { url }) }], allowed_mentions: { parse: [] } })
  },
}
