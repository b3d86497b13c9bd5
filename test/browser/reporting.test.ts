import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit } from '../support/node/browser.ts'

const visit = startVisit()

beforeAll(async () => {
  for (const name of ['orders-load', 'load-of-every-order-of-every-shop-in-every-country']) {
    const { id: pipeline_id } = (await visit.call('POST', '/pipeline', { name, pipeline_type_name: 'extraction' })).body as { id: number }
    const { id } = (await visit.call('POST', '/start_pipeline_execution', { pipeline_id })).body as { id: number }
    await visit.call('POST', '/end_pipeline_execution', { id, inserts: 123_456_789, updates: 12_345_678, total_rows: 135_802_467 })
  }
})

describe('the report', () => {
  it.each([
    [1440, 'light'],
    [1440, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('has every column within reach and the pipeline in sight, %d pixels wide and %s', async (width, colorScheme) => {
    const page = await visit.newPage({ viewport: { width, height: 900 }, colorScheme })
    await page.addInitScript(
      'window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value }).observe({ type: "layout-shift", buffered: true })',
    )
    await page.goto(`${visit.url}/reporting`)
    await page.locator('#report canvas').waitFor()
    expect(await faultsOfAxe(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBe(0)
    const table = page.getByRole('region', { name: 'Daily metrics' })
    const right = async (name: string) => {
      const box = await table.getByRole('columnheader', { name }).boundingBox()
      return (box?.x ?? 0) + (box?.width ?? 0)
    }
    // By keyboard: the frame of the table takes the focus.
    await table.focus()
    for (let press = 0; press < 40; press += 1) await page.keyboard.press('ArrowRight')
    await page.waitForTimeout(300)
    const frame = await table.boundingBox()
    const end = (frame?.x ?? 0) + (frame?.width ?? 0)
    expect(await right('Rows per second')).toBeLessThanOrEqual(end + 1)
    const name = await table.getByRole('rowheader', { name: 'orders-load' }).boundingBox()
    expect((name?.x ?? 0) - (frame?.x ?? 0)).toBeLessThanOrEqual(2)
    // The pipeline leaves room for numbers beside it.
    expect(name?.width ?? 0).toBeLessThan((frame?.width ?? 0) / 2)
    expect(await page.evaluate('window.shift')).toBeLessThan(0.02)
    expect(visit.faults).toEqual([])
  })

  it('has a shadow at the edge where more is, and none at the end', async () => {
    const page = await visit.newPage({ viewport: { width: 390, height: 900 }, colorScheme: 'light' })
    await page.goto(`${visit.url}/reporting`)
    const table = page.getByRole('region', { name: 'Daily metrics' })
    await table.scrollIntoViewIfNeeded()
    /** The colours at the end of the headings, above their letters. */
    const edge = async (): Promise<string> => {
      const box = await table.boundingBox()
      const clip = { x: (box?.x ?? 0) + (box?.width ?? 0) - 6, y: (box?.y ?? 0) + 12, width: 4, height: 4 }
      return Buffer.from(await page.screenshot({ clip })).toString('hex')
    }
    const before = await edge()
    await page.evaluate('document.querySelector(".scrolled").scrollLeft = 10_000')
    await page.waitForTimeout(100)
    expect(await edge()).not.toBe(before)
  })
})
