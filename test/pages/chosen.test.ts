import { describe, expect, it } from 'vitest'
import { shorten } from '../../src/pages/lineage-graph/browser/shorten.ts'
import { choose as chooseGraph } from '../../src/pages/lineage-graph/chosen.ts'
import { choose as chooseReport } from '../../src/pages/reporting/chosen.ts'
import { call } from '../support/api.ts'

const NOW = '2026-03-10T12:00:00.000000Z'

describe('the address of the lineage graph', () => {
  it('has defaults, and says nothing of what is absent or empty', () => {
    const plain = { address: undefined, search: '', direction: 'both', depth: 3, target: '', faults: [] }
    expect(chooseGraph({})).toEqual(plain)
    expect(chooseGraph({ address: '', search: ' ', direction: '', depth: '', target: '' })).toEqual(plain)
    expect(chooseGraph({ address: '7', direction: 'upstream', depth: '50', target: ' mart ' })).toMatchObject({
      address: 7,
      direction: 'upstream',
      depth: 50,
      target: 'mart',
      faults: [],
    })
  })

  it('says which value it does not understand, and what it shows instead', () => {
    const { depth, direction, address, faults } = chooseGraph({ address: '-1', direction: 'sideways', depth: '51', target: 'a\0b' })
    expect([depth, direction, address]).toEqual([3, 'both', undefined])
    expect(faults).toEqual([
      '“-1” is not the id of an address.',
      '“sideways” is not a direction: both are shown.',
      '“51” is not a depth from 1 to 50: 3 steps are shown.',
      '“a�b” is not a part of a name of at most 150 letters: all paths are shown.',
    ])
  })
})

describe('the address of the report', () => {
  const daysOf = (from?: string, to?: string) => {
    const { chosen, faults } = chooseReport({ from, to }, NOW)
    return [chosen.from, chosen.to, faults]
  }

  it('has the last seven days, the days given, or one in the future', () => {
    expect(daysOf()).toEqual(['2026-03-04', '2026-03-10', []])
    expect(daysOf('2026-03-01')).toEqual(['2026-03-01', '2026-03-10', []])
    expect(daysOf(undefined, '2026-01-31')).toEqual(['2026-01-25', '2026-01-31', []])
    expect(daysOf('2026-04-01')).toEqual(['2026-04-01', '2026-04-01', []])
  })

  it('says if the days are no days, reversed or too many', () => {
    expect(daysOf('2026-02-30', 'soon')).toEqual([
      '2026-03-04',
      '2026-03-10',
      [
        '“2026-02-30” is not a day like 2026-01-31: the last days are shown.',
        '“soon” is not a day like 2026-01-31: the days until today are shown.',
      ],
    ])
    expect(daysOf('2026-03-09', '2026-03-08')).toEqual([
      '2026-03-02',
      '2026-03-08',
      ['From (2026-03-09) is after to (2026-03-08): the 7 days until 2026-03-08 are shown.'],
    ])
    expect(daysOf('2020-01-01')).toEqual([
      '2025-03-10',
      '2026-03-10',
      ['A report has at most 366 days: it begins on 2025-03-10, not on 2020-01-01.'],
    ])
  })

  it('is said on the page, and refused for a file', async () => {
    const open = (path: string) => call('GET', path, undefined, { accept: 'text/html' })
    const { status, body } = await open('/reporting?from=bogus&sort=x&type=987654')
    expect(status).toBe(200)
    expect(/<p class="fault" role="alert">([^<]+)/.exec(body)?.[1]).toBe(
      '“bogus” is not a day like 2026-01-31: the last days are shown. “x” is not a column: the report is sorted by day. There is no type 987654.',
    )
    expect((await open('/lineage-graph?depth=many')).body).toContain('“many” is not a depth from 1 to 50')
    expect((await open('/reporting')).body).not.toContain('class="fault" role="alert">“')
    const file = await call('GET', '/reporting.csv?from=bogus')
    expect([file.status, file.body.code]).toEqual([422, 'validation_failed'])
  })
})

describe('a name in the drawing', () => {
  it('keeps its beginning and its end', () => {
    expect(shorten('raw.shop.orders', 26)).toBe('raw.shop.orders')
    expect(shorten('warehouse.sales_reporting.orders_daily', 26)).toBe('warehouse.…orders_daily')
    expect(shorten('looker://northwind/dashboards/assortment', 26)).toBe('looker://…assortment')
    expect(shorten('s3://northwind-partners/catalog.csv', 26)).toBe('s3://northwind…catalog.csv')
    expect(shorten('a_very_long_name_without_any_separator', 26)).toBe('a_very_lo…ut_any_separator')
    for (const name of ['x'.repeat(60), `a.${'y'.repeat(60)}`, `${'z'.repeat(60)}.b`, `a/${'.'.repeat(60)}/`]) {
      expect(shorten(name, 26).length).toBeLessThanOrEqual(26)
    }
  })
})
