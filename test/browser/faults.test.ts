import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit, TOKEN } from '../support/node/browser.ts'
import type { Server } from '../support/node/server.ts'

const visit = startVisit()

const VIEWS = [
  [1440, 'light'],
  [1440, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const

/** Opens a page in every width and colour, and expects no finding of axe-core, nothing wider than the screen, and this heading. */
const expectFine = async (path: string, heading: string): Promise<void> => {
  for (const [width, colorScheme] of VIEWS) {
    const page = await visit.newPage({ viewport: { width, height: 900 }, colorScheme })
    await page.goto(visit.url + path)
    expect(await page.getByRole('heading', { name: heading }).count()).toBe(1)
    expect([path, width, colorScheme, await faultsOfAxe(page)]).toEqual([path, width, colorScheme, []])
    expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBe(0)
    await page.context().close()
  }
}

/** A page whose scripts may read and write the clipboard. */
const withClipboard = async (): Promise<Page> => {
  const page = await visit.newPage({})
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  return page
}
const clipboardOf = (page: Page): Promise<unknown> => page.evaluate('navigator.clipboard.readText()')

describe('the sign-in page', () => {
  it('is accessible and fits, and says by which field a token was refused', async () => {
    await expectFine('/sign_in?next=/channels', 'Sign in to Watcher')
    const { page } = visit
    await page.goto(`${visit.url}/channels`)
    await page.getByLabel('Access token').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(await page.getByLabel('Access token').getAttribute('aria-invalid')).toBe('true')
    expect(await faultsOfAxe(page)).toEqual([])
    await page.getByLabel('Access token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${visit.url}/channels`)
  })
})

describe('an error page', () => {
  it('is accessible and fits, leads on, and copies its request id', async () => {
    await expectFine('/pipelines/999', 'Not found')
    const page = await withClipboard()
    const answer = await page.goto(`${visit.url}/pipelines/999`)
    await page.getByRole('button', { name: 'Copy the request id' }).click()
    await page.getByRole('status').getByText('Copied').waitFor()
    expect(await clipboardOf(page)).toBe(answer?.headers()['x-request-id'])
    await page.getByRole('link', { name: 'Go to the overview' }).click()
    await page.waitForURL('**/overview')
  })

  it('selects what it may not copy', async () => {
    await visit.open('/pipelines/999')
    await visit.page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("refused"))')
    await visit.page.getByRole('button', { name: 'Copy the request id' }).click()
    await visit.page.getByRole('status').getByText('Press Ctrl+C').waitFor()
    expect(await visit.page.evaluate('getSelection().toString()')).toMatch(/^[\w-]{36}$/)
  })
})

describe('the channels page', () => {
  it('shows a command with the address of this service, and copies it', async () => {
    const page = await withClipboard()
    await page.goto(`${visit.url}/channels`)
    await page.getByRole('button', { name: 'Copy the command' }).click()
    await page.getByRole('status').getByText('Copied').waitFor()
    expect(await clipboardOf(page)).toMatch(new RegExp(`^curl -X POST '${visit.url}/channel' .*Authorization: Bearer <token>`))
    expect(visit.faults).toEqual([])
  })
})

describe('a deployment without tokens', () => {
  let open: Server
  beforeAll(async () => {
    open = await visit.setup.serve({ ENV_STATE: 'dev', WATCHER_API_TOKENS: '' })
  })

  it('asks for no token: not to sign in, not in its commands, not in the API docs', async () => {
    const page = await (await visit.browser.newContext()).newPage()
    await page.goto(`${open.url}/sign_in?next=/channels`)
    expect([await page.locator('input').count(), await faultsOfAxe(page)]).toEqual([0, []])
    await page.getByRole('link', { name: 'Open the pages' }).click()
    await page.waitForURL(`${open.url}/channels`)
    expect(await page.locator('main pre').textContent()).not.toContain('Authorization')
    await page.goto(`${open.url}/scalar`)
    await page.getByText('No authentication selected').first().waitFor()
    expect(await page.getByText('Bearer Token').count()).toBe(0)
    await page.getByRole('navigation', { name: 'Watcher' }).getByRole('link', { name: 'Docs' }).click()
    await page.waitForURL(`${open.url}/docs`)
  })
})

describe('without a database', () => {
  beforeAll(async () => {
    await visit.setup.postgres.stop()
  })

  it('says that the database did not answer, and how to ask for its state', async () => {
    await expectFine('/overview?state=late', 'This page cannot be shown')
    const page = await withClipboard()
    await page.goto(`${visit.url}/overview?state=late`)
    const fault = await page.getByRole('alert').textContent()
    expect(fault).toContain('The database did not answer: try again in 5 seconds.')
    await page.getByRole('button', { name: 'Copy the command' }).click()
    await page.getByRole('status').getByText('Copied').waitFor()
    expect(await clipboardOf(page)).toBe(`curl '${visit.url}/?deep=true'`)
    expect(await page.getByRole('link', { name: 'Try again' }).getAttribute('href')).toBe('/overview?state=late')
  })
})
