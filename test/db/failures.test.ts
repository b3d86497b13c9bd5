import { env } from 'cloudflare:workers'
import { neon } from '@neondatabase/serverless'
import { describe, expect, it, vi } from 'vitest'
import { call, countOf, expectError, get, makePipeline, post, sql, startRun, unique } from '../support/api.ts'

const away = { NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql' }

describe('when the database is unavailable', () => {
  it('answers 503 with Retry-After, and neither SQL nor a stack trace', async () => {
    const requests: [string, string, unknown?][] = [
      ['POST', '/pipeline', { name: unique('p'), pipeline_type_name: 't' }],
      ['GET', '/pipeline'],
      ['GET', '/pipeline/1'],
      ['PATCH', '/pipeline', { id: 1, active: true }],
      ['POST', '/start_pipeline_execution', { pipeline_id: 1 }],
      ['POST', '/end_pipeline_execution', { id: 1 }],
      [
        'POST',
        '/address_lineage',
        {
          pipeline_id: 1,
          source_addresses: [{ name: 'a', address_type_name: 't', address_type_group_name: 'g' }],
          target_addresses: [{ name: 'b', address_type_name: 't', address_type_group_name: 'g' }],
        },
      ],
      ['GET', '/address_lineage/1'],
      ['GET', '/?deep=true'],
    ]
    for (const [method, path, body] of requests) {
      const reply = await call(method, path, body, {}, away)
      expectError(reply, 503, 'database_unavailable')
      expect(reply.body.message).toBe('The database did not answer: try again in 5 seconds')
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(JSON.stringify(reply.body)).not.toMatch(/select|insert|update |127\.0\.0\.1|\.ts|at /i)
    }
  })

  it('says what to correct if the database does not exist, or is not migrated', async () => {
    const url = new URL(env.DATABASE_URL)
    const at = (database: string) => {
      url.pathname = `/${database}`
      return call('GET', '/pipeline', undefined, {}, { DATABASE_URL: url.href })
    }
    const missing = await at('no_such_database')
    expectError(missing, 503, 'misconfigured')
    expect(missing.body.message).toContain('DATABASE_URL')
    const empty = `empty_${crypto.randomUUID().replaceAll('-', '')}`
    await sql(`create database ${empty}`)
    const unmigrated = await at(empty)
    await sql(`drop database ${empty} with (force)`)
    expectError(unmigrated, 503, 'misconfigured')
    expect(unmigrated.body.message).toContain('npm run db:migrate')
  })

  it('answers 503 if the database does not answer with a result', async () => {
    const answers = ['<html>gateway</html>', '{"rows":[', ''].flatMap((text) => [200, 400].map((status) => new Response(text, { status })))
    const fetch = vi.spyOn(globalThis, 'fetch')
    for (const answer of answers) {
      fetch.mockResolvedValueOnce(answer)
      expectError(await get('/pipeline/1'), 503, 'database_unavailable')
    }
    expect(fetch).toHaveBeenCalledTimes(answers.length)
    fetch.mockRestore()
  })

  it('stops waiting for a statement that takes too long, and PostgreSQL cancels it', { timeout: 40_000 }, async () => {
    const name = unique('blocked')
    const client = neon(env.DATABASE_URL)
    const blocker = client.transaction([client.query('lock table pipeline in access exclusive mode'), client.query('select pg_sleep(11)')])
    await expect.poll(() => countOf(`pg_locks where mode = 'AccessExclusiveLock' and relation = 'pipeline'::regclass and granted`)).toBe(1)
    const reply = await post('/pipeline', { name, pipeline_type_name: 't' })
    expectError(reply, 503, 'database_unavailable')
    expect(reply.body.message).toBe('The database did not answer in time: try again in 5 seconds')
    await expect.poll(() => countOf(`pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).toBe(0)
    await blocker
    expect(await countOf('pipeline where name = $1', [name])).toBe(0)
  })
})

describe('when two transactions deadlock', () => {
  it('repeats the statement that PostgreSQL rolled back, and the request succeeds', { timeout: 40_000 }, async () => {
    const pipeline_id = await makePipeline({ next_watermark: '1' })
    const id = await startRun({ pipeline_id })
    const client = neon(env.DATABASE_URL)
    // The other transaction locks pipeline, then execution; the end locks execution, then pipeline. PostgreSQL rolls one back.
    const other = client
      .transaction([
        client.query('select from pipeline where id = $1 for update', [pipeline_id]),
        client.query('select pg_sleep(0.3)'),
        client.query('select from pipeline_execution where id = $1 for update', [id]),
        client.query('select pg_sleep(0.3)'),
      ])
      .then(
        () => 'committed',
        () => 'victim',
      )
    await expect.poll(() => countOf(`pg_stat_activity where datname = current_database() and query like 'select pg_sleep%'`)).toBe(1)
    const reply = await post('/end_pipeline_execution', { id })
    expect([reply.status, ['committed', 'victim'].includes(await other)]).toEqual([204, true])
    expect((await sql('select watermark from pipeline where id = $1', [pipeline_id]))[0]?.watermark).toBe('1')
  })
})

describe('a page of rows that is too large', () => {
  it('is refused, and works with a smaller limit', { timeout: 60_000 }, async () => {
    const pipeline_id = await makePipeline()
    const blob = 'x'.repeat(1_000_000)
    for (let index = 0; index < 12; index += 1) await startRun({ pipeline_id, execution_metadata: { blob } })
    expectError(await get(`/pipeline_execution?pipeline_id=${pipeline_id}`), 422, 'page_too_large')
    expect((await get(`/pipeline_execution?pipeline_id=${pipeline_id}&limit=2`)).body).toHaveLength(2)
  })
})
