import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceiverAnswer, Taken } from '../provided.ts'

/**
 * A local server in place of Slack's incoming webhooks or a collector of traces. Each path is a channel:
 * `POST /hook/<channel>` accepts a body, `PUT` sets the answers to the next posts (after these it is 200 again), `GET`
 * returns the accepted posts and the number of all posts.
 */
export const startReceiver = async (): Promise<{ url: string; close: () => Promise<void> }> => {
  const channels = new Map<string, { taken: Taken[]; posts: number; answers: ReceiverAnswer[] }>()
  const server = createServer(async (request, response) => {
    const channel = channels.get(request.url ?? '') ?? { taken: [], posts: 0, answers: [] }
    channels.set(request.url ?? '', channel)
    const body = await readText(request)
    if (request.method === 'PUT') {
      channel.answers = JSON.parse(body)
      return send(response, 200, '{}')
    }
    if (request.method === 'GET') return send(response, 200, JSON.stringify({ taken: channel.taken, posts: channel.posts }))
    channel.posts += 1
    const {
      status = 200,
      headers = {},
      body: text = 'ok',
      hangs = false,
      then,
      delayMillis = 0,
      accepted = status === 200 && !hangs,
    } = channel.answers.shift() ?? {}
    if (accepted) channel.taken.push({ headers: request.headers, body })
    if (delayMillis > 0) await sleep(delayMillis)
    if (then) return sendStrangely(response, status, then)
    if (!hangs) send(response, status, text, headers)
  })
  server.keepAliveTimeout = 10 * 60 * 1000 // workerd uses an idle connection again without a check
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const readText = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** At most this much of an endless body: who reads more has no limit. */
const MAX_STRANGE_BYTES = 200 * 1024 * 1024

const sendStrangely = async (response: ServerResponse, status: number, then: 'breaks' | 'never ends'): Promise<void> => {
  response.writeHead(status, { 'content-length': String(10 * MAX_STRANGE_BYTES) })
  const part = 'x'.repeat(64 * 1024)
  await new Promise<void>((resolve) => response.write('ok', () => resolve()))
  await sleep(100) // the client has the beginning
  for (let bytes = 0; then === 'never ends' && bytes < MAX_STRANGE_BYTES && !response.destroyed; bytes += part.length) {
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.destroy()
}

const send = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void => {
  response.writeHead(status, headers).end(body)
}
