import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isRunning } from '../support/node/processes.ts'
import { openSetup, type Server, type Setup, workerdOf } from '../support/node/server.ts'

let setup: Setup
let server: Server
let workerd: number
beforeAll(async () => {
  setup = await openSetup()
  server = await setup.serve()
  workerd = workerdOf(server)
})
afterAll(async () => {
  setup.killServers()
  await setup.close()
})

/** Sends raw bytes on a connection of its own, and answers all that comes back within the time. */
const send = (text: string, { hangUpMillis = 1_500 } = {}): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    socket.once('error', () => resolve(answer))
    socket.once('close', () => resolve(answer))
    setTimeout(() => socket.destroy(), hangUpMillis)
  })
const request = (line: string, ...headers: string[]) => send([line, ...headers, 'connection: close', '', ''].join('\r\n'))
const AUTHORIZED = 'authorization: Bearer of-tests'
const HOST = 'host: localhost'
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

/** Nothing in an answer tells how the server is built. */
const expectNoTrace = (answer: string) => expect(answer).not.toMatch(/\n\s+at |workerd|\/src\/|\/node_modules\/|\.js:\d+|\.c\+\+|kj::/)

describe('npm start, asked in raw bytes', () => {
  it.each([
    ['a percent sign that encodes nothing', 'GET /static/%.js HTTP/1.1', [401, 404]],
    ['a name of 5,000 characters', `GET /static/${'x'.repeat(5_000)}.js HTTP/1.1`, [401, 404]],
    ['a name of 5,000 characters among the guides', `GET /docs/${'x'.repeat(5_000)} HTTP/1.1`, [401, 404]],
    ['a NUL in the path', 'GET /static/%00.js HTTP/1.1', [401, 404]],
    ['a path that leaves the folder', 'GET /static/../../../package.json HTTP/1.1', [401, 404]],
    ['a path above everything', 'GET /../../etc/passwd HTTP/1.1', [401, 404]],
    ['a name of objects', 'GET /static/__proto__ HTTP/1.1', [401, 404]],
    ['no path of ours', 'GET /cdn-cgi/handler/scheduled?cron=0+*+*+*+* HTTP/1.1', [401, 404]],
  ])('answers %s without a 500', async (_, line, statuses) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await request(line.replace('GET', method), HOST)
      expect(statuses, answer.slice(0, 200)).toContain(statusOf(answer))
      expectNoTrace(answer)
    }
  })

  it.each([
    ['MF-Custom-Service', 'control'],
    ['MF-Original-URL', 'http://127.0.0.1/drain'],
    ['MF-Route-Override', 'control'],
    ['MF-Op', 'GET'],
    ['MF-Disable-Pretty-Error', 'true'],
    ['x-drain', 'true'],
    ['x-queue', 'watcher-jobs'],
    ['CF-Connecting-IP', '\u0001'],
    ['CF-Worker', 'control'],
    ['X-Forwarded-Proto', 'gopher'],
    ['X-Forwarded-Proto', 'https, http'],
    ['Upgrade', 'websocket'],
  ])('takes the header %s: %s for any other', async (name, value) => {
    const answer = await request('GET /pipeline HTTP/1.1', HOST, AUTHORIZED, `${name}: ${value}`)
    expect([200, 400], answer.slice(0, 300)).toContain(statusOf(answer))
    expectNoTrace(answer)
  })

  it.each(['a b', 'localhost:99999', '[::1', '', 'x'.repeat(3_000), 'ä.example', '%00', 'host/path', 'user@host'])(
    'answers the Host "%s" without a trace, and goes on',
    async (host) => {
      const answer = await request('GET / HTTP/1.1', `host: ${host}`)
      // workerd cannot parse some of them: its own 500 has one line.
      expect([200, 302, 400, 500], answer.slice(0, 300)).toContain(statusOf(answer))
      expectNoTrace(answer)
    },
  )

  it.each([
    ['an unknown method', 'BREW / HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
    ['binary', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n'],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(200_000)}`],
    ['CONNECT', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n'],
    ['an absolute path elsewhere', 'GET http://127.0.0.1:1/ HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n'],
    ['two lengths', 'POST /pipeline HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'],
    ['a negative length', 'POST /pipeline HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n'],
  ])('survives %s', async (_, text) => {
    const answer = await send(text, { hangUpMillis: 1_500 })
    expectNoTrace(answer)
    expect([isRunning(workerd), workerdOf(server)]).toEqual([true, workerd])
    expect((await fetch(`${server.url}/`)).status).toBe(200)
  })

  const BODY = '{"name":"raw","pipeline_type_name":"raw"}'
  const SIZE = BODY.length.toString(16)
  it.each([
    ['a bad chunk extension', `${SIZE};=\u0007bad\r\n${BODY}\r\n0\r\n\r\n`],
    ['a valid chunk extension', `${SIZE};name=value\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk without a size', `zz\r\n${BODY}\r\n0\r\n\r\n`],
  ])('answers 400 for %s in a body', async (_, chunks) => {
    const answer = await send(
      `POST /pipeline HTTP/1.1\r\n${HOST}\r\n${AUTHORIZED}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunks}`,
      { hangUpMillis: 3_000 },
    )
    expect(statusOf(answer), answer).toBe(400)
    expectNoTrace(answer)
  })

  it.each([
    ['with its length', (bytes: number) => [`content-length: ${bytes}`, 'x'.repeat(bytes)] as const],
    ['in chunks', (bytes: number) => ['transfer-encoding: chunked', `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`] as const],
  ])('lets a client that sends four MiB %s hear the 413, and keeps its connection', async (_, write) => {
    const [header, body] = write(4 * 1024 * 1024)
    const post = `POST /pipeline HTTP/1.1\r\n${HOST}\r\n${AUTHORIZED}\r\ncontent-type: application/json\r\n${header}\r\n\r\n${body}`
    const answer = await send(`${post}GET / HTTP/1.1\r\n${HOST}\r\nconnection: close\r\n\r\n`, { hangUpMillis: 3_000 })
    expect([statusOf(answer), answer.includes('"body_too_large"'), answer.includes('{"status":"ok"}')]).toEqual([413, true, true])
  })

  it('logs a client that hangs up in its own body as 499 and info', async () => {
    await send(
      `POST /pipeline HTTP/1.1\r\n${HOST}\r\n${AUTHORIZED}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\nx-request-id: hung-up\r\n\r\n{"name"`,
      { hangUpMillis: 300 },
    )
    const line = await vi.waitFor(
      () => {
        const found = server
          .output()
          .split('\n')
          .find((text) => text.includes('"hung-up"'))
        expect(found).toBeDefined()
        return JSON.parse(found as string)
      },
      { timeout: 5_000 },
    )
    expect(line).toMatchObject({ level: 'info', status: 499, path: '/pipeline' })
    expect(line.fault).toBeUndefined()
  })
})
