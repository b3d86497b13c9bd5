import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit } from '../support/node/browser.ts'
import { blocksOf, GUIDES } from '../support/node/guides.ts'

const visit = startVisit()

const WIDTHS = [1440, 390] as const

/** A reader who has not signed in. */
const openPage = async (width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> =>
  visit.newPage({ viewport: { width, height: 900 }, colorScheme, permissions: ['clipboard-read', 'clipboard-write'] })

describe('the guides', () => {
  it.each(WIDTHS)('are found by title, copied from, and link to the next one, %d pixels wide', async (width) => {
    const page = await openPage(width)
    await page.context().clearCookies()
    await page.goto(`${visit.url}/docs`)
    expect(await page.locator('#guides > li').count()).toBe(GUIDES.length)

    // The title of a section matches in upper or lower case; Enter opens the first match.
    await page.getByLabel('Search by title').fill('ANOMAL')
    expect(await page.getByRole('navigation', { name: 'Guides' }).getByRole('status').textContent()).toBe('2 guides')
    const shown = page.locator('#guides > li:visible .title')
    expect(await shown.allTextContents()).toEqual(['Checks and alerts', 'On call'])
    await page.getByLabel('Search by title').press('Enter')
    await page.waitForURL('**/docs/checks-and-alerts')
    expect(await page.locator('main h1').textContent()).toBe('Checks and alerts')

    await page.getByRole('navigation', { name: 'On this page' }).getByRole('link', { name: 'Schedule' }).click()
    await page.waitForURL('**/docs/checks-and-alerts#schedule')
    const top = await page.locator('h2#schedule').evaluate((heading) => heading.getBoundingClientRect().top)
    expect(top).toBeLessThan(200)

    await page.locator('.code .copy').first().click()
    await page.locator('.code .copy', { hasText: 'Copied' }).waitFor()
    const [block = ''] = blocksOf('src/docs/checks-and-alerts.md', 'bash')
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(block.trimEnd())

    await page.getByRole('article').getByRole('link', { name: 'workflow', exact: true }).click()
    await page.waitForURL('**/docs/workflow')
    expect(await page.locator('main h1').textContent()).toBe('The complete workflow')
    await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name: 'Docs' }).click()
    await page.waitForURL('**/docs')
    expect(visit.faults).toEqual([])
  })

  it.each([
    [1440, 'light'],
    [1440, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('are accessible and fit, with every picture there, %d pixels wide and %s', async (width, colorScheme) => {
    const page = await openPage(width, colorScheme)
    for (const path of ['/docs', '/docs/pages', '/docs/checks-and-alerts', '/docs/settings', '/docs/sdk', '/docs/deploy']) {
      await page.goto(visit.url + path)
      await page.locator('main h1').waitFor()
      expect([path, await faultsOfAxe(page)]).toEqual([path, []])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
      expect([path, overflow]).toEqual([path, 0])
    }
    await page.goto(`${visit.url}/docs/pages`)
    for (const picture of await page.locator('article img').all()) {
      await picture.scrollIntoViewIfNeeded()
      await expect.poll(() => picture.evaluate((image: { naturalWidth: number }) => image.naturalWidth)).toBeGreaterThan(0)
    }
    expect(visit.faults).toEqual([])
  })

  it('run only their own scripts, and each has one address', async () => {
    const index = await fetch(`${visit.url}/docs`)
    const policy = index.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';")
    expect(policy).not.toContain('unsafe')
    const guide = await fetch(`${visit.url}/docs/concepts`)
    expect(guide.headers.get('content-security-policy')).toBe(policy)
    for (const path of ['/docs/', '/docs.html', '/docs/concepts.html', '/docs/concepts/']) {
      const other = await fetch(visit.url + path, { redirect: 'manual' })
      expect([path, other.status, other.headers.get('location')]).toEqual([
        path,
        307,
        path.includes('concepts') ? '/docs/concepts' : '/docs',
      ])
    }
  })

  it('work without scripts', async () => {
    const page = await visit.newPage({ javaScriptEnabled: false })
    await page.goto(`${visit.url}/docs`)
    expect(await page.getByLabel('Search by title').isVisible()).toBe(false)
    await page.locator('#guides .title', { hasText: 'Concepts' }).click()
    await page.waitForURL('**/docs/concepts')
    expect(await page.locator('main h1').textContent()).toBe('Concepts')
    expect(await page.locator('.copy').count()).toBe(0)
  })
})

describe('the navigation of the pages', () => {
  it('links to the guides', async () => {
    await visit.open('/overview')
    await visit.page.getByRole('link', { name: 'Docs', exact: true }).click()
    await visit.page.waitForURL('**/docs')
    expect(await visit.page.locator('main h1').textContent()).toBe('Docs')
    expect(visit.faults).toEqual([])
  })
})
