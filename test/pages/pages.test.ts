import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startDevServer } from '../support/node/dev-server.ts'

/** Debian's Chromium, or another one named by CHROMIUM. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const TOKEN = 'pages-test-token'

let server: Awaited<ReturnType<typeof startDevServer>>
let browser: Browser
let page: Page
/** What a page must not do: log an error, or ask another host. */
let faults: string[] = []

beforeAll(async () => {
  server = await startDevServer({ WATCHER_API_TOKENS: `people:${TOKEN},reader:read-only-token:read` })
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-quic'] })
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

beforeEach(async () => {
  faults = []
  const context = await browser.newContext()
  page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) faults.push(`asked ${request.url()}`)
  })
})

const signIn = async (path: string, token = TOKEN): Promise<void> => {
  await page.goto(server.url + path)
  await page.getByLabel('Access token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

describe('signing in', () => {
  it('asks for the token, refuses a wrong one, and leads on with the right one', async () => {
    await signIn('/scalar', 'wrong')
    expect(await page.getByRole('alert').textContent()).toBe('This token is not known here.')
    // The 401 itself is all that the console may say.
    expect(faults.filter((fault) => !fault.includes('401'))).toEqual([])
    faults = []
    await page.getByLabel('Access token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${server.url}/scalar`)
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ name: 'watcher_token', httpOnly: true, secure: true, sameSite: 'Strict' })
  })
})

describe('the docs', () => {
  it('render under the policy, with a place for the token, and ask nobody else', async () => {
    await signIn('/scalar')
    await page.getByRole('heading', { name: 'Watcher', exact: true }).waitFor()
    await page.getByText('Bearer Token').first().waitFor()
    expect(await page.getByText('Create or get a pipeline').count()).toBeGreaterThan(0)
    expect(faults).toEqual([])
  })
})

describe('a profile', () => {
  const open = async (): Promise<void> => {
    await signIn('/pipeline_execution?limit=5&profile=true')
    await page.getByRole('heading', { name: 'GET /pipeline_execution' }).waitFor()
  }
  const sql = () => page.locator('pre.sql')

  it('shows the tree, folds and unfolds it, by button and by hand', async () => {
    await open()
    expect(await sql().isVisible()).toBe(true)
    await page.getByRole('button', { name: 'Collapse all' }).click()
    expect(await sql().isVisible()).toBe(false)
    await page.locator('summary').first().click()
    await page.locator('summary', { hasText: 'Handler' }).click()
    await page.locator('summary', { hasText: 'Round trip 1' }).click()
    expect(await sql().isVisible()).toBe(true)
    await page.getByRole('button', { name: 'Expand all' }).click()
    expect(await page.locator('details[open]').count()).toBe(await page.locator('details').count())
    expect(faults).toEqual([])
  })

  it('finds names and SQL, and what is around them', async () => {
    await open()
    await page.getByLabel('Search names and SQL').fill('FROM "pipeline_execution"')
    expect(await page.getByRole('status').textContent()).toBe('1 found')
    expect(await page.locator('summary', { hasText: 'Writing the answer' }).isVisible()).toBe(false)
    expect(await page.locator('summary', { hasText: 'Handler' }).isVisible()).toBe(true)
    await page.getByLabel('Search names and SQL').fill('nothing of the kind')
    expect(await page.getByRole('status').textContent()).toBe('0 found')
    await page.getByLabel('Search names and SQL').fill('')
    expect(await page.locator('summary', { hasText: 'Writing the answer' }).isVisible()).toBe(true)
    expect(faults).toEqual([])
  })
})
