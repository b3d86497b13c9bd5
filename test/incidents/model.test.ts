import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { Sequence } from './model/sequence.ts'

const FIRST_SEED = 1
const SEQUENCES = 20
const STEPS = 40

const tally = { disputed: 0, compared: 0, messages: 0, failed: 0, missed: 0, late: 0, stale: 0, queue: 0, caused: 0, reopened: 0 }

afterEach(() => vi.useRealTimers())
afterAll(() => console.log(`Model of incidents: ${JSON.stringify(tally)}`))

describe('the incidents and messages of a random life are those of the model', () => {
  it.each(Array.from({ length: SEQUENCES }, (_, index) => FIRST_SEED + index))('seed %i', async (seed) => {
    const sequence = await Sequence.begin(seed)
    const { disputed, compared, incidents, messages } = await sequence.live(STEPS)
    if (disputed) tally.disputed += 1
    tally.compared += compared
    tally.messages += messages
    for (const { kind, causedBy, reopenedAt } of incidents) {
      tally[kind] += 1
      if (causedBy) tally.caused += 1
      tally.reopened += reopenedAt.length
    }
  })
})
