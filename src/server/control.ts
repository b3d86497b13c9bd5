import { timingSafeEqual } from 'node:crypto'
import { Agent, request } from 'node:http'
import { type Deliver, type DeliveryResult, type Message, NotDelivered } from './queue.ts'

/** As on the platform, a delivery or a cron may run for 15 minutes. */
const MAX_MILLIS = 15 * 60_000

/** True if the header is `Bearer <secret>`; the time it takes tells nothing about the secret. */
export const isSecret = (header: string | undefined, secret: string): boolean => {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${secret}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Tells the worker in workerd what the platform would tell it. */
export interface Control {
  deliver: Deliver
  /** Fires a cron; answers what the worker said. Throws if workerd does not answer. */
  fire(cron: string, scheduledTime: Date): Promise<{ outcome: string; noRetry: boolean }>
  /** Refuses requests from now on; answers how many are under way, with the work that goes on after an answer. */
  drain(): Promise<number>
}

/** The control worker's client (see control.js). `portNow` is undefined while no workerd runs. */
export const createControl = (secret: string, portNow: () => number | undefined): Control => {
  // A new connection for each call: workerd closes an idle one after five seconds, perhaps while a call is on its way.
  const agent = new Agent({ keepAlive: false })
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const port = portNow()
    if (port === undefined) throw new NotDelivered('workerd is not running')
    return JSON.parse(await send(agent, { port, path, secret }, JSON.stringify(body)))
  }
  return {
    deliver: async (queue: string, messages: Message[]) => (await post('/queue', { queue, messages })) as DeliveryResult,
    fire: async (cron, scheduledTime) =>
      (await post('/scheduled', { cron, scheduledTime: scheduledTime.getTime() })) as { outcome: string; noRetry: boolean },
    drain: async () => ((await post('/drain', {})) as { underWay: number }).underWay,
  }
}

const send = (agent: Agent, { port, path, secret }: { port: number; path: string; secret: string }, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers: { authorization: `Bearer ${secret}` } })
    outgoing.setTimeout(MAX_MILLIS, () => outgoing.destroy(new Error(`no answer in ${MAX_MILLIS / 60_000} minutes`)))
    outgoing.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ECONNREFUSED' ? new NotDelivered(error.message) : error),
    )
    outgoing.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200 && response.complete) resolve(text)
        else reject(new Error(`the control worker answered ${response.statusCode}`))
      })
    })
    outgoing.end(body)
  })
