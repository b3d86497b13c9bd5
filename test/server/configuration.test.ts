import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeWorkerd, readCertificates, type WorkerdOptions } from '../../src/server/configuration.ts'
import { parseWranglerConfig } from '../../src/server/wrangler-config.ts'

const options: WorkerdOptions = {
  host: '127.0.0.1',
  port: 8787,
  wrangler: parseWranglerConfig(readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')),
  settings: ['DATABASE_URL', 'WATCHER_API_TOKENS'],
  version: 'abc',
  assetsFolder: '/srv/a "folder"\\with signs',
  assets: {},
  brokerPort: 40_001,
  secret: 'of-tests',
  certificates: [],
}
const socketsOf = (host: string) =>
  [...describeWorkerd({ ...options, host }).matchAll(/address = "([^"]+)", service = "watcher"/g)].map(([, address]) => address)

describe("workerd's configuration", () => {
  it.each([
    ['0.0.0.0', ['*:8787']],
    ['::', ['*:8787']],
    ['10.0.0.7', ['10.0.0.7:8787']],
    ['fd00::1', ['[fd00::1]:8787']],
  ])('listens where HOST=%s says', (host, addresses) => {
    expect(socketsOf(host)).toEqual(addresses)
  })

  it('listens on this machine by both of its addresses, where it has both', () => {
    expect([['127.0.0.1:8787'], ['127.0.0.1:8787', '[::1]:8787']]).toContainEqual(socketsOf('127.0.0.1'))
    expect(socketsOf('localhost')).toEqual(socketsOf('127.0.0.1'))
  })

  it('takes the settings from the environment, so that no file holds their values', () => {
    const text = describeWorkerd(options)
    expect(text).toContain('(name = "WATCHER_API_TOKENS", fromEnvironment = "WATCHER_API_TOKENS")')
    expect(text).toContain('(name = "JOBS", queue = "queue:watcher-jobs")')
  })

  it('has a network without private addresses, for URLs that clients choose', () => {
    const text = describeWorkerd(options)
    expect(text).toContain('(name = "PUBLIC_NETWORK", service = "public")')
    expect(text).toMatch(/\(name = "public", network = \(allow = \["public"\],/)
    expect(text).toContain('globalOutbound = "network"')
  })

  it('quotes what is quoted in a path', () => {
    expect(describeWorkerd(options)).toContain('path = "/srv/a \\"folder\\"\\\\with signs"')
  })

  it('trusts each certificate of the file, beside those that browsers trust', () => {
    const folder = mkdtempSync(join(tmpdir(), 'watcher-certificates-'))
    const file = join(folder, 'ca.pem')
    const [one, two] = ['AAAA', 'BBBB'].map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`)
    writeFileSync(file, `# ours\n${one}\n\n${two}\n`)
    expect(readCertificates(file)).toEqual([one, two])
    expect(describeWorkerd({ ...options, certificates: readCertificates(file) })).toContain(
      'trustedCertificates = ["-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\\nBBBB',
    )
    expect(readCertificates(undefined)).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
