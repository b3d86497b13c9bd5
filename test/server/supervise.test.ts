import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { isRunning } from '../support/node/processes.ts'
import { openSetup, portsOf, type Setup, workerdOf } from '../support/node/server.ts'

let setup: Setup
beforeAll(async () => {
  setup = await openSetup()
})
beforeEach(() => setup.clear())
afterEach(() => setup.killServers())
afterAll(() => setup.close())

const ok = async (url: string) => (await fetch(`${url}/?deep=true`).catch(() => undefined))?.status === 200
const insertJob = async (dueInSeconds = 0): Promise<string> =>
  (
    await setup.client.query(
      `insert into job (kind, payload, due_at) values ('check_freshness', '{}', now() + make_interval(secs => $1)) returning id`,
      [dueInSeconds],
    )
  ).rows[0].id
const isDone = (id: string) =>
  vi.waitFor(async () => expect(await setup.count(`job where id = ${id} and state = 'succeeded'`)).toBe(1), {
    timeout: 15_000,
    interval: 100,
  })

describe('npm start', () => {
  it('starts a killed workerd again within a second, and its queue goes on', async () => {
    const server = await setup.serve()
    for (let round = 0; round < 3; round += 1) {
      const killed = workerdOf(server)
      process.kill(killed, 'SIGKILL')
      const begun = Date.now()
      await vi.waitFor(async () => expect(await ok(server.url)).toBe(true), { timeout: 10_000, interval: 20 })
      console.log(`workerd was back after ${Date.now() - begun} ms`)
      expect(workerdOf(server)).not.toBe(killed)
    }
    expect(server.output()).toContain('watcher: workerd ended (SIGKILL); starting it again')
    expect((await server.post('/freshness')).status).toBe(200)
    await vi.waitFor(async () => expect(await setup.count(`job where state <> 'succeeded'`)).toBe(0), { timeout: 10_000, interval: 100 })
    expect(await setup.count('job')).toBeGreaterThan(0)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('ends workerd when its own process is killed, so that the next start finds the port free', async () => {
    const first = await setup.serve()
    const workerd = workerdOf(first)
    first.child.kill('SIGKILL') // only node: not its group
    await vi.waitFor(() => expect(isRunning(workerd)).toBe(false), { timeout: 2_000, interval: 20 })
    const second = await setup.serve({ PORT: new URL(first.url).port })
    expect(await ok(second.url)).toBe(true)
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
  })

  it('leaves no files and no processes behind', async () => {
    const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('watcher-workerd-'))
    const before = leftovers()
    const server = await setup.serve()
    const workerd = workerdOf(server)
    expect(leftovers()).toEqual(before) // workerd has read its configuration, which holds a secret
    server.child.kill('SIGTERM')
    await server.ended
    expect([isRunning(workerd), existsSync(`/proc/${server.child.pid}`)]).toEqual([false, false])
  })

  it('runs jobs that were open when an earlier process was killed, when they are due', async () => {
    const [due, later] = [await insertJob(), await insertJob(4)]
    const server = await setup.serve()
    await isDone(due)
    expect(await setup.count(`job where id = ${later} and state = 'succeeded'`)).toBe(0)
    await isDone(later)
    server.child.kill('SIGTERM')
    await server.ended
  })

  it('refuses the control socket and the queue to other users of the machine', async () => {
    const server = await setup.serve()
    await vi.waitFor(async () => expect(await setup.count(`job where state = 'succeeded'`)).toBe(9), { timeout: 10_000 }) // of the crons
    const publicPort = Number(new URL(server.url).port)
    const ports = [...portsOf(server.child.pid ?? 0), ...portsOf(workerdOf(server))].filter((port) => port !== publicPort)
    expect(ports).toHaveLength(3) // the database's endpoint, the queue, the control socket
    for (const port of ports) {
      for (const [path, body] of [
        ['/message', { id: 1 }],
        ['/batch', { messages: [{ body: btoa('{"id":1}') }] }],
        ['/scheduled', { cron: '0 * * * *', scheduledTime: 0 }],
        ['/drain', {}],
        ['/queue', { queue: 'watcher-jobs', messages: [] }],
      ] as const) {
        for (const authorization of ['', 'Bearer ', 'Bearer 00000000-0000-0000-0000-000000000000', 'Bearer of-tests']) {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
            method: 'POST',
            headers: { authorization, 'x-queue': 'watcher-jobs' },
            body: JSON.stringify(body),
          })
          expect([400, 401], `${port}${path} ${authorization}`).toContain(answer.status)
        }
      }
    }
    await sleep(500)
    expect([await ok(server.url), await setup.count('job')]).toEqual([true, 9])
    server.child.kill('SIGTERM')
    await server.ended
  })
})
