import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the servers of this process have in common: Neon's endpoint and the queue's broker. Only this machine's workerd calls them. */

/** A refusal, with its HTTP status. */
export class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The body; undefined if it is larger. It is read to its end in any case, because the connection is reused. */
export const readBytes = async (request: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks)
}

export const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Lets the server listen on a loopback port, a free one if it is 0. */
export const listenLocally = async (server: Server, port = 0): Promise<{ port: number; close: () => Promise<void> }> => {
  // workerd reuses idle connections. A request is lost if the server closes its connection at that moment, so keep it open.
  server.keepAliveTimeout = 10 * 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections() // workerd keeps its connections alive, and close() would wait for them
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
