/** Sends a request, as the global `fetch` does. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** An e-mail. The platform sends it to at most 50 addresses. */
export interface Mail {
  from: string
  to: string[]
  subject: string
  text: string
  html: string
}

/** How to reach what is outside of Watcher. */
export interface Outbound {
  /**
   * Reaches addresses that clients choose. A server of one's own (server/configuration.ts) has a network of its own for them, without
   * private addresses: a worker cannot resolve names, so it cannot know where a name leads. Cloudflare's network has no private ones.
   */
  publicFetch: Fetch
  /** Sends an e-mail through the binding EMAIL; undefined: the deployment has none. Throws an error with a `code`. */
  sendMail: ((mail: Mail) => Promise<unknown>) | undefined
}

interface OutboundBindings {
  PUBLIC_NETWORK?: { fetch: Fetch }
  EMAIL?: { send: (mail: Mail) => Promise<unknown> }
}

/** The ways out that this environment has. */
export const outboundOf = (env: object): Outbound => {
  const { PUBLIC_NETWORK: network, EMAIL: email } = env as OutboundBindings
  return {
    publicFetch: network ? (url, init) => network.fetch(url, init) : (url, init) => fetch(url, init),
    sendMail: email && ((mail) => email.send(mail)),
  }
}
