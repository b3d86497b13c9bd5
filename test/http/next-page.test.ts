import { describe, expect, it } from 'vitest'
import { nextLink, pageOf, rowsToRead } from '../../src/http/paging.ts'

const url = 'https://watcher.test/pipeline?active=true&after_id=3'
const rows = [{ id: 4 }, { id: 7 }, { id: 9 }, { id: 12 }]

describe('a page of a list', () => {
  it('asks for one row more than it shows, and leads on where that row came', () => {
    expect(rowsToRead({ limit: 3, after_id: 0 })).toBe(4)
    expect(pageOf(rows, { limit: 3, after_id: 3 }, url)).toEqual({
      rows: [{ id: 4 }, { id: 7 }, { id: 9 }],
      headers: { Link: '<https://watcher.test/pipeline?active=true&after_id=9>; rel="next"' },
    })
  })

  it('is the last one where no row is left over', () => {
    expect(pageOf(rows, { limit: 4, after_id: 3 }, url)).toEqual({ rows, headers: {} })
    expect(pageOf([], { limit: 3, after_id: 3 }, url)).toEqual({ rows: [], headers: {} })
  })

  it('keeps the parameters it does not set', () => {
    expect(nextLink('https://watcher.test/a?b=1&offset=2', { offset: 4, limit: 2 })).toEqual({
      Link: '<https://watcher.test/a?b=1&offset=4&limit=2>; rel="next"',
    })
  })
})
