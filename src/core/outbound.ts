/** Sends a request, as the global `fetch` does. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * How to reach addresses that clients choose. A server of one's own (server/configuration.ts) has a network of its own for them, without
 * private addresses: a worker cannot resolve names, so it cannot know where a name leads. Cloudflare's network has no private ones.
 */
export const publicFetch = (env: object): Fetch => {
  const { PUBLIC_NETWORK: network } = env as { PUBLIC_NETWORK?: { fetch: Fetch } }
  return network ? (url, init) => network.fetch(url, init) : (url, init) => fetch(url, init)
}
