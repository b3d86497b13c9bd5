import { describe, expect, it } from 'vitest'
import { nextLink } from '../../src/http/paging.ts'

describe('the link to the next page', () => {
  it('keeps the parameters it does not set', () => {
    expect(nextLink('https://watcher.test/a?b=1&offset=2', { offset: 4, limit: 2 })).toEqual({
      Link: '<https://watcher.test/a?b=1&offset=4&limit=2>; rel="next"',
    })
  })
})
