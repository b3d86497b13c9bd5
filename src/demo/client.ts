import { setTimeout as sleep } from 'node:timers/promises'
import { ProgramFailure } from '../tools/failure.ts'

/** The API that both demos call: at WATCHER_URL, or on localhost at PORT; with WATCHER_TOKEN if it requires a token. */
export const BASE = process.env.WATCHER_URL ?? `http://localhost:${process.env.PORT ?? 8787}`
const TOKEN = process.env.WATCHER_TOKEN
export const HEADERS: Record<string, string> = TOKEN ? { authorization: `Bearer ${TOKEN}` } : {}

/** The server names the seconds in `Retry-After`; the demo waits at most this long before it tries again. */
const MAX_SECONDS = 30

interface Options {
  headers?: Record<string, string>
  /** How often to send a request that the server answers with 503 or 429. More than 1 only if the request is safe to repeat. */
  tries?: number
}

/** Sends one request. Throws ProgramFailure, with a sentence that says what to do, if the server refuses it or does not answer. */
export const request = async <Answer>(
  method: string,
  path: string,
  body?: unknown,
  options: Options = {},
): Promise<{ status: number; answer: Answer }> => {
  for (let tries = options.tries ?? 1; ; tries -= 1) {
    const { status, retryAfter, text } = await send(method, path, body, options.headers)
    if (status < 400) return { status, answer: readAnswer(text) as Answer }
    if (tries <= 1 || (status !== 503 && status !== 429)) throw failureOf(method, path, status, text)
    await sleep(1_000 * Math.min(MAX_SECONDS, Number(retryAfter) || 1))
  }
}

const send = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
  try {
    const response = await fetch(BASE + path, {
      method,
      headers: { ...HEADERS, ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
  } catch {
    throw new ProgramFailure(
      `nothing answers at ${BASE}: start the server first (npm run dev), set PORT to its port, or set WATCHER_URL to another server`,
    )
  }
}

const readAnswer = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new ProgramFailure(`the server at ${BASE} is not Watcher: set WATCHER_URL or PORT`)
  }
}

const failureOf = (method: string, path: string, status: number, text: string): ProgramFailure =>
  new ProgramFailure(
    status === 401
      ? `${BASE} requires a token: WATCHER_TOKEN=… npm run demo`
      : `${method} ${path} answered ${status}: ${text.slice(0, 2_000)}`,
  )

const PAGE = 1_000
/** Every request of the fill is safe to repeat while the server is busy. */
export const MAX_TRIES = 10

/** All rows of a list on the server, also those of other clients, one page at a time. */
export async function* pagesOf<Row extends { id: number }>(path: string, filter = ''): AsyncGenerator<Row[]> {
  for (let after = 0; ; ) {
    const { answer } = await request<Row[]>('GET', `${path}?limit=${PAGE}&after_id=${after}${filter}`, undefined, { tries: MAX_TRIES })
    yield answer
    if (answer.length < PAGE) return
    after = answer.at(-1)?.id ?? 0
  }
}
