import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unstable_readConfig as readConfig } from 'wrangler'
import { CRONS } from '../../src/jobs/crons.ts'
import { MAX_ATTEMPTS } from '../../src/jobs/retry.ts'

const read = (env?: string) =>
  readConfig({ config: join(import.meta.dirname, '../../wrangler.toml'), ...(env ? { env } : {}) }, { hideWarnings: true })

const production = read()
const CONSUMER_OPTIONS = ['max_batch_size', 'max_batch_timeout', 'max_retries', 'retry_delay', 'max_concurrency'] as const

describe('wrangler.toml', () => {
  it("fires the schedule's crons", () => {
    expect(production.triggers.crons).toEqual(Object.values(CRONS))
  })

  it('delivers a message once per attempt of a job, then sends it to the dead letter queue', () => {
    const [jobs, dead] = production.queues.consumers ?? []
    expect(jobs).toMatchObject({ queue: 'watcher-jobs', max_retries: MAX_ATTEMPTS - 1, dead_letter_queue: dead?.queue })
    expect(production.queues.producers).toMatchObject([{ queue: 'watcher-jobs', binding: 'JOBS' }])
  })

  it('sets every option of every consumer', () => {
    expect(production.queues.consumers).toHaveLength(2)
    for (const consumer of production.queues.consumers ?? []) {
      for (const option of CONSUMER_OPTIONS) expect(consumer[option], `${consumer.queue} ${option}`).toBeTypeOf('number')
    }
  })

  it('has staging that differs from production only in names', () => {
    const staging = read('staging')
    const named = ({ vars, triggers, queues, ratelimits, version_metadata, observability, assets, build, main }: typeof production) =>
      JSON.parse(
        JSON.stringify({ vars, triggers, queues, ratelimits, version_metadata, observability, assets, build, main })
          .replaceAll('staging-watcher-', 'watcher-')
          .replaceAll('"1002"', '"1001"'),
      )
    expect(named(staging)).toEqual(named(production))
    expect([production.name, staging.name]).toEqual(['watcher', 'watcher-staging'])
    expect(staging.queues.consumers?.map((consumer: { queue: string }) => consumer.queue)).toEqual([
      'staging-watcher-jobs',
      'staging-watcher-dead-jobs',
    ])
  })
})
