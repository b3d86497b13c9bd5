import { randomBytes } from 'node:crypto'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { encodeBase64 } from '../../../src/core/base64.ts'
import { openSetup, type Server, type Setup } from './server.ts'

/** The path of Chromium: CHROMIUM, or Debian's. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const TOKEN = 'pages-test-token'
export const READ_TOKEN = 'read-only-token'

/** A server, as `npm start` starts it, and a real browser for one test file, with a fresh page for each test. */
export interface Visit {
  url: string
  /** The database, and more servers in front of it. */
  setup: Setup
  page: Page
  browser: Browser
  /** Faults of the pages: logged errors, and requests to another host. Emptied before each test. */
  faults: string[]
  /** Opens a page as a person who is signed in. */
  open: (path: string, token?: string) => Promise<void>
  /** Opens another page of the same browser; `faults` has its faults too. */
  newPage: (options: BrowserContextOptions) => Promise<Page>
  /** Calls the API without the browser. */
  call: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: never }>
  /** Creates a pipeline, and returns its id. */
  create: (name: string, fields: { pipeline_type_name: string; [field: string]: unknown }) => Promise<number>
  /** Records a run that started and ended so many minutes ago, and returns its id. null: it still runs. */
  run: (pipelineId: number, begun: number, ended: number | null, end?: Record<string, unknown>, parentId?: number) => Promise<number>
}

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

export const startVisit = (settings: () => Promise<Record<string, string>> = async () => ({})): Visit => {
  let server: Server
  const visit = { faults: [] as string[] } as Visit

  const watch = (page: Page): Page => {
    page.on('console', (message) => {
      if (message.type() === 'error') visit.faults.push(message.text())
    })
    page.on('pageerror', (error) => visit.faults.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) visit.faults.push(`asked ${request.url()}`)
    })
    return page
  }

  const signedIn = async (page: Page, token = TOKEN): Promise<Page> => {
    await page.context().addCookies([{ name: 'watcher_token', value: token, url: server.url, httpOnly: true, sameSite: 'Strict' }])
    return page
  }

  beforeAll(async () => {
    visit.setup = await openSetup()
    server = await visit.setup.serve({
      ENV_STATE: 'dev', // profiles
      WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true', // a test's receiver is on this machine
      WATCHER_API_TOKENS: `people:${TOKEN},reader:${READ_TOKEN}:read`,
      WATCHER_ENCRYPTION_KEY: encodeBase64(randomBytes(32)),
      ...(await settings()),
    })
    visit.url = server.url
    visit.browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-quic'] })
    visit.newPage = async (options) => signedIn(watch(await (await visit.browser.newContext(options)).newPage()))
    visit.open = async (path, token) => {
      await signedIn(visit.page, token)
      await visit.page.goto(server.url + path)
    }
    visit.call = async (method, path, body) => {
      const response = await fetch(server.url + path, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (response.status === 204 ? undefined : await response.json()) as never }
    }
    const idOf = async (path: string, body: unknown) => ((await visit.call('POST', path, body)).body as { id: number }).id
    visit.create = (name, fields) => idOf('/pipeline', { name, ...fields })
    visit.run = async (pipeline_id, begun, ended, end, parent_id) => {
      const id = await idOf('/start_pipeline_execution', { pipeline_id, start_date: minutesAgo(begun), parent_id })
      if (ended !== null) await visit.call('POST', '/end_pipeline_execution', { id, end_date: minutesAgo(ended), ...end })
      return id
    }
  })
  afterAll(async () => {
    await visit.browser?.close()
    await visit.setup?.close()
  })
  // An open page refreshes itself: close it, or it sends requests during the next test.
  afterEach(async () => {
    await Promise.all(visit.browser.contexts().map((context) => context.close()))
  })
  beforeEach(async () => {
    visit.faults.length = 0
    visit.page = watch(await (await visit.browser.newContext()).newPage())
  })
  return visit
}
