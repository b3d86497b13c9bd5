import { describe, expect, it } from 'vitest'
import { countOf, expectError, get, makePipeline, patch, post, readExecution, readPipeline, sql, startRun, unique } from '../support/api.ts'

const end = (fields: Record<string, unknown>) => post('/end_pipeline_execution', fields)

describe('POST /start_pipeline_execution', () => {
  it("starts a run with the pipeline's own watermarks and load, and its UTC date and hour", async () => {
    const pipeline_id = await makePipeline({ next_watermark: '20', full_load: true })
    await patch('/pipeline', { id: pipeline_id, watermark: '10' })
    const id = await startRun({ pipeline_id, start_date: '2025-01-09T23:30:45.123456-02:00', execution_metadata: { partition: 'a' } })
    expect(await readExecution(id)).toEqual({
      id,
      pipeline_id,
      parent_id: null,
      start_date: '2025-01-10T01:30:45.123456Z',
      date_recorded: '2025-01-10',
      hour_recorded: 1,
      end_date: null,
      duration_seconds: null,
      completed_successfully: null,
      inserts: null,
      updates: null,
      soft_deletes: null,
      total_rows: null,
      throughput: null,
      full_load: true,
      watermark: '10',
      next_watermark: '20',
      execution_metadata: { partition: 'a' },
      openlineage: null,
      child_executions: [],
    })
  })

  it('finds the pipeline by name in any case, and prefers the values in the body to the defaults', async () => {
    const name = unique('By-Name')
    await makePipeline({ name, next_watermark: '20' })
    const id = await startRun({ pipeline_name: name.toUpperCase(), watermark: 1, next_watermark: '2', full_load: true })
    expect(await readExecution(id)).toMatchObject({ watermark: '1', next_watermark: '2', full_load: true })
    expect(Date.now() - Date.parse((await readExecution(id)).start_date)).toBeLessThan(60_000)
  })

  it('accepts both id and name if they are of one pipeline', async () => {
    const name = unique('Both')
    const pipeline_id = await makePipeline({ name })
    expect(await readExecution(await startRun({ pipeline_id, pipeline_name: name.toLowerCase() }))).toMatchObject({ pipeline_id })
  })

  it('stores nested runs: parent, closure, direct parts', async () => {
    const pipeline_id = await makePipeline()
    const master = await startRun({ pipeline_id })
    const child = await startRun({ pipeline_id, parent_id: master })
    const sdkChild = await startRun({ pipeline_id, parent_execution_id: master, start_date: null, watermark: null, next_watermark: null })
    const grandchild = await startRun({ pipeline_id, parent_id: child })
    const children = (await readExecution(master)).child_executions.map((run: { id: number }) => run.id)
    expect(children).toEqual([child, sdkChild])
    const closure = await sql(
      'select ancestor_id, descendant_id, depth from pipeline_execution_closure where descendant_id = $1 order by depth',
      [grandchild],
    )
    expect(closure.map((row) => [Number(row.ancestor_id), row.depth])).toEqual([
      [grandchild, 0],
      [child, 1],
      [master, 2],
    ])
    const page = await get(`/pipeline_execution?parent_id=${master}`)
    expect(page.body).toHaveLength(2)
  })

  it('answers 404 for an unknown pipeline, 422 for an unknown parent or without a pipeline, and starts nothing', async () => {
    const pipeline_id = await makePipeline()
    const [before, closureBefore] = [await countOf('pipeline_execution'), await countOf('pipeline_execution_closure')]
    expectError(await post('/start_pipeline_execution', { pipeline_id: 999_999 }), 404, 'pipeline_not_found')
    expectError(await post('/start_pipeline_execution', { pipeline_name: 'nobody' }), 404, 'pipeline_not_found')
    expectError(await post('/start_pipeline_execution', { pipeline_id, parent_id: 999_999 }), 422, 'unknown_reference', [
      'body',
      'parent_id',
    ])
    const other = { pipeline_id, pipeline_name: (await readPipeline(await makePipeline())).name }
    const two = await post('/start_pipeline_execution', other)
    expectError(two, 422, 'validation_failed', ['body', 'pipeline_name'])
    expect(two.body.message).toContain(`pipeline ${pipeline_id} is not called "${other.pipeline_name}"`)
    expectError(await post('/start_pipeline_execution', { pipeline_id, pipeline_name: 'nobody' }), 422, 'validation_failed')
    expectError(await post('/start_pipeline_execution', {}), 422, 'validation_failed', ['body', 'pipeline_id'])
    expectError(await post('/start_pipeline_execution', { pipeline_id, start_date: '2025-13-01' }), 422, 'validation_failed', [
      'body',
      'start_date',
    ])
    expectError(
      await post('/start_pipeline_execution', { pipeline_id }, { 'idempotency-key': 'k'.repeat(201) }),
      422,
      'validation_failed',
      ['header', 'idempotency-key'],
    )
    expect(await countOf('pipeline_execution')).toBe(before)
    expect(await countOf('pipeline_execution_closure')).toBe(closureBefore)
  })
})

describe('POST /end_pipeline_execution', () => {
  it('stores metrics, rounded seconds, throughput from the exact seconds, and merged metadata', async () => {
    const pipeline_id = await makePipeline()
    const id = await startRun({ pipeline_id, start_date: '2025-01-09T10:00:00Z', execution_metadata: { a: 1, b: 1 } })
    const { status, body } = await end({
      id,
      end_date: '2025-01-09T10:01:40.5Z',
      inserts: 150,
      updates: 0,
      soft_deletes: null,
      total_rows: 180,
      execution_metadata: { b: 2, c: 3 },
    })
    expect([status, body]).toEqual([204, ''])
    expect(await readExecution(id)).toMatchObject({
      end_date: '2025-01-09T10:01:40.500000Z',
      duration_seconds: 101,
      completed_successfully: true,
      inserts: 150,
      updates: 0,
      soft_deletes: null,
      total_rows: 180,
      throughput: 180 / 100.5,
      execution_metadata: { a: 1, b: 2, c: 3 },
    })
  })

  it('stores no throughput if the duration is 0 or the rows are unknown', async () => {
    const pipeline_id = await makePipeline()
    const at = '2025-01-09T10:00:00Z'
    const [none, quick, unknown] = [
      await startRun({ pipeline_id, start_date: at }),
      await startRun({ pipeline_id, start_date: at }),
      await startRun({ pipeline_id, start_date: at }),
    ]
    await end({ id: none, end_date: at, total_rows: 10 })
    await end({ id: quick, end_date: '2025-01-09T10:00:00.25Z', total_rows: 10 })
    await end({ id: unknown, end_date: '2025-01-09T11:00:00Z' })
    expect(await readExecution(none)).toMatchObject({ duration_seconds: 0, throughput: null })
    expect(await readExecution(quick)).toMatchObject({ duration_seconds: 0, throughput: 40 })
    expect(await readExecution(unknown)).toMatchObject({ duration_seconds: 3600, throughput: null })
  })

  it('accepts counts up to 2^53 and no more', async () => {
    const id = await startRun({ pipeline_id: await makePipeline() })
    expectError(await end(`{"id":${id},"inserts":9007199254740993}` as never), 422, 'validation_failed', ['body', 'inserts'])
    expectError(await end({ id, inserts: -1 }), 422, 'validation_failed', ['body', 'inserts'])
    expectError(await end({ id, inserts: 1.5 }), 422, 'validation_failed', ['body', 'inserts'])
    expect((await end({ id, inserts: 2 ** 53, end_date: '9999-12-31T23:59:59.999999Z' })).status).toBe(204)
    expect((await sql('select inserts from pipeline_execution where id = $1', [id]))[0]?.inserts).toBe('9007199254740992')
  })

  it('on success moves the watermark to the next_watermark of this run, and sets load_lineage to false', async () => {
    const pipeline_id = await makePipeline({ next_watermark: '100', load_lineage: true })
    const id = await startRun({ pipeline_id })
    await post('/pipeline', { name: (await readPipeline(pipeline_id)).name, pipeline_type_name: 'extraction', next_watermark: '200' })
    await end({ id })
    expect(await readPipeline(pipeline_id)).toMatchObject({ watermark: '100', next_watermark: '200', load_lineage: false })
  })

  it('skips no rows if runs overlap: each success moves the watermark to what that run has loaded', async () => {
    const pipeline_id = await makePipeline({ next_watermark: '100' })
    const first = await startRun({ pipeline_id })
    await patch('/pipeline', { id: pipeline_id, next_watermark: '200' })
    const second = await startRun({ pipeline_id })
    await end({ id: second, completed_successfully: false })
    expect((await readPipeline(pipeline_id)).watermark).toBeNull()
    await end({ id: first })
    expect((await readPipeline(pipeline_id)).watermark).toBe('100')
    const third = await startRun({ pipeline_id })
    expect(await readExecution(third)).toMatchObject({ watermark: '100', next_watermark: '200' })
  })

  it('keeps the watermark if the run has no next_watermark', async () => {
    const pipeline_id = await makePipeline()
    await patch('/pipeline', { id: pipeline_id, watermark: '50' })
    await end({ id: await startRun({ pipeline_id }) })
    expect((await readPipeline(pipeline_id)).watermark).toBe('50')
  })

  it('stores the time of the last insert, update and delete if their count is above 0, never backwards, never on failure', async () => {
    const pipeline_id = await makePipeline()
    const run = async (endDate: string, fields: Record<string, unknown>) =>
      end({ id: await startRun({ pipeline_id, start_date: '2025-01-01T00:00:00Z' }), end_date: endDate, ...fields })
    await run('2025-01-05T00:00:00Z', { inserts: 1, updates: 0 })
    await run('2025-01-03T00:00:00Z', { inserts: 9, updates: 0, soft_deletes: 2 })
    await run('2025-01-09T00:00:00Z', { inserts: 9, updates: 9, soft_deletes: 9, completed_successfully: false })
    expect(await readPipeline(pipeline_id)).toMatchObject({
      last_target_insert: '2025-01-05T00:00:00.000000Z',
      last_target_update: null,
      last_target_soft_delete: '2025-01-03T00:00:00.000000Z',
      load_lineage: false,
    })
    await run('2025-01-07T00:00:00Z', { inserts: 0, updates: 1, soft_deletes: 0 })
    expect(await readPipeline(pipeline_id)).toMatchObject({
      last_target_insert: '2025-01-05T00:00:00.000000Z',
      last_target_update: '2025-01-07T00:00:00.000000Z',
      last_target_soft_delete: '2025-01-03T00:00:00.000000Z',
    })
  })

  it('keeps the later times of insert, update and delete if an earlier end arrives afterwards', async () => {
    const pipeline_id = await makePipeline()
    const all = { inserts: 1, updates: 1, soft_deletes: 1 }
    const [later, earlier] = [
      await startRun({ pipeline_id, start_date: '2025-01-01T00:00:00Z', next_watermark: '2' }),
      await startRun({ pipeline_id, start_date: '2025-01-01T00:00:00.1Z', next_watermark: '1' }),
    ]
    await end({ id: later, end_date: '2025-01-05T00:00:00Z', ...all })
    await end({ id: earlier, end_date: '2025-01-03T00:00:00Z', ...all })
    expect(await readPipeline(pipeline_id)).toMatchObject({
      watermark: '1', // this shows that the row was written again
      last_target_insert: '2025-01-05T00:00:00.000000Z',
      last_target_update: '2025-01-05T00:00:00.000000Z',
      last_target_soft_delete: '2025-01-05T00:00:00.000000Z',
    })
  })

  it('does not write the row of the pipeline if the run changes nothing in it', async () => {
    const pipeline_id = await makePipeline()
    await patch('/pipeline', { id: pipeline_id, watermark: '5' })
    await end({ id: await startRun({ pipeline_id }), end_date: '2999-01-01', inserts: 1 })
    const version = () => sql('select xmin::text, ctid::text from pipeline where id = $1', [pipeline_id])
    const before = await version()
    await end({ id: await startRun({ pipeline_id }), end_date: '2998-01-01', inserts: 1 })
    await end({ id: await startRun({ pipeline_id }), inserts: 0 })
    expect(await version()).toEqual(before)
  })

  it('records one anomaly job for a success of a pipeline with an active rule, and none otherwise', async () => {
    const jobs = (executionId: number) =>
      countOf(
        `job where kind = 'detect_anomalies' and payload = jsonb_build_object('pipeline_id', $1::bigint, 'pipeline_execution_id', $2::bigint)`,
        [pipeline_id, executionId],
      )
    const pipeline_id = await makePipeline()
    await post('/anomaly_detection_rule', { pipeline_id: await makePipeline(), metric_field: 'inserts' })
    const without = await startRun({ pipeline_id })
    await end({ id: without })
    const { body: rule } = await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })
    const [failed, succeeded] = [await startRun({ pipeline_id }), await startRun({ pipeline_id })]
    await end({ id: failed, completed_successfully: false })
    await Promise.all(Array.from({ length: 10 }, () => end({ id: succeeded })))
    await patch('/anomaly_detection_rule', { id: rule.id, active: false })
    const inactive = await startRun({ pipeline_id })
    await end({ id: inactive })
    expect(await Promise.all([without, failed, succeeded, inactive].map(jobs))).toEqual([0, 0, 1, 0])
  })

  it('refuses an end before the start and an unknown execution, and changes nothing', async () => {
    const pipeline_id = await makePipeline({ next_watermark: '1' })
    const id = await startRun({ pipeline_id, start_date: '2025-01-09T10:00:00Z' })
    expectError(await end({ id, end_date: '2025-01-09T09:59:59.999999Z' }), 422, 'end_before_start', ['body', 'end_date'])
    expectError(await end({ id: 999_999 }), 404, 'pipeline_execution_not_found')
    expectError(await end({}), 422, 'validation_failed', ['body', 'id'])
    expect(await readExecution(id)).toMatchObject({ end_date: null, completed_successfully: null })
    expect((await readPipeline(pipeline_id)).watermark).toBeNull()
  })

  it('ends a run without end_date even if a fast clock put its start in the future', async () => {
    const id = await startRun({ pipeline_id: await makePipeline(), start_date: new Date(Date.now() + 5_000).toISOString() })
    expect((await end({ id })).status).toBe(204)
    expect((await readExecution(id)).duration_seconds).toBe(0)
  })
})

describe('GET /pipeline_execution', () => {
  it('filters by pipeline, state and start', async () => {
    const pipeline_id = await makePipeline()
    const [running, succeeded, failed] = [
      await startRun({ pipeline_id, start_date: '2025-01-01T00:00:00Z' }),
      await startRun({ pipeline_id, start_date: '2025-01-02T00:00:00Z' }),
      await startRun({ pipeline_id, start_date: '2025-01-03T00:00:00Z' }),
    ]
    await end({ id: succeeded })
    await end({ id: failed, completed_successfully: false })
    const ids = async (query: string) =>
      (await get(`/pipeline_execution?pipeline_id=${pipeline_id}&${query}`)).body.map((run: { id: number }) => run.id)
    expect(await ids('')).toEqual([running, succeeded, failed])
    expect(await ids('status=running')).toEqual([running])
    expect(await ids('status=succeeded')).toEqual([succeeded])
    expect(await ids('status=failed')).toEqual([failed])
    // An unencoded + in an offset arrives as a space.
    expect(await ids('started_after=2025-01-01T02:00:00+02:00')).toEqual([succeeded, failed])
    expect(await ids('started_after=2025-01-01T02:00:00+02')).toEqual([succeeded, failed])
    expect(await ids('started_after=2025-01-01%2020:30')).toEqual([succeeded, failed])
    expect(await ids('started_after=2025-01-01T00:00:00Z&started_before=2025-01-03')).toEqual([succeeded])
    expectError(await get('/pipeline_execution?status=done'), 422, 'validation_failed', ['query', 'status'])
    expectError(await get('/pipeline_execution/999999'), 404, 'pipeline_execution_not_found')
  })
})
