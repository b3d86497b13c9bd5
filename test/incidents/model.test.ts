import { afterAll, afterEach, describe, expect, inject, it, vi } from 'vitest'
import { Sequence } from './model/sequence.ts'

const STEPS = 40

const tally = { compared: 0, messages: 0, failed: 0, missed: 0, late: 0, stale: 0, queue: 0, caused: 0, reopened: 0 }
/** Why lives ended early, and how many. */
const disputed: Record<string, number> = {}

afterEach(() => vi.useRealTimers())
afterAll(() => console.log(`Model of incidents: ${JSON.stringify({ ...tally, disputed })}`))

describe('the incidents and messages of a random life are those of the model', () => {
  const seeds = Array.from({ length: inject('modelSequences') }, (_, index) => inject('modelSeed') + index)
  it.each(seeds)('seed %i', async (seed) => {
    const sequence = await Sequence.begin(seed)
    const life = await sequence.live(STEPS)
    if (life.dispute !== null) disputed[life.dispute] = (disputed[life.dispute] ?? 0) + 1
    tally.compared += life.compared
    tally.messages += life.messages
    for (const { kind, causedBy, reopenedAt } of life.incidents) {
      tally[kind] += 1
      if (causedBy) tally.caused += 1
      tally.reopened += reopenedAt.length
    }
  })

  it.skipIf(seeds.length < 10)('of which most are compared to their end', () => {
    const ended = Object.values(disputed).reduce((sum, lives) => sum + lives, 0)
    expect(ended).toBeLessThanOrEqual(seeds.length / 2)
  })
})
