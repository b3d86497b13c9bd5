import { sql as text } from 'drizzle-orm'
import { bigint, pgTable } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Check } from '../../src/checks/check.ts'
import { call, get, makePipeline, post, sql, unique } from '../support/api.ts'
import { type Background, drain, fireCron, jobsOf, openBackground, setClock } from '../support/background.ts'

/**
 * Adds a check as CONTRIBUTING describes: a folder, a line in checks/index.ts and a migration. Here the folder is `tiny`, the
 * line is the mock, and the migration is the table that is created before each test. Nothing else changes.
 */
const tiny = vi.hoisted(() => ({ check: undefined as unknown }))
vi.mock('../../src/checks/index.ts', async (original) => {
  const { checks } = await original<typeof import('../../src/checks/index.ts')>()
  const { instant } = await import('../../src/db/columns.ts')
  const { plainAlert } = await import('../../src/checks/plain-alert.ts')
  const { sweepJob } = await import('../../src/checks/sweep.ts')
  const { pipeline } = await import('../../src/features/pipelines/table.ts')
  const { CRONS } = await import('../../src/jobs/crons.ts')
  const { oneAlert } = await import('../../src/notifications/record.ts')

  const tinyLog = pgTable('tiny_log', { id: bigint({ mode: 'number' }), pipeline_id: bigint({ mode: 'number' }), created_at: instant() })
  const evidence = z.object({ pipeline_id: z.coerce.number(), name: z.string() })
  type Evidence = z.output<typeof evidence>
  const explain = ({ name }: Evidence) => `${name} is tiny`
  const check: Check<Evidence> = {
    kind: 'tiny',
    badge: { word: 'tiny', sign: '.', tone: 'stale' },
    incidentKind: 'tiny',
    incidentTitle: 'Pipeline Tiny',
    log: { table: tinyLog, goesWith: tinyLog.created_at },
    evidence: () => evidence,
    explain,
    alert: plainAlert('tiny', 'Pipeline Size', () => evidence, explain),
    wrong: ({ now }) => text`
      select id as subject, id as pipeline_id, ${now} as since, jsonb_build_object('pipeline_id', id, 'name', name) as evidence
      from ${pipeline} p where name like 'tiny%' and not exists (select from ${tinyLog} l where l.pipeline_id = p.id)`,
    logFound: ({ found, now }) => text`
      insert into ${tinyLog} (pipeline_id, created_at) select pipeline_id, ${now} from ${found}
      on conflict do nothing returning pipeline_id as subject`,
    alertPayloads: ({ found, logged, now }) =>
      oneAlert('tiny', now, logged, text`select evidence as item from ${found} join ${logged} using (subject) order by subject`),
    wrongNow: (now) => text`
      select p.id as pipeline_id, ${now} as since, jsonb_build_object('pipeline_id', p.id, 'name', p.name) as evidence
      from ${pipeline} p where name like 'tiny%'`,
    countOpen: () => text`select count(*) from ${tinyLog}`,
    jobs: { check_tiny: () => sweepJob(check, { jobKind: 'check_tiny', payload: () => text`'{}'::jsonb` }) },
    sweeps: [{ cron: CRONS.hourly, kind: 'check_tiny', payload: () => ({}) }],
  }
  tiny.check = check
  return { checks: [...checks, check] }
})

const HTML = { accept: 'text/html' }
let background: Background

beforeEach(async () => {
  background = openBackground()
  await sql('truncate pipeline, pipeline_type, job restart identity cascade')
  await sql('drop table if exists tiny_log')
  await sql('create table tiny_log (id bigint generated always as identity primary key, pipeline_id bigint unique, created_at timestamptz)')
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a new check in the list', () => {
  it('runs when its cron fires, logs a finding once and alerts it once', async () => {
    const [first, second] = [await makePipeline({ name: unique('tiny') }), await makePipeline({ name: unique('tiny') })]
    await makePipeline({ name: unique('large') })
    await fireCron(background, '0 * * * *', new Date('2025-01-09T20:00:00Z'))
    await drain(background)
    expect((await sql('select pipeline_id from tiny_log order by 1')).map((row) => Number(row.pipeline_id))).toEqual([first, second])
    expect((await jobsOf('check_tiny')).map(({ state }) => state)).toEqual(['succeeded'])
    const told = (await background.slack.messages()).filter((message) => message.includes('Pipeline Size'))
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(
      /^⚠️ WARNING\nTimestamp: .*\nMessage: Pipeline Size Check Failed - 2 finding\(s\)\n\nDetails:\n• Findings:\n {2}• tiny-\d+ is tiny\n {2}• tiny-\d+ is tiny$/,
    )
    await fireCron(background, '0 * * * *', new Date('2025-01-09T21:00:00Z'))
    await drain(background)
    expect((await background.slack.messages()).filter((message) => message.includes('Pipeline Size'))).toHaveLength(1)
  })

  it('appears in the metrics, in the monitoring and on the overview', async () => {
    const name = unique('tiny')
    const id = await makePipeline({ name })
    await fireCron(background, '0 * * * *', new Date('2025-01-09T20:00:00Z'))
    await drain(background)
    // The answer of /metrics is reused for ten seconds.
    setClock(new Date(Date.now() + 60_000))
    const metrics = (await get('/metrics')).body as string
    expect(metrics).toContain('watcher_findings_open{check="tiny"} 1')
    expect(metrics).toContain('watcher_jobs{kind="check_tiny",state="succeeded"} 1')
    expect((await get('/monitoring')).body.kinds.map(({ kind }: { kind: string }) => kind)).toContain('check_tiny')
    expect((await get('/job?kind=check_tiny')).body).toHaveLength(1)
    expect((await get('/openapi.json')).body.components.schemas.JobKind.enum).toContain('check_tiny')

    const overview = (await call('GET', '/overview', undefined, HTML)).body as string
    expect(overview).toContain('<title>(1) Overview')
    expect(overview).toMatch(/<h1>1 tiny<\/h1>/)
    expect(overview).toMatch(/<span class="badge stale"><span aria-hidden="true">\.<\/span> 1 tiny<\/span>/)
    expect(overview).toMatch(new RegExp(`<p><a href="/incidents/\\d+">${name} is tiny</a></p>`))
    expect(overview).toContain('<option value="tiny">')
    await makePipeline({ name: unique('large') })
    const found = (await call('GET', '/overview?state=tiny', undefined, HTML)).body as string
    expect([...found.matchAll(/id="pipeline-(\d+)"/g)].map((match) => Number(match[1]))).toEqual([id])
  })

  it('has its log cleaned like the other logs', async () => {
    const pipeline = await makePipeline({ name: unique('large') })
    await sql(`insert into tiny_log (pipeline_id, created_at) values ($1, now() - interval '91 days'), ($1 + 1, now())`, [pipeline])
    const { body } = await post('/log_cleanup', { retention_days: 90 })
    expect(body).toMatchObject({ total_tiny_logs_deleted: 1, complete: true })
    expect(await sql('select from tiny_log')).toHaveLength(1)
  })
})
