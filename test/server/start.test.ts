import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startReceiver } from '../support/node/receiver.ts'
import { COMMAND, DOCKERFILE, HEADERS, openSetup, portsOf, type Server, type Setup } from '../support/node/server.ts'
import type { Taken } from '../support/provided.ts'

const ROOT = join(import.meta.dirname, '../..')

let setup: Setup
let receiver: Awaited<ReturnType<typeof startReceiver>>
let channels = 0

beforeAll(async () => {
  setup = await openSetup()
  receiver = await startReceiver()
})

beforeEach(() => setup.clear())
afterEach(() => setup.killServers())

afterAll(async () => {
  await receiver.close()
  await setup.close()
})

const ASSET_HEADERS = readFileSync(join(ROOT, 'src/pages/frame/static/_headers'), 'utf8')

/** The headers that `_headers` sets for a path, and the same headers of an answer. */
const headersFor = (path: string): [name: string, value: string][] => {
  const below = ASSET_HEADERS.split(/^(?=\/)/m).find((text) => text.startsWith(`${path}\n`)) ?? ''
  return [...below.matchAll(/^ {2}([\w-]+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value])
}
const headersOf = (answer: Response, path: string) => headersFor(path).map(([name]) => [name, answer.headers.get(name)])

const lateRun = async ({ post }: Server, name: string) => {
  await post('/pipeline', { name, pipeline_type_name: 'of tests', timeliness_number: 1, timeliness_datepart: 'minute' })
  await post('/start_pipeline_execution', { pipeline_name: name, start_date: new Date(Date.now() - 600_000).toISOString() })
}

describe('npm start', () => {
  it('serves the production bundle: refuses requests without a token, serves assets and its version, and runs jobs', async () => {
    const server = await setup.serve()
    const open = await fetch(`${server.url}/?deep=true`)
    expect([open.status, await open.json()]).toMatchObject([200, { status: 'ok' }])
    expect(open.headers.get('x-watcher-version')).toMatch(/^[0-9a-f]{12}$/)
    expect((await fetch(`${server.url}/pipeline`)).status).toBe(401)
    const asset = await fetch(`${server.url}/static/favicon.svg`)
    expect(asset.headers.get('content-type')).toBe('image/svg+xml')
    expect(headersOf(asset, '/static/*')).toEqual(headersFor('/static/*'))
    const [etag, length] = [asset.headers.get('etag') ?? '', asset.headers.get('content-length')]
    const again = await fetch(`${server.url}/static/favicon.svg`, { headers: { 'if-none-match': `"other", W/${etag}` } })
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
    const changed = await fetch(`${server.url}/static/favicon.svg`, { headers: { 'if-none-match': '"other"' } })
    expect([changed.status, (await changed.text()).length]).toEqual([200, Number(length)])
    const head = await fetch(`${server.url}/static/favicon.svg`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, length, ''])
    for (const path of ['/static/nothing.js', '/static/../../package.json', '/static/%2e%2e/%2e%2e/package.json', '/static/']) {
      expect((await fetch(server.url + path)).status, path).toBe(401)
    }
    await lateRun(server, 'served')
    expect((await server.post('/timeliness', { lookback_minutes: 60 })).status).toBe(200)
    await vi.waitFor(async () => expect(await setup.count('timeliness_pipeline_execution_log')).toBe(1), { timeout: 10_000, interval: 100 })
    for (const path of ['/cdn-cgi/handler/scheduled?cron=0+*+*+*+*', '/cdn-cgi/local/scheduled', '/cdn-cgi/mf/reload']) {
      expect((await fetch(server.url + path)).status, path).toBe(401)
    }
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('serves the guides without a token, as the platform does', async () => {
    const server = await setup.serve()
    const open = (path: string) => fetch(server.url + path, { redirect: 'manual' })
    for (const [path, heading, rule] of [
      ['/docs', '<h1>Docs</h1>', '/docs'],
      ['/docs/concepts', '<h1>Concepts</h1>', '/docs/*'],
    ] as const) {
      const guide = await open(path)
      expect([guide.status, guide.headers.get('content-type')], path).toEqual([200, 'text/html; charset=utf-8'])
      expect(await guide.text()).toContain(heading)
      expect(headersOf(guide, rule)).toEqual(headersFor(rule))
      for (const spelled of [`${path}/`, `${path}.html`]) {
        const other = await open(`${spelled}?from=mail`)
        expect([other.status, other.headers.get('location')], spelled).toEqual([307, `${path}?from=mail`])
      }
    }
    const picture = await open('/static/screenshots/overview.png')
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png'])
    for (const path of ['/docs/nothing', '/docs/../package.json', '/docs/%2e%2e/worker/index', '/docs/concepts/more', '/docsconcepts'])
      expect((await open(path)).status, path).toBe(401)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('refuses its database endpoint to other users of the machine', async () => {
    const server = await setup.serve()
    const ports = portsOf(server.child.pid ?? 0)
    const asked = await Promise.all(
      ports.map(async (port) => {
        const request = {
          method: 'POST',
          headers: { 'neon-connection-string': setup.postgres.url },
          body: '{"query":"select 42 as leaked"}',
          signal: AbortSignal.timeout(2_000),
        }
        const answer = await fetch(`http://127.0.0.1:${port}/sql`, request).catch(() => undefined)
        return { status: answer?.status, text: await answer?.text().catch(() => '') }
      }),
    )
    expect(asked.filter(({ status, text }) => status === 401 && text?.includes('password authentication failed'))).toHaveLength(1)
    expect(asked.filter(({ text }) => text?.includes('leaked'))).toEqual([])
    server.child.kill('SIGTERM')
    await server.ended
  })

  it.each([
    ['SIGTERM', (server: Server) => server.child.kill('SIGTERM')],
    ['Ctrl-C in its terminal, which reaches workerd too', (server: Server) => process.kill(-(server.child.pid ?? 0), 'SIGINT')],
  ])('finishes the request and the job under way before it ends: %s', async (_, tell) => {
    channels += 1
    const channel = `${receiver.url}/stop-${channels}`
    const server = await setup.serve({ SLACK_WEBHOOK_URL: channel })
    await fetch(channel, { method: 'PUT', body: JSON.stringify([{ delayMillis: 4_000 }]) })
    await lateRun(server, `stopped ${channels}`)
    await server.post('/timeliness', { lookback_minutes: 60 })
    const posts = async () => ((await (await fetch(channel)).json()) as { posts: number }).posts
    await vi.waitFor(async () => expect(await posts()).toBe(1), { timeout: 10_000, interval: 20 })

    // The request waits for our lock in the database, and the job waits for Slack.
    const name = `stopped ${channels}`
    await setup.client.query('begin')
    await setup.client.query('select 1 from pipeline where name = $1 for update', [name])
    const request = fetch(`${server.url}/pipeline`, {
      method: 'PATCH',
      headers: HEADERS,
      body: JSON.stringify({ name, mute_freshness_check: true }),
    })
    await vi.waitFor(
      async () => expect(await setup.count(`pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)).toBe(1),
      { timeout: 10_000 },
    )
    const sent = await setup.count(`job where kind = 'send_alert' and state = 'succeeded'`)
    tell(server)
    const refused = async () => {
      const late = await fetch(`${server.url}/`)
      expect([late.status, late.headers.get('retry-after'), ((await late.json()) as { code: string }).code]).toEqual([
        503,
        '5',
        'shutting_down',
      ])
    }
    await vi.waitFor(refused, { timeout: 10_000 })
    expect(server.child.exitCode).toBeNull()
    await setup.client.query('commit')
    expect((await request).status).toBe(200)
    expect(await server.ended).toBe(0)
    expect(server.output()).toContain('watcher: stopped, nothing left under way')
    expect(await setup.count(`job where kind = 'send_alert' and state = 'succeeded'`)).toBe(sent + 1)
    expect(await posts()).toBe(1)
  })

  it('finishes the work that goes on after an answer before it ends', async () => {
    channels += 1
    const channel = `${receiver.url}/stop-${channels}`
    const server = await setup.serve({ SLACK_WEBHOOK_URL: channel })
    await fetch(channel, { method: 'PUT', body: JSON.stringify([{ delayMillis: 3_000 }]) })
    await setup.client.query(`insert into job (kind, payload, due_at) select 'check_freshness', '{}', now() from generate_series(1, 60)`)
    expect((await server.post('/celery/monitor-queue')).status).toBe(200)
    const alerts = async () => {
      const { taken } = (await (await fetch(channel)).json()) as { taken: Taken[] }
      return taken.length
    }
    await vi.waitFor(async () => expect(await alerts()).toBe(1), { timeout: 30_000, interval: 20 })
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const level = `job where kind = 'send_alert' and payload #>> '{alerts,0,alert}' = 'queue'`
    expect([await setup.count(level), await setup.count(`${level} and state = 'succeeded'`), await alerts()]).toEqual([1, 1, 1])
  })

  it('sends a complete answer before it ends, even if the client reads slowly', async () => {
    const server = await setup.serve()
    await setup.client.query(`insert into pipeline_type (name) values ('of tests') on conflict do nothing`)
    await setup.client.query(`insert into pipeline (name, pipeline_type_id, pipeline_metadata)
      select 'large ' || g, (select min(id) from pipeline_type), jsonb_build_object('text', repeat('x', 9000)) from generate_series(1, 1000) g`)
    const { port } = new URL(server.url)
    const [head, socket] = await new Promise<[Buffer, Socket]>((resolve) => {
      const connection = connect(Number(port), '127.0.0.1', () =>
        connection.write('GET /pipeline HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer of-tests\r\nconnection: close\r\n\r\n'),
      )
      connection.once('data', (part: Buffer) => {
        connection.pause()
        resolve([part, connection])
      })
    })
    server.child.kill('SIGTERM')
    await sleep(1_500)
    const rest: Buffer[] = [head]
    socket.on('data', (part: Buffer) => rest.push(part)).resume()
    await new Promise((resolve) => socket.once('close', resolve))
    const text = Buffer.concat(rest).toString()
    expect(text.match(/"name":"large \d+"/g)?.length).toBeGreaterThanOrEqual(990)
    expect(text.endsWith(']\r\n0\r\n\r\n') || text.endsWith('}]')).toBe(true)
    expect(await server.ended).toBe(0)
  })

  it("runs the jobs that were in a killed process's queue", async () => {
    const first = await setup.serve()
    process.kill(-(first.child.pid ?? 0), 'SIGKILL')
    await first.ended
    // The job was recorded earlier, and the killed process has sent it again. Normally it is not sent again for an hour.
    const { rows } = await setup.client.query(`insert into job (kind, payload, created_at, due_at, resent_at)
      values ('check_freshness', '{}', now() - interval '10 minutes', now() - interval '10 minutes', now() - interval '5 minutes') returning id`)
    const second = await setup.serve()
    await vi.waitFor(async () => expect(await setup.count(`job where id = ${rows[0].id} and state = 'succeeded'`)).toBe(1), {
      timeout: 10_000,
      interval: 100,
    })
    second.child.kill('SIGTERM')
    await second.ended
  })

  it.each([
    [{ DATABASE_URL: '' }, 'set DATABASE_URL'],
    [{ DATABASE_URL: 'mysql://u:p@localhost/x' }, 'DATABASE_URL must look like'],
    [{ DATABASE_URL: 'postgresql://u:p-s3cret@127.0.0.1:1/watcher' }, 'no connection to the database watcher'],
    [{ PORT: 'http' }, 'PORT=http is not a port number'],
  ])('says in one sentence why it does not start: %j', async (settings, sentence) => {
    const server = await setup.launch(settings)
    expect(await server.ended).toBe(1)
    expect(server.output()).toContain(`watcher: ${sentence}`)
    expect(server.output()).not.toContain('s3cret')
    expect(server.output().trim().split('\n')).toHaveLength(1)
  })
})

describe('the Dockerfile', () => {
  it('copies existing files, runs an existing command as a user other than root, and listens on all addresses', () => {
    expect(existsSync(join(ROOT, COMMAND.at(-1) ?? '-'))).toBe(true)
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    for (const [, script] of DOCKERFILE.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty(script as string)
    expect(scripts.start?.endsWith(COMMAND.join(' '))).toBe(true)
    expect(DOCKERFILE).toMatch(/^USER node$/m)
    expect(DOCKERFILE).toMatch(/^ENV HOST=0\.0\.0\.0 PORT=8787$/m)
    for (const ignored of ['.git', '.local', '.dev.vars*', 'node_modules', 'dist'])
      expect(readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')).toContain(ignored)
  })
})
