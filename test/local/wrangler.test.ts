import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MOST_ATTEMPTS } from '../../src/jobs/retry.ts'
import { CRONS } from '../../src/jobs/schedule.ts'

const TOML = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')

describe('wrangler.toml', () => {
  it("fires the schedule's crons", () => {
    const crons = [...(TOML.match(/crons = \[([\s\S]*?)\]/)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map((match) => match[1])
    expect(crons).toEqual(Object.values(CRONS))
  })

  it('delivers a message as often as a job has attempts', () => {
    expect(TOML).toContain(`max_retries = ${MOST_ATTEMPTS - 1} `)
  })

  it('sets every option of every consumer', () => {
    const consumers = TOML.split('[[queues.consumers]]').slice(1)
    expect(consumers).toHaveLength(2)
    for (const consumer of consumers) {
      for (const option of ['queue', 'max_batch_size', 'max_batch_timeout', 'max_retries', 'retry_delay', 'max_concurrency']) {
        expect(consumer, option).toMatch(new RegExp(`^${option} = `, 'm'))
      }
    }
    expect(consumers[0]).toContain('dead_letter_queue = "watcher-dead-jobs"')
  })
})
