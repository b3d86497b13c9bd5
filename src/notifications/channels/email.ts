import { z } from 'zod'
import { withinTime } from '../../core/within-time.ts'
import { JobFailure } from '../../jobs/job.ts'
import type { Channel, Deployment } from './channel.ts'

/** The platform sends one e-mail to at most so many addresses. */
const MAX_RECIPIENTS = 50
/** Mail programs show hardly more of a subject. */
const MAX_SUBJECT_CHARACTERS = 150

const settings = z.object({
  to: z
    .array(z.email('Must be an e-mail address'), 'Must be a list of e-mail addresses')
    .min(1, 'Must have at least one address')
    .max(MAX_RECIPIENTS, `Must have at most ${MAX_RECIPIENTS} addresses`),
})

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The message as it is, in a font with fixed width; its links can be followed. */
const asHtml = (text: string): string =>
  `<pre style="font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap">${escapeHtml(text).replace(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`)}</pre>`

const subjectOf = (text: string): string => {
  const [level = ''] = text.split('\n')
  const message = /^Message: (.*)$/m.exec(text)?.[1]
  return `${level}${message ? `: ${message}` : ''}`.slice(0, MAX_SUBJECT_CHARACTERS)
}

const lacks = ({ settings: { WATCHER_EMAIL_FROM }, outbound: { sendMail } }: Deployment): string | undefined => {
  if (!sendMail)
    return 'This deployment cannot send e-mail: add the binding [[send_email]] name = "EMAIL" to wrangler.toml, and deploy again'
  return WATCHER_EMAIL_FROM === undefined ? 'This deployment has no sender: set WATCHER_EMAIL_FROM to an address of your domain' : undefined
}

/** Much shorter than a claim holds, as for every other channel: see post.ts. */
const TIMEOUT_MILLIS = 10_000

/** What the binding's errors mean: `code` is the platform's word for it. */
const failureOf = (error: unknown): JobFailure => {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string }
  const fault = `The e-mail was not taken (${code ?? message.slice(0, 100)})`
  if (/RATE|LIMIT/.test(code ?? '')) return new JobFailure(fault, { retryAfterSeconds: 60, cause: error })
  if (/VALIDATION|SENDER|RECIPIENT|FIELD|HEADER|CONTENT|SUPPRESSED/.test(code ?? ''))
    return new JobFailure(`${fault}: check the channel's addresses and WATCHER_EMAIL_FROM, then send it again`, {
      permanent: true,
      cause: error,
    })
  // Without a code it is unknown whether it was sent.
  return new JobFailure(fault, { interrupted: code === undefined, cause: error })
}

/** E-mail through the platform's binding: the same text as for Slack, plain and as HTML. */
export const email: Channel<z.output<typeof settings>> = {
  kind: 'email',
  name: 'E-mail',
  description: '`to`: 1 to 50 addresses. It needs the binding `EMAIL` and the setting `WATCHER_EMAIL_FROM`.',
  settings,
  secrets: [],
  urls: [],
  lacks,
  send: async ({ text }, { to }, { settings: { WATCHER_EMAIL_FROM: from }, outbound: { sendMail } }) => {
    if (!sendMail || from === undefined) throw new JobFailure('This deployment cannot send e-mail any more', { permanent: true })
    try {
      await withinTime(sendMail({ from, to, subject: subjectOf(text), text, html: asHtml(text) }), TIMEOUT_MILLIS, 'no answer')
    } catch (error) {
      throw failureOf(error)
    }
    return `taken for ${to.length} address${to.length === 1 ? '' : 'es'}`
  },
}
