import { describe, expect, it } from 'vitest'
import { idInQuery, LAST_PAGE, loosePatternOf, pageNumber, patternOf, searchText } from '../../src/pages/frame/fields.ts'

describe("a page's query", () => {
  it('has the first page in the place of what is no page', () => {
    expect(['1', '7', String(LAST_PAGE)].map((text) => pageNumber().parse(text))).toEqual([1, 7, LAST_PAGE])
    expect(['0', '-1', '1.5', 'x', String(LAST_PAGE + 1), undefined].map((text) => pageNumber().parse(text))).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('has no id in the place of what is none', () => {
    expect(['1', String(Number.MAX_SAFE_INTEGER)].map((text) => idInQuery().parse(text))).toEqual([1, Number.MAX_SAFE_INTEGER])
    for (const text of ['0', '-1', '1.5', 'x', '9007199254740993', undefined]) expect(idInQuery().parse(text)).toBeUndefined()
  })

  it('has a search without the blanks around, and none where it cannot be found anyway', () => {
    expect(searchText().parse('  orders ')).toBe('orders')
    expect(searchText().parse('x'.repeat(150))).toHaveLength(150)
    for (const text of ['x'.repeat(151), 'a\0b', undefined]) expect(searchText().parse(text)).toBe('')
  })

  it('finds what people type, wildcards as the characters they are', () => {
    expect(patternOf('orders')).toBe('%orders%')
    expect(patternOf('100%_a\\')).toBe('%100\\%\\_a\\\\%')
    expect(loosePatternOf('a-b_c d%')).toBe('%a_b_c_d\\%%')
    expect(loosePatternOf('_-')).toBe('%\\_-%')
    expect(patternOf('')).toBeNull()
  })
})
