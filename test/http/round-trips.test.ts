import { describe, expect, it } from 'vitest'
import { call, countRoundTrips, makePipeline, post, startRun, unique } from '../support/api.ts'
import { HeldQueue } from '../support/background.ts'

const address = (name: string) => ({ address_name: name, address_type_name: 't', address_type_group_name: 'g' })

/** The operations of the document that none of these requests calls: a new operation needs its line in `requests`. */
const operationsWithout = async (requests: [method: string, path: string, body?: unknown][]): Promise<string[]> => {
  const { paths } = (await call('GET', '/openapi.json')).body as { paths: Record<string, object> }
  const called = (method: string, template: string) => {
    const pattern = new RegExp(`^${template.replace(/\{(\w+)\}/g, (_, name) => (/id$/.test(name) ? '\\d+' : '[^/?]+'))}(\\?|$)`)
    return requests.some(([given, path]) => given === method.toUpperCase() && pattern.test(path))
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => !called(method, path))
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
}

/** A cleanup counts the runs that are about to go (is the day closed, are there marks?), then deletes in batches. A preview asks nobody. */
const TRIPS: Record<string, number> = { '/log_cleanup': 3, '/schedule/preview': 0 }

describe('a request costs one round trip to the database', () => {
  it('on every endpoint, new or known, changed or not', async () => {
    const pipeline_id = await makePipeline({ load_lineage: true })
    const parent_id = await startRun({ pipeline_id })
    const failing = await startRun({ pipeline_id })
    await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })
    const known = { name: unique('known'), pipeline_type_name: 'extraction' }
    const start_date = '2025-01-09T20:30:45.123456Z'
    const lineage = { pipeline_id, source_addresses: [address('a'), address('b')], target_addresses: [address('c')] }
    const requests: [method: string, path: string, body?: unknown][] = [
      ['POST', '/pipeline', known],
      ['POST', '/pipeline', known],
      ['POST', '/pipeline', { ...known, pipeline_type_name: unique('new-type'), next_watermark: 5 }],
      ['PATCH', '/pipeline', { id: pipeline_id, full_load: true }],
      ['GET', '/pipeline'],
      ['GET', `/pipeline/${pipeline_id}`],
      ['POST', '/pipeline_type', { name: unique('t') }],
      ['PATCH', '/pipeline_type', { id: 1, mute_freshness_check: true }],
      ['GET', '/pipeline_type'],
      ['GET', '/pipeline_type/1'],
      ['POST', '/start_pipeline_execution', { pipeline_id, parent_id, start_date }],
      ['POST', '/start_pipeline_execution', { pipeline_id, parent_id, start_date }],
      ['POST', '/end_pipeline_execution', { id: parent_id, inserts: 1 }],
      ['POST', '/end_pipeline_execution', { id: parent_id }],
      ['POST', '/end_pipeline_execution', { id: failing, completed_successfully: false }],
      ['GET', '/pipeline_execution'],
      ['GET', `/pipeline_execution/${parent_id}`],
      ['POST', '/address_lineage', lineage],
      ['POST', '/address_lineage', lineage],
      ['GET', '/address_lineage/1'],
      ['POST', '/address', { name: unique('address'), address_type_name: 'new', address_type_group_name: 'g' }],
      ['PATCH', '/address', { name: 'a', deprecated: true }],
      ['GET', '/address'],
      ['GET', '/address/1'],
      ['POST', '/address_type', { name: unique('t'), group_name: 'g' }],
      ['PATCH', '/address_type', { id: 1, group_name: 'h' }],
      ['GET', '/address_type'],
      ['GET', '/address_type/1'],
      ['POST', '/anomaly_detection_rule', { pipeline_id, metric_field: 'updates' }],
      ['PATCH', '/anomaly_detection_rule', { id: 1, active: false }],
      ['GET', '/anomaly_detection_rule'],
      ['GET', '/anomaly_detection_rule/1'],
      ['POST', '/anomaly_detection_rule/1/accept_level'],
      ['POST', '/anomaly_detection_rule/preview', { id: 1 }],
      ['POST', '/timeliness', { lookback_minutes: 60 }],
      ['POST', '/freshness'],
      ['POST', `/anomaly_detection/detect/${pipeline_id}`],
      ['POST', '/unflag_anomaly', { pipeline_id, pipeline_execution_id: parent_id, metric_field: ['inserts'] }],
      ['POST', '/log_cleanup', { retention_days: 3650 }],
      ['POST', '/celery/monitor-queue'],
      ['POST', '/replay_job', { id: 1 }],
      ['GET', '/anomaly_detection_result'],
      ['GET', '/incident?state=open&limit=5'],
      ['GET', '/incident/1'],
      ['POST', '/incident/1/acknowledge', { note: 'mine' }],
      ['POST', '/incident/1/comment', { note: 'a comment' }],
      ['POST', '/incident/1/resolve'],
      ['PATCH', '/pipeline', { id: pipeline_id, mute_timeliness_check: true }],
      ['PATCH', '/pipeline', { id: pipeline_id, schedule_cron: '0 6 * * *' }],
      ['POST', '/schedule/preview', { schedule_cron: '0 6 * * *' }],
      ['GET', `/pipeline/${pipeline_id}/schedule/suggest`],
      ['GET', '/address/1/impact'],
      ['POST', '/channel', { name: 'c', kind: 'slack', settings: { webhook_url: 'http://127.0.0.1:1/x' } }],
      ['GET', '/channel'],
      ['GET', '/channel/1'],
      ['PATCH', '/channel', { id: 1, kind: 'slack', settings: { webhook_url: 'http://127.0.0.1:1/y' } }],
      ['POST', '/channel/1/test'],
      ['GET', '/notification?state=sent'],
      ['POST', '/notification/1/replay'],
      ['DELETE', '/channel/1'],
      ['POST', '/silence', { ends_at: new Date(Date.now() + 3_600_000).toISOString(), reason: 'x' }],
      ['GET', '/silence'],
      ['GET', '/silence/1'],
      ['DELETE', '/silence/1'],
      ['GET', '/timeliness_log'],
      ['GET', '/freshness_log'],
      ['GET', '/monitoring'],
      ['GET', '/metrics'],
      ['GET', '/job'],
      ['GET', '/job/1'],
      ['GET', '/?deep=true'],
      ['POST', '/ping/key/a-new-one?create=1'],
      ['POST', '/ping/key/a-new-one/start'],
      ['POST', '/ping/8a4b0ad8-3dd4-4a5a-8a5f-0c8f7a4d3b1e'],
      ['POST', `/pipeline/${pipeline_id}/ping_url`],
      ['GET', '/badge/key/a-new-one.svg'],
      ['POST', '/api/v1/lineage', { job: { namespace: 'n', name: 'j' }, run: { runId: 'r' }, eventType: 'START' }],
      ['POST', '/api/v1/lineage/batch', [{ job: { namespace: 'n', name: 'j' }, run: { runId: 'r' }, eventType: 'COMPLETE' }]],
      ['GET', '/pipeline/999999'],
      ['PATCH', '/pipeline', { id: 999_999 }],
    ]
    // load_lineage is true before the first request; the end of the run below sets it to false.
    await call('PATCH', '/pipeline', { id: pipeline_id, load_lineage: true })
    for (const [method, path, body] of requests) {
      const before = await countRoundTrips()
      // A test queue: the consumer of the real one would make more round trips.
      const settings = { JOBS: new HeldQueue(), WATCHER_ENCRYPTION_KEY: btoa('k'.repeat(32)), WATCHER_ALLOW_PRIVATE_WEBHOOKS: 'true' }
      const { status } = await call(method, path, body, {}, settings)
      const trips = (await countRoundTrips()) - before
      expect([method, path, status < 500, trips]).toEqual([method, path, true, TRIPS[path] ?? 1])
    }
    expect(await operationsWithout(requests)).toEqual([])
  })

  it('and none if the answer does not need it', async () => {
    const before = await countRoundTrips()
    await post('/pipeline', {})
    await post('/pipeline', '{')
    await call('GET', '/')
    await call('GET', '/openapi.json')
    await call('GET', '/scalar')
    await call('PUT', '/pipeline')
    expect(await countRoundTrips()).toBe(before)
  })
})
