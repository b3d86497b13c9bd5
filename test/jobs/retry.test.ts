import { describe, expect, it } from 'vitest'
import { CLAIM_SECONDS, MAX_ATTEMPTS, retryDelaySeconds } from '../../src/jobs/retry.ts'

describe('the wait before the next attempt', () => {
  it('doubles from 15 seconds to half an hour, whatever the number', () => {
    expect([1, 2, 3, 7, 8, 9, 20, 1000].map(retryDelaySeconds)).toEqual([15, 30, 60, 960, 1800, 1800, 1800, 1800])
    expect([0, -5].map(retryDelaySeconds)).toEqual([15, 15])
  })

  it('lets all attempts together span about six and a half hours', () => {
    const seconds = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryDelaySeconds(index + 1)).reduce((sum, wait) => sum + wait)
    expect(seconds / 3600).toBeCloseTo(6.5, 0)
    expect(CLAIM_SECONDS).toBeGreaterThan(60)
  })
})
