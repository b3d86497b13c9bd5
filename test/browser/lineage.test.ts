import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit } from '../support/node/browser.ts'

const visit = startVisit()

const LONG = 'warehouse.sales_reporting.orders_daily'
const ids = { centre: 0, orders: 0, refunds: 0, hub: 0 }
const address = (name: string) => ({ name, address_type_name: 'postgresql', address_type_group_name: 'database' })

const create = async (name: string, sources: string[], targets: string[]): Promise<number> => {
  const id = await visit.create(name, { pipeline_type_name: 'dbt', load_lineage: true })
  const lineage = { pipeline_id: id, source_addresses: sources.map(address), target_addresses: targets.map(address) }
  await visit.call('POST', '/address_lineage', lineage)
  return id
}

const fail = (pipelineId: number) => visit.run(pipelineId, 30, 20, { completed_successfully: false })

beforeAll(async () => {
  ids.orders = await create('orders-load', ['shop.public.orders'], ['raw.shop.orders'])
  ids.refunds = await create('refunds-load', ['shop.public.refunds'], ['raw.shop.refunds'])
  await create('orders-daily-of-the-sales-warehouse', ['raw.shop.orders', 'raw.shop.refunds'], [LONG])
  await create('orders-daily-again', ['raw.shop.orders'], [LONG])
  await create('revenue', [LONG], ['mart.revenue'])
  await create(
    'hub',
    ['hub.centre'],
    Array.from({ length: 150 }, (_, index) => `hub.leaf.${index}`),
  )
  const idOf = async (name: string) => ((await visit.call('GET', `/address?name=${name}`)).body as { id: number }[])[0]?.id ?? 0
  ids.centre = await idOf(LONG)
  ids.hub = await idOf('hub.centre')
  await fail(ids.orders)
  await fail(ids.refunds)
  const [open] = (await visit.call('GET', `/incident?pipeline_id=${ids.refunds}`)).body as { id: number }[]
  await visit.call('POST', `/incident/${open?.id}/acknowledge`, {})
})

const path = () => `/lineage-graph?address=${ids.centre}`
const drawn = async (page: Page, at: string): Promise<void> => {
  await page.goto(visit.url + at)
  await page.locator('.graph .node.centre').waitFor()
}
/** The least and the greatest edges of what matches. */
const frameOf = async (page: Page, selector: string) => {
  const boxes = (await page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => { const { left, top, right, bottom } = element.getBoundingClientRect(); return { left, top, right, bottom } })`,
  )) as Record<'left' | 'top' | 'right' | 'bottom', number>[]
  return {
    left: Math.min(...boxes.map(({ left }) => left)),
    top: Math.min(...boxes.map(({ top }) => top)),
    right: Math.max(...boxes.map(({ right }) => right)),
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
  }
}

describe('the lineage graph', () => {
  it.each([
    [1440, 'light'],
    [1440, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)(
    'opens with the whole drawing, its controls beside it, and nothing moves, %d pixels wide and %s',
    async (width, colorScheme) => {
      const page = await visit.newPage({ viewport: { width, height: 900 }, colorScheme })
      await page.addInitScript(
        'window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value }).observe({ type: "layout-shift", buffered: true })',
      )
      for (const at of [path(), `/lineage-graph?address=${ids.hub}`]) {
        await drawn(page, at)
        const [graph, nodes, controls] = [
          await frameOf(page, '.graph'),
          await frameOf(page, '.graph .node'),
          await frameOf(page, '.zoom button'),
        ]
        const inside = nodes.left >= graph.left && nodes.top >= graph.top && nodes.right <= graph.right && nodes.bottom <= graph.bottom
        expect([at, inside, controls.bottom <= graph.top]).toEqual([at, true, true])
        expect([at, await faultsOfAxe(page)]).toEqual([at, []])
        expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBe(0)
        expect(await page.evaluate('window.shift')).toBeLessThan(0.02)
      }
      expect(visit.faults).toEqual([])
    },
  )

  it('keeps the beginning and the end of a long name, and has all of it in the title', async () => {
    await visit.open(path())
    const node = visit.page.locator('.graph .node.centre')
    expect(await node.locator('text').first().textContent()).toBe('warehouse.…orders_daily')
    expect(await node.locator('title').textContent()).toBe(LONG)
  })

  it('marks open incidents in the drawing, the list and the legend with the same words, and the acknowledged ones too', async () => {
    await visit.open(path())
    const { page } = visit
    const orders = page.locator('.graph .node.failed:not(.calm)')
    expect([await orders.locator('title').textContent(), await orders.locator('.kind').textContent()]).toEqual([
      'raw.shop.orders, failed',
      '✕ failed · postgresql',
    ])
    const refunds = page.locator('.graph .node.failed.calm')
    expect([await refunds.locator('title').textContent(), await refunds.locator('.kind').textContent()]).toEqual([
      'raw.shop.refunds, failed (acknowledged)',
      '✕ failed ◐ · postgresql',
    ])
    const words = ['failed', 'missed', 'watermark', 'late', 'stale', 'anomalous', 'acknowledged', 'silenced', 'deprecated']
    const legend = (await page.locator('.drawing .legend .badge').allTextContents()).map((text) => text.replace(/^\S\s/u, ''))
    expect(legend).toEqual(words)
    const list = page.locator('.addresses li', { hasText: 'raw.shop' })
    expect((await list.allTextContents()).map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'raw.shop.orders ✕ failed postgresql, written by orders-load',
      'raw.shop.refunds ✕ failed◐ acknowledged postgresql, written by refunds-load',
    ])
  })

  it('keeps a mark on what is silenced, without its colour', async () => {
    const { body } = await visit.call('POST', '/silence', {
      pipeline_id: ids.orders,
      ends_at: new Date(Date.now() + 3_600_000).toISOString(),
      reason: 'known',
    })
    await visit.open(path())
    const { page } = visit
    expect(await page.locator('.graph .node.failed.calm title').allTextContents()).toEqual([
      'raw.shop.orders, failed (silenced)',
      'raw.shop.refunds, failed (acknowledged)',
    ])
    await visit.call('DELETE', `/silence/${(body as { id: number }).id}`)
  })

  it('has the pipelines on the edges: their names where there is room, and links on hover and by keyboard', async () => {
    await visit.open(path())
    const { page } = visit
    expect((await page.locator('.graph .writer').allTextContents()).toSorted()).toEqual([
      '2 pipelines',
      'orders-load',
      'refunds-load',
      'revenue',
    ])
    const one = page.locator('.graph a.edge.failed:not(.calm)')
    expect(await one.getAttribute('href')).toBe(`/pipelines/${ids.orders}`)
    await one.locator('.hit').hover({ force: true })
    const tip = page.locator('.tip')
    // The pointer may go from the edge to the link in the tip.
    await tip.getByRole('link', { name: 'orders-load' }).hover()
    await page.waitForTimeout(400)
    expect(await tip.isVisible()).toBe(true)
    const several = page.locator('.graph g.edge')
    expect(await several.getAttribute('aria-label')).toContain('orders-daily-again (dbt): no problem')
    await several.focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.closest(".tip") !== null')).toBe(true)
    await page.keyboard.press('Escape')
    await tip.waitFor({ state: 'hidden' })
    await one.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/pipelines/${ids.orders}`)
    expect(visit.faults).toEqual([])
  })

  it('brings a focused address into the frame', async () => {
    await visit.open(`/lineage-graph?address=${ids.hub}`)
    const { page } = visit
    await page.getByRole('button', { name: 'Centre' }).click()
    const graph = await frameOf(page, '.graph')
    const last = page.locator('.graph .node', { hasText: 'hub.leaf.149' })
    expect((await last.boundingBox())?.y).toBeGreaterThan(graph.bottom)
    await last.focus()
    await vi.waitFor(async () => {
      const box = await last.boundingBox()
      expect((box?.y ?? 0) > graph.top && (box?.y ?? 1e9) < graph.bottom).toBe(true)
    })
  })

  it('has a list before the drawing on a phone, also without scripts', async () => {
    const page = await visit.newPage({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false })
    await page.goto(visit.url + path())
    const [list, graph] = [await page.locator('.addresses').boundingBox(), await page.locator('.graph').boundingBox()]
    expect((list?.y ?? 0) + (list?.height ?? 0)).toBeLessThan(graph?.y ?? 0)
    expect(await page.locator('.addresses h2').allTextContents()).toEqual(['4 upstream', '1 downstream'])
    await page.locator('.addresses').getByRole('link', { name: 'mart.revenue' }).click()
    expect(await page.locator('h1').textContent()).toBe('mart.revenue')
    expect(await page.locator('.drawing noscript').isVisible()).toBe(true)
  })
})
