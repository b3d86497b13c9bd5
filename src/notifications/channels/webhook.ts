import { z } from 'zod'
import { decodeBase64, encodeBase64 } from '../../core/base64.ts'
import type { ToldIncident } from '../told.ts'
import type { Channel } from './channel.ts'

const PREFIX = 'whsec_'

const decodeSecret = (secret: string): Uint8Array<ArrayBuffer> => decodeBase64(secret.slice(PREFIX.length))

const isSecret = (text: string): boolean => {
  try {
    const { length } = decodeSecret(text)
    return text.startsWith(PREFIX) && length >= 24 && length <= 64
  } catch {
    return false
  }
}

const settings = z.object({
  url: z.string(),
  secret: z.string().refine(isSecret, { error: 'Must be whsec_ and 24 to 64 bytes in base64: echo "whsec_$(openssl rand -base64 32)"' }),
})

/** The signature of Standard Webhooks: HMAC-SHA256 over id, time and body. */
const sign = async (secret: string, content: string): Promise<string> => {
  const key = await crypto.subtle.importKey('raw', decodeSecret(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content))
  return encodeBase64(new Uint8Array(signature))
}

/** The incident as the API shows it, without what is about the message. `effects` is a list there, and a number here: it has another name. */
const incidentOf = ({ notification_id: _id, event: _event, at: _at, by: _by, text: _text, effects, ...incident }: ToldIncident) => ({
  ...incident,
  open_effects: effects,
})

/** Any service that speaks Standard Webhooks (standardwebhooks.com). */
export const webhook: Channel<z.output<typeof settings>> = {
  kind: 'webhook',
  name: 'The webhook',
  description:
    '`url`, and `secret` (`whsec_…`). Standard Webhooks: the body `{type, timestamp, data}`, with the incident in `data`, is signed. `webhook-id` is the same in every attempt.',
  settings,
  secrets: ['secret'],
  urls: ['url'],
  isPager: true,
  isSingle: true,
  send: async ({ event, incidents, now }, { url, secret }, { post }) => {
    const [incident] = incidents
    const id = incident ? `notification_${incident.notification_id}` : `test_${crypto.randomUUID()}`
    const body = JSON.stringify({ type: `incident.${event}`, timestamp: incident?.at ?? now, data: incident ? incidentOf(incident) : {} })
    // The time of this attempt: a receiver refuses an old one. When it happened, which no retry changes, is in the body.
    const timestamp = String(Math.floor(Date.parse(now) / 1000))
    return post(url, body, {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${await sign(secret, `${id}.${timestamp}.${body}`)}`,
    })
  },
}
