import ipaddr from 'ipaddr.js'
import type { Settings } from '../env.ts'

/** What decides which addresses a channel may have. */
export type UrlRules = Pick<Settings, 'ENV_STATE' | 'WATCHER_ALLOW_PRIVATE_WEBHOOKS'>

const PRIVATE_NAME = /(^|\.)(internal|local|localhost)$/
/** In dev, only in these spellings. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost):\d+(\/|$)/

/**
 * Says why a channel may not post to this URL; undefined if it may. A client chooses the URL and Watcher posts to it, so it must not
 * lead into the network of the server: https only, without credentials, and no private address in any notation (`URL` writes all
 * notations of an IPv4 address as four decimals). A worker cannot resolve names: a self-hosted one has no route to private addresses.
 */
export const urlFault = (text: string, { ENV_STATE, WATCHER_ALLOW_PRIVATE_WEBHOOKS }: UrlRules): string | undefined => {
  if (!URL.canParse(text)) return 'Must be a URL'
  const url = new URL(text)
  if (!['http:', 'https:'].includes(url.protocol)) return 'Must be an https URL'
  if (url.username || url.password) return 'Must not contain a user or a password'
  if (WATCHER_ALLOW_PRIVATE_WEBHOOKS || (ENV_STATE === 'dev' && LOOPBACK.test(text))) return undefined
  if (url.protocol !== 'https:') return 'Must be an https URL'
  const host = hostWithoutDots(url)
  if (/^[\d.]+$/.test(host) || host.includes(':')) return isPublicAddress(host) ? undefined : 'Must not be a private address'
  return PRIVATE_NAME.test(host) || !host.includes('.') ? 'Must not be a private name' : undefined
}

/** A resolver takes dots at the end away, and what is left may be a private name, or an address in another notation. */
const hostWithoutDots = ({ hostname }: URL): string => {
  const host = `https://${hostname.replace(/\.+$/, '')}`
  return URL.canParse(host) ? new URL(host).hostname.replace(/^\[|\]$/g, '') : ''
}

/** The deprecated form of an IPv4 address in an IPv6 one: ipaddr.js takes it for an address like any other. */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96')

/** Other forms of an IPv4 address in an IPv6 one (mapped, translated, tunnelled) have a range of their own, so they are not public. */
const isPublicAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  return address.range() === 'unicast' && !(address instanceof ipaddr.IPv6 && address.match(IPV4_COMPATIBLE))
}
