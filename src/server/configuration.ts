import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Asset } from './assets.ts'
import { QUEUE_HEADER } from './broker.ts'
import type { WranglerConfig } from './wrangler-config.ts'

/** The names of the sockets, in workerd's configuration and in its reports. */
export const CONTROL_SOCKET = 'control'
const HTTP_SOCKET = 'http'

/**
 * In MiB: without limits V8 takes what the machine has before it collects garbage. The text of large answers does not count: 24
 * lists of 9 MiB at once were served within these limits.
 */
const V8_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=4']

export interface WorkerdOptions {
  /** The address that HOST names, and PORT. */
  host: string
  port: number
  wrangler: WranglerConfig
  /** The names of the settings: their values are in workerd's environment, so that no file holds a secret. */
  settings: readonly string[]
  version: string
  /** The folder of the assets, and what is in it. */
  assetsFolder: string
  assets: Readonly<Record<string, Asset>>
  brokerPort: number
  /** The secret that broker and control worker ask for. */
  secret: string
  /** Certificates in PEM to trust beside those that browsers trust. */
  certificates: readonly string[]
}

/** Text as Cap'n Proto writes it. */
const quote = (text: string): string =>
  `"${text.replace(/[\\"\n\r\t]/g, (found) => ({ '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[found] ?? '')}"`

const flags = (names: readonly string[]): string => `[${names.map(quote).join(', ')}]`

const list = (items: readonly string[]): string => (items.length === 0 ? '[]' : `[\n      ${items.join(',\n      ')} ]`)

/**
 * The configuration of `workerd serve`, in Cap'n Proto's text format. Its folder must hold `entry.js`, `worker.js` and
 * `control.js`. Two workers: `watcher`, the bundle behind entry.js, on the public sockets; `control` on a loopback socket, which
 * passes crons and deliveries on. The worker may call private addresses that its operator names: its own PostgreSQL, a chat server in the
 * company. Those that clients choose (channels) are reached by the network `public` only.
 */
export const describeWorkerd = (options: WorkerdOptions): string => {
  const { wrangler, secret } = options
  const authorization = `(name = "authorization", value = ${quote(`Bearer ${secret}`)})`
  const json = (value: unknown) => `json = ${quote(JSON.stringify(value))}`
  const limits = Object.fromEntries(wrangler.ratelimits.map(({ name, simple }) => [name, simple]))
  const bindings = [
    ...options.settings.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
    `(name = ${quote(wrangler.version_metadata.binding)}, ${json({ id: options.version, tag: '', timestamp: '' })})`,
    `(name = "RATE_LIMITS", ${json(limits)})`,
    `(name = "ASSETS", ${json(options.assets)})`,
    `(name = "FILES", service = "files")`,
    `(name = "PUBLIC_NETWORK", service = "public")`,
    ...wrangler.queues.producers.map(({ binding, queue }) => `(name = ${quote(binding)}, queue = ${quote(`queue:${queue}`)})`),
  ]
  const producers = wrangler.queues.producers.map(
    ({ queue }) =>
      `(name = ${quote(`queue:${queue}`)}, external = (address = "127.0.0.1:${options.brokerPort}",
        http = (injectRequestHeaders = [${authorization}, (name = "${QUEUE_HEADER}", value = ${quote(queue)})])))`,
  )
  const sockets = [
    ...addressesOf(options.host).map(
      (address, index) =>
        `(name = "${HTTP_SOCKET}${index}", address = ${quote(`${address}:${options.port}`)}, service = "watcher", http = (forwardedProtoHeader = "X-Forwarded-Proto"))`,
    ),
    `(name = "${CONTROL_SOCKET}", address = "127.0.0.1:0", service = "control", http = ())`,
  ]
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${flags(V8_FLAGS)},
  services = [
    (name = "watcher", worker = (
      modules = [(name = "entry.js", esModule = embed "entry.js"), (name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = ${quote(wrangler.compatibility_date)},
      compatibilityFlags = ${flags(wrangler.compatibility_flags)},
      globalOutbound = "network",
      bindings = ${list(bindings)})),
    (name = "control", worker = (
      modules = [(name = "control.js", esModule = embed "control.js")],
      compatibilityDate = ${quote(wrangler.compatibility_date)},
      compatibilityFlags = ${flags(['service_binding_extra_handlers'])},
      bindings = [(name = "SECRET", text = ${quote(secret)}), (name = "MAIN", service = "watcher"),
        (name = "DRAIN", service = (name = "watcher", entrypoint = "drain"))])),
    (name = "network", network = (allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = true, trustedCertificates = [${options.certificates.map(quote).join(', ')}]))),
    (name = "public", network = (allow = ["public"],
      tlsOptions = (trustBrowserCas = true, trustedCertificates = [${options.certificates.map(quote).join(', ')}]))),
    (name = "files", disk = (path = ${quote(options.assetsFolder)}, writable = false)),
    ${producers.join(',\n    ')} ],
  sockets = ${list(sockets)});
`
}

/** The addresses to listen on: this machine, all addresses, or the one that is named. `localhost` may mean IPv6. */
const addressesOf = (host: string): string[] => {
  if (['0.0.0.0', '::', '*'].includes(host)) return ['*']
  if (!['127.0.0.1', 'localhost'].includes(host)) return [host.includes(':') ? `[${host}]` : host]
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))
  return ['127.0.0.1', ...(hasIpv6 ? ['[::1]'] : [])]
}

/** The certificates of the file that NODE_EXTRA_CA_CERTS names. */
export const readCertificates = (path: string | undefined): string[] =>
  path ? (readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []) : []
