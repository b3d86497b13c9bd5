import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit } from '../support/node/browser.ts'

const visit = startVisit()
const ids = { orders: 0, nightly: 0, failed: 0 }

const create = (name: string, fields: Record<string, unknown> = {}) => visit.create(name, { pipeline_type_name: 'dbt', ...fields })
const run: typeof visit.run = (...given) => visit.run(...given)

beforeAll(async () => {
  ids.orders = await create('orders-load', { owner: 'finance', tags: ['nightly'], runbook_url: 'https://wiki.example.com/orders' })
  ids.nightly = await create('nightly-run', { owner: 'platform' })
  const parent = await run(ids.nightly, 90, 30)
  for (let part = 0; part < 7; part += 1) await run(ids.orders, 80 - part, 70 - part, { total_rows: 10 }, parent)
  ids.failed = await run(ids.orders, 20, 15, { completed_successfully: false, execution_metadata: { error: 'disk full' } })
  await run(ids.orders, 5, null)
})

describe('the search field', () => {
  it('is reached with /, finds as one types, and is used by keyboard alone', async () => {
    const { page } = visit
    await visit.open('/incidents')
    await page.keyboard.press('/')
    await page.keyboard.type('orders')
    await page.getByRole('option', { name: 'pipeline orders-load dbt' }).waitFor()
    await page.keyboard.press('ArrowDown')
    expect(await page.locator('#find-results').getByRole('option', { selected: true }).count()).toBe(1)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/pipelines/${ids.orders}`)
    await page.keyboard.press('/')
    await page.keyboard.type(String(ids.failed))
    await page.getByRole('option', { name: `run ${ids.failed}` }).click()
    await page.waitForURL(`**/pipelines/${ids.orders}?execution=${ids.failed}`)
    expect(await page.locator('#chosen').textContent()).toContain('disk full')
    expect(visit.faults).toEqual([])
  })

  it('says when nothing is found, closes with Escape, and without it Enter lists pipelines', async () => {
    const { page } = visit
    await visit.open('/overview')
    await page.getByLabel('Find anything').fill('no such thing')
    await page.getByText('Nothing found').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('#find-results').isHidden()).toBe(true)
    await page.getByLabel('Find anything').press('Enter')
    await page.waitForURL('**/pipelines?search=no+such+thing')
    expect(await page.getByRole('main').textContent()).toContain('No pipeline matches')
  })
})

describe('from the overview, someone on call', () => {
  it('finds the runs of finance by filters that apply at once, and why one failed', async () => {
    const { page } = visit
    await visit.open('/overview')
    await page.getByRole('link', { name: 'Runs', exact: true }).click()
    await page.getByLabel('Owner').fill('finance')
    await page.getByLabel('Owner').press('Enter')
    await page.waitForURL('**/runs?**owner=finance**')
    await page.getByLabel('State').selectOption('failed')
    await page.waitForURL('**state=failed**')
    const rows = page.getByRole('table').getByRole('row')
    expect(await rows.count()).toBe(2)
    expect(await rows.nth(1).textContent()).toContain('disk full')
    await page.getByLabel('Started').selectOption('last night')
    await page.waitForURL('**period=last+night**')
    expect(await page.getByLabel('Owner').inputValue()).toBe('finance')
  })

  it('sees all that is wrong with a pipeline, whom to ask and what to do in its head', async () => {
    const { page } = visit
    await visit.open(`/pipelines/${ids.orders}`)
    const about = page.getByRole('region', { name: 'About' })
    expect(await about.textContent()).toMatch(/Owner\s*finance/)
    expect(await about.getByRole('link', { name: 'wiki.example.com/orders' }).getAttribute('href')).toBe('https://wiki.example.com/orders')
    expect(await page.getByRole('list', { name: 'What is wrong now' }).textContent()).toContain('disk full')
    expect(await page.getByRole('navigation', { name: 'Breadcrumbs' }).textContent()).toContain('Pipelines')
    expect(
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Pipelines' }).getAttribute('aria-current'),
    ).toBe('page')
  })

  it('opens a run with many parts only when asked', async () => {
    const { page } = visit
    await visit.open(`/pipelines/${ids.nightly}`)
    expect(await page.locator('tr[id^=run-]').count()).toBe(1)
    await page.getByRole('link', { name: '7 parts' }).click()
    await page.waitForURL('**parts=**')
    expect(await page.locator('tr[id^=run-]').count()).toBe(8)
  })

  it('is told beside the button what came of it', async () => {
    const { page } = visit
    await visit.open(`/pipelines/${ids.nightly}`)
    await page.getByRole('button', { name: 'Run detection' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Run detection' }).click()
    expect(await page.locator('button:has-text("Run detection") + output').textContent()).toBe('Detection has run')
  })
})

describe('runs, pipelines and a pipeline', () => {
  it.each([
    [1440, 'light'],
    [390, 'dark'],
  ] as const)('are accessible and fit, %i pixels wide and %s', async (width, colorScheme) => {
    const page = await visit.newPage({ viewport: { width, height: 900 }, colorScheme })
    for (const path of [
      '/runs',
      '/runs?period=own&state=failed',
      '/pipelines',
      '/pipelines?state=failed&sort=name',
      `/pipelines/${ids.orders}?execution=${ids.failed}`,
    ]) {
      await page.goto(visit.url + path)
      expect([path, await faultsOfAxe(page)]).toEqual([path, []])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect([path, overflow]).toEqual([path, 0])
      const scrolled = await page.evaluate(
        '[...document.querySelectorAll(".scrolled")].map((table) => table.scrollWidth - table.clientWidth)',
      )
      expect([path, scrolled]).toEqual([path, [0]]) // on a phone rows are cards
    }
    expect(visit.faults).toEqual([])
  })

  it('have a header of one line, of two on a phone with the open page in sight', async () => {
    const wide = await visit.newPage({ viewport: { width: 1440, height: 900 } })
    await wide.goto(`${visit.url}/monitoring`)
    expect((await wide.locator('.top').boundingBox())?.height).toBeLessThan(60)
    const page = await visit.newPage({ viewport: { width: 390, height: 900 } })
    await page.goto(`${visit.url}/monitoring`)
    const [header, current] = [await page.locator('.top').boundingBox(), await page.locator('.top nav [aria-current]').boundingBox()]
    expect(header?.height).toBeLessThan(130)
    expect(current?.x).toBeGreaterThanOrEqual(0)
    expect((current?.x ?? 0) + (current?.width ?? 0)).toBeLessThan(390)
  })

  it('do not move when they bring themselves up to date', async () => {
    const { page } = visit
    await page.clock.install()
    await visit.open(`/pipelines/${ids.orders}`)
    await page.clock.runFor(1_000)
    await page.evaluate(
      `window.shifts = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifts += entry.value }).observe({ type: 'layout-shift' })`,
    )
    const refreshed = page.waitForResponse(`**/pipelines/${ids.orders}`)
    await page.clock.runFor(60_000)
    await (await refreshed).finished()
    await page.clock.runFor(1_000)
    expect(await page.evaluate('window.shifts')).toBeLessThan(0.02)
  })
})
