import { setTimeout as sleep } from 'node:timers/promises'
import { ProgramFailure } from '../tools/failure.ts'

/** The API as both demos call it: WATCHER_URL or PORT say where it is, WATCHER_TOKEN is for where it asks for one. */
export const BASE = process.env.WATCHER_URL ?? `http://localhost:${process.env.PORT ?? 8787}`
const TOKEN = process.env.WATCHER_TOKEN
export const HEADERS: Record<string, string> = TOKEN ? { authorization: `Bearer ${TOKEN}` } : {}

/** A server that asks for patience names the seconds; we wait no longer than this for one try. */
const MAX_SECONDS = 30

interface Options {
  headers?: Record<string, string>
  /** How often it is tried where the server is busy (503), or has had enough for now (429). Only for what may be sent twice. */
  tries?: number
}

/** Throws ProgramFailure, with a sentence that says what to mend. */
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
    throw new ProgramFailure(`nothing answers at ${BASE}: start the server first (npm run dev), or name another with WATCHER_URL`)
  }
}

const readAnswer = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new ProgramFailure(`what answers at ${BASE} is not Watcher`)
  }
}

const failureOf = (method: string, path: string, status: number, text: string): ProgramFailure =>
  new ProgramFailure(
    status === 401
      ? `${BASE} asks for a token: WATCHER_TOKEN=… npm run demo`
      : `${method} ${path} answered ${status}: ${text.slice(0, 2_000)}`,
  )
