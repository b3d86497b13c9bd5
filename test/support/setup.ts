import { env } from 'cloudflare:workers'
import { neon, neonConfig } from '@neondatabase/serverless'
import { afterAll, beforeAll, inject } from 'vitest'

declare global {
  namespace Cloudflare {
    interface Env {
      DATABASE_URL: string
      NEON_FETCH_ENDPOINT: string
    }
  }
}

/** Every test file has its own database, a copy of the migrated template. */
const name = `watcher_test_${crypto.randomUUID().replaceAll('-', '')}`

/**
 * The queue of calls that bring none of their own forgets its messages; the jobs stay recorded. The platform's would deliver them at any time: in
 * the next test, where the truncated table `job` has other jobs with the same ids.
 */
env.JOBS = { send: async () => {}, sendBatch: async () => {} } as unknown as Env['JOBS']

beforeAll(async () => {
  neonConfig.fetchEndpoint = inject('endpointUrl')
  await neon(inject('databaseUrl')).query(`create database ${name} template ${inject('templateDatabase')}`)
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  env.DATABASE_URL = url.href
})

afterAll(async () => {
  await neon(inject('databaseUrl')).query(`drop database ${name} with (force)`)
})
