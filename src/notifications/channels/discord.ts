import { z } from 'zod'
import { fitText } from '../fit.ts'
import { severityOf } from '../told.ts'
import type { Channel } from './channel.ts'

const settings = z.object({ webhook_url: z.string() })

/** Discord refuses longer ones. */
const MAX_CHARACTERS = { title: 256, description: 4_096 }
type Part = keyof typeof MAX_CHARACTERS

const GREEN = 0x2e7d32
const AMBER = 0xb26a00
const RED = 0xc62828

/** What Discord makes a link of, as far as a URL's own characters go: brackets after it may be Markdown of whoever wrote the text. */
const URL_OR_MARKDOWN = /https?:\/\/[\w.~:/?#@!$&'()*+,;=%-]+|[\\*_~`|>[\]]/g

/** Escapes Markdown: a pipeline called `__init__` keeps its name. In a URL Discord reads none, and a backslash would be part of it. */
const escapeMarkdown = (text: string): string => text.replace(URL_OR_MARKDOWN, (found) => (found.length > 1 ? found : `\\${found}`))

/** The first line, and the others. */
const partsOf = (text: string): Record<Part, string> => {
  const [title = '', ...lines] = text.split('\n')
  return { title, description: escapeMarkdown(lines.join('\n')) }
}

/** A webhook of Discord. */
export const discord: Channel<z.output<typeof settings>> = {
  kind: 'discord',
  name: 'Discord',
  description: '`webhook_url`: a webhook of a Discord channel. It gets an embed.',
  settings,
  secrets: ['webhook_url'],
  urls: ['webhook_url'],
  send: async (told, { webhook_url }, { post }) => {
    const { event, incidents, url } = told
    const color = event === 'resolved' ? GREEN : severityOf(incidents) === 'critical' ? RED : AMBER
    const fits = (text: string) => Object.entries(partsOf(text)).every(([part, { length }]) => length <= MAX_CHARACTERS[part as Part])
    return post(webhook_url, {
      embeds: [{ ...partsOf(fitText(told, fits)), color, ...(url && { url }) }],
      allowed_mentions: { parse: [] },
    })
  },
}
