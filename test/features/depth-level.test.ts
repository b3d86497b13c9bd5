import { describe, expect, it } from 'vitest'
import { isWorse, levelOf } from '../../src/features/monitoring/depth-level.ts'

describe("the queue's depth", () => {
  it('is a warning from 50 waiting jobs on, and critical from 100 on', () => {
    expect([0, 49, 50, 99, 100, 5000].map(levelOf)).toEqual(['healthy', 'healthy', 'warning', 'warning', 'critical', 'critical'])
  })

  it('is worse upwards only', () => {
    const levels = ['healthy', 'warning', 'critical'] as const
    const worse = levels.flatMap((before) => levels.filter((level) => isWorse(level, before)).map((level) => `${before} > ${level}`))
    expect(worse).toEqual(['healthy > warning', 'healthy > critical', 'warning > critical'])
  })
})
