import { describe, expect, inject, it } from 'vitest'
import { call, countOf, countRoundTrips, get, makePipeline, patch, post, sql, unique } from '../support/api.ts'
import { deliverJob, drain, openBackground } from '../support/background.ts'

type Json = Record<string, unknown>

const background = openBackground()
const PATH = '/api/v1/lineage'
const send = (event: unknown) => background.post(PATH, event)
let made = 0
const uuid = (): string => {
  made += 1
  return `0191f0c0-0000-7000-8000-${String(made).padStart(12, '0')}`
}

interface Told {
  run?: string
  run_facets?: Json
  job_facets?: Json
  inputs?: unknown[]
  outputs?: unknown[]
  producer?: string
}
const event = (
  eventType: string,
  eventTime: string,
  name: string,
  { run, run_facets = {}, job_facets = {}, ...more }: Told & { run: string },
) => ({
  eventType,
  eventTime,
  producer: 'https://example.com/tree/1.0/integration/airflow',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  job: { namespace: 'shop', name, facets: job_facets },
  run: { runId: run, facets: run_facets },
  ...more,
})
const parent = (name: string, runId: string) => ({ parent: { run: { runId }, job: { namespace: 'shop', name } } })
const ALL = 'include_steps=true'
const pipelineOf = async (name: string) => (await get(`/pipeline?name=${encodeURIComponent(name)}&${ALL}`)).body[0]
const runsOf = async (name: string) => (await get(`/pipeline_execution?pipeline_id=${(await pipelineOf(name))?.id}&${ALL}`)).body
const incidentsOf = async (name: string) => (await get(`/incident?pipeline_id=${(await pipelineOf(name)).id}`)).body
const T = (minute: number) => `2026-01-01T02:${String(minute).padStart(2, '0')}:00Z`
const at = (minute: number) => `2026-01-01T02:${String(minute).padStart(2, '0')}:00.000000Z`

describe('an event of OpenLineage', () => {
  it('starts a run and ends it, each in one round trip, with its rows, datasets and lineage', async () => {
    const [name, run] = [unique('dag.load'), uuid()]
    const inputs = [{ namespace: 'postgres://shop:5432', name: `public.${name}` }]
    const outputs = [
      {
        namespace: 's3://lake',
        name,
        outputFacets: { outputStatistics: { rowCount: 12, size: 4096 } },
        facets: { schema: { fields: [{ name: 'id' }] } },
      },
    ]
    const before = await countRoundTrips()
    expect(await send(event('START', T(0), name, { run, inputs }))).toMatchObject({ status: 201, body: '' })
    expect((await send(event('COMPLETE', T(5), name, { run: run.toUpperCase(), outputs }))).status).toBe(201)
    expect((await countRoundTrips()) - before).toBe(2)
    const pipeline = await pipelineOf(name)
    expect(pipeline).toMatchObject({
      openlineage: { namespace: 'shop', name },
      last_target_insert: at(5),
      load_lineage: false,
      watermark: null,
    })
    const [found, ...more] = await runsOf(name)
    expect(more).toEqual([])
    expect(found).toMatchObject({
      start_date: at(0),
      end_date: at(5),
      completed_successfully: true,
      total_rows: 12,
      duration_seconds: 300,
      openlineage: { run_id: run },
    })
    expect((await get(`/pipeline_execution/${found.id}`)).body.openlineage).toMatchObject({
      run_id: run,
      job: { namespace: 'shop', name },
      facets: { run: {} },
    })
    const [address] = (await get(`/address?name=${encodeURIComponent(`s3://lake/${name}`)}`)).body
    expect(address.address_metadata).toEqual({ schema: [{ name: 'id' }] })
    await drain(background)
    expect((await get(`/address_lineage/${address.id}?direction=upstream`)).body).toMatchObject([
      { source_address_name: `postgres://shop:5432/public.${name}`, depth: 1 },
    ])
    expect(
      await sql('select t.name from pipeline p join pipeline_type t on t.id = p.pipeline_type_id where p.id = $1', [pipeline.id]),
    ).toEqual([{ name: 'airflow' }])
  })

  it('that comes twice is one', async () => {
    const [name, run] = [unique('twice'), uuid()]
    const told = event('COMPLETE', T(1), name, { run })
    await Promise.all([send(told), send(told), send(told)])
    await send(told)
    expect([(await runsOf(name)).length, await countOf('openlineage_event where body like $1', [`%${name}%`])]).toEqual([1, 1])
  })

  it('FAIL wins over a COMPLETE some milliseconds later, and takes back what the success did', async () => {
    const [name, run] = [unique('spark'), uuid()]
    const outputs = [{ namespace: 's3://lake', name, outputFacets: { outputStatistics: { rowCount: 5 } } }]
    await send(event('START', T(0), name, { run }))
    await send(event('COMPLETE', '2026-01-01T02:10:00.028Z', name, { run, outputs }))
    expect(await pipelineOf(name)).toMatchObject({ last_target_insert: '2026-01-01T02:10:00.028000Z' })
    await send(event('FAIL', T(10), name, { run, run_facets: { 'spark.exception': { message: 'disk full' } } }))
    expect(await runsOf(name)).toMatchObject([
      { completed_successfully: false, end_date: at(10), execution_metadata: { error: 'disk full' } },
    ])
    expect(await pipelineOf(name)).toMatchObject({ last_target_insert: null })
    expect(await incidentsOf(name)).toMatchObject([{ kind: 'failed', state: 'open', details: { why: 'disk full' } }])
    await send(event('COMPLETE', T(30), name, { run: uuid() }))
    expect(await incidentsOf(name)).toMatchObject([{ kind: 'failed', state: 'resolved' }])
  })

  it('of an older success says nothing about a later failure', async () => {
    const name = unique('late-arrival')
    await send(event('FAIL', T(20), name, { run: uuid() }))
    await send(event('COMPLETE', T(10), name, { run: uuid() }))
    expect(await incidentsOf(name)).toMatchObject([{ state: 'open' }])
  })

  it.each([
    ['no zone', '2026-01-01T02:00:00', at(0)],
    ['an offset', '2026-01-01T04:00:00+02:00', at(0)],
    ['nine digits', '2026-01-01T02:00:00.123456789Z', '2026-01-01T02:00:00.123456Z'],
    ['1999', '1999-12-31T23:59:59Z', '1999-12-31T23:59:59.000000Z'],
    ['2099', '2099-01-01T00:00:00Z', '2099-01-01T00:00:00.000000Z'],
  ])('has a time with %s', async (_, eventTime, start_date) => {
    const name = unique('time')
    await send(event('START', eventTime, name, { run: uuid() }))
    expect(await runsOf(name)).toMatchObject([{ start_date }])
  })

  it('may lack nearly everything', async () => {
    const name = unique('bare')
    for (const body of [
      { job: { namespace: '', name }, run: { runId: 'not a uuid' } },
      {
        job: { namespace: '', name },
        run: { runId: 'Not a UUID' },
        inputs: null,
        outputs: {},
        eventType: 7,
        eventTime: 'yesterday',
        producer: [],
      },
      { job: { namespace: '', name, facets: { jobType: 'x', ownership: { owners: 'x' } } } },
      { dataset: { namespace: 'x', name } },
      { eventTime: T(0), job: { namespace: '', name: 'a\tb\nc\0\ud800' }, run: { runId: 'x\0' } },
    ]) {
      expect([JSON.stringify(body), (await send(body)).status]).toEqual([JSON.stringify(body), 201])
    }
    expect((await runsOf(name)).length).toBe(2)
    expect((await pipelineOf(name)).openlineage).toEqual({ namespace: '', name })
  })

  it('is refused only if it can never be read', async () => {
    for (const [body, status] of [
      ['{', 400],
      ['', 400],
      ['[]', 422],
      ['7', 422],
      ['{}', 422],
      ['{"job":{"name":"x"}}', 422],
      ['{"job":{"namespace":1,"name":"x"},"run":{"runId":"y"}}', 422],
      [`{"job":{"namespace":"a","name":"${'x'.repeat(2001)}"}}`, 422],
      [JSON.stringify({ job: { namespace: 'a', name: 'b' }, more: 'x'.repeat(1_100_000) }), 413],
    ] as const) {
      expect([body.slice(0, 60), (await call('POST', PATH, body, { 'content-type': 'text/plain' })).status]).toEqual([
        body.slice(0, 60),
        status,
      ])
    }
  })

  it('comes packed, under the paths of other receivers, and only with a token', async () => {
    const name = unique('packed')
    const packed = async (body: unknown) => {
      const stream = new Blob([JSON.stringify(body)]).stream().pipeThrough(new CompressionStream('gzip'))
      return new Uint8Array(await new Response(stream).arrayBuffer())
    }
    const told = event('START', T(0), name, { run: uuid() })
    const paths = [PATH, '/api/v1/openlineage/lineage', '/openapi/openlineage/api/v1/lineage']
    for (const path of paths)
      expect((await call('POST', path, await packed({ ...told, path }), { 'content-encoding': 'gzip' })).status).toBe(201)
    expect((await call('POST', PATH, new Uint8Array([1, 2, 3]), { 'content-encoding': 'gzip' })).status).toBe(400)
    const bomb = await packed({ ...told, more: ' '.repeat(20_000_000) })
    expect([bomb.byteLength < 100_000, (await call('POST', PATH, bomb, { 'content-encoding': 'gzip' })).status]).toEqual([true, 413])
    expect((await call('POST', PATH, told, {}, { WATCHER_API_TOKENS: 'a:b' })).status).toBe(401)
    expect((await call('POST', PATH, told, { authorization: 'Bearer b' }, { WATCHER_API_TOKENS: 'a:b:read' })).status).toBe(403)
  })
})

describe('a batch', () => {
  it('records each event for itself, in one round trip', async () => {
    const name = unique('batch')
    const before = await countRoundTrips()
    const answer = await background.post(`${PATH}/batch`, {
      events: [event('START', T(0), name, { run: uuid() }), { no: 'job' }, event('COMPLETE', T(1), name, { run: uuid() })],
    })
    expect((await countRoundTrips()) - before).toBe(1)
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'partial_success',
        summary: { received: 3, successful: 2, failed: 1 },
        failed_events: [{ index: 1, reason: expect.stringContaining('a namespace and a name') }],
      },
    })
    expect((await runsOf(name)).length).toBe(2)
    expect((await background.post(`${PATH}/batch`, [])).body).toMatchObject({ status: 'success', summary: { received: 0 } })
    expect((await background.post(`${PATH}/batch`, Array(1001).fill({}))).status).toBe(422)
    expect((await background.post(`${PATH}/batch`, { no: [] })).status).toBe(422)
  })
})

describe('a job of OpenLineage', () => {
  it('is its own pipeline: exact, never one that was made through the API, with a label of its own', async () => {
    const name = unique('orders')
    await makePipeline({ name })
    await send(event('START', T(0), name, { run: uuid() }))
    await send({ ...event('START', T(0), name.toUpperCase(), { run: uuid() }), job: { namespace: 'shop', name: name.toUpperCase() } })
    const long = `${'x'.repeat(600)}`
    await send(event('START', T(0), `${long}1`, { run: uuid() }))
    await send(event('START', T(0), `${long}2`, { run: uuid() }))
    const names = await sql(
      `select p.name, p.openlineage ->> 'name' as job from pipeline p where openlineage ->> 'name' in ($1, $2, $3, $4) order by p.id`,
      [name, name.toUpperCase(), `${long}1`, `${long}2`],
    )
    expect(names.map(({ name: label }) => [label.length <= 150])).toEqual([[true], [true], [true], [true]])
    expect(names.slice(0, 2)).toEqual([
      { name: `shop/${name}`, job: name },
      { name: expect.stringContaining('~'), job: name.toUpperCase() },
    ])
    expect(new Set(names.map(({ name: label }) => label)).size).toBe(4)
  })

  it('has the type of the best source, and an owner, which a person may change', async () => {
    const name = unique('typed')
    const typeOf = async () =>
      (
        await sql('select t.name from pipeline p join pipeline_type t on t.id = p.pipeline_type_id where p.id = $1', [
          (await pipelineOf(name)).id,
        ])
      )[0]?.name
    const told = (minute: number, job_facets: Json) => send(event('RUNNING', T(minute), name, { run: uuid(), job_facets }))
    await told(1, {})
    expect(await typeOf()).toBe('airflow')
    await told(2, {
      jobType: { integration: 'DBT', jobType: 'MODEL', processingType: 'BATCH' },
      ownership: { owners: [{ name: 'team:finance' }] },
      documentation: { description: 'Loads.' },
    })
    await told(3, {})
    expect([await typeOf(), await pipelineOf(name)]).toMatchObject([
      'dbt',
      { owner: 'finance', pipeline_metadata: { documentation: 'Loads.' } },
    ])
    const { id: pipeline_type_id } = (await post('/pipeline_type', { name: 'extraction' })).body
    await patch('/pipeline', { name, owner: 'sales', pipeline_type_id })
    await told(4, { jobType: { integration: 'SPARK' }, ownership: { owners: [{ name: 'team:other' }] } })
    expect([await typeOf(), (await pipelineOf(name)).owner]).toEqual(['extraction', 'sales'])
  })

  it('that never ends by itself is not late', async () => {
    const names = [unique('stream'), unique('batch-job')] as const
    for (const [index, name] of names.entries()) {
      await send(
        event('START', T(0), name, {
          run: uuid(),
          job_facets: { jobType: { integration: 'FLINK', processingType: index === 0 ? 'STREAMING' : 'BATCH' } },
        }),
      )
      await patch('/pipeline', { name, timeliness_number: 1, timeliness_datepart: 'hour' })
    }
    await background.post('/timeliness', {})
    await drain(background)
    expect([await incidentsOf(names[0]), await incidentsOf(names[1])]).toMatchObject([[], [{ kind: 'late' }]])
  })
})

describe('the parent of a run', () => {
  it('is a placeholder until it comes: not judged, and then filled in', async () => {
    const [dag, task] = [unique('dag'), unique('task')]
    const [dagRun, taskRun] = [uuid(), uuid()]
    await send(event('START', T(5), task, { run: taskRun, run_facets: parent(dag, dagRun) }))
    await patch('/pipeline', { name: dag, timeliness_number: 1, timeliness_datepart: 'hour' })
    await background.post('/timeliness', {})
    await drain(background)
    expect([await runsOf(dag), await incidentsOf(dag)]).toMatchObject([[{ start_date: at(5), end_date: null }], []])
    await send(event('COMPLETE', T(20), dag, { run: dagRun }))
    await send(event('START', T(1), dag, { run: dagRun }))
    const [whole] = await runsOf(dag)
    expect(whole).toMatchObject({ start_date: at(1), end_date: at(20), completed_successfully: true })
    expect(await runsOf(task)).toMatchObject([{ parent_id: whole.id }])
  })

  it('may change, and then the whole subtree moves; on a cycle nobody has one', async () => {
    const [a, b, c, d] = [unique('a'), unique('b'), unique('c'), unique('d')]
    const [ra, rb, rc, rd] = [uuid(), uuid(), uuid(), uuid()]
    const told = (minute: number, name: string, run: string, run_facets: Json = {}) =>
      send(event('RUNNING', T(minute), name, { run, run_facets }))
    await told(1, b, rb, parent(a, ra))
    await told(1, c, rc, parent(b, rb))
    const above = async (name: string) =>
      (
        await sql(
          "select o.openlineage ->> 'name' as name from pipeline_execution_closure c join pipeline_execution e on e.id = c.ancestor_id join pipeline o on o.id = e.pipeline_id where c.descendant_id = $1 and c.depth > 0 order by c.depth",
          [(await runsOf(name))[0].id],
        )
      ).map((row) => row.name)
    expect(await above(c)).toEqual([b, a])
    await told(2, b, rb, parent(d, rd))
    expect(await above(c)).toEqual([b, d])
    await told(3, d, rd, parent(c, rc))
    expect([await above(b), await above(c), await above(d)]).toEqual([[], [], []])
    await told(4, d, rd, parent(a, ra))
    expect(await above(c)).toEqual([b, d, a])
  })

  it('that failed makes an abort of its part no news', async () => {
    const [dag, task] = [unique('dag'), unique('task')]
    const [dagRun, taskRun] = [uuid(), uuid()]
    await send(event('ABORT', T(5), task, { run: taskRun, run_facets: parent(dag, dagRun) }))
    expect(await incidentsOf(task)).toMatchObject([{ state: 'open' }])
    await send(event('FAIL', T(6), dag, { run: dagRun }))
    expect([await incidentsOf(task), await incidentsOf(dag)]).toMatchObject([[{ state: 'resolved' }], [{ state: 'open' }]])
  })
})

describe('an incident of what OpenLineage tells', () => {
  it('holds up no success: many that come at once while it is open do not wait for each other in a circle', async () => {
    const name = unique('busy')
    await send(event('FAIL', T(1), name, { run: uuid() }))
    const deadlocks = async () =>
      Number((await sql('select deadlocks from pg_stat_database where datname = current_database()'))[0]?.deadlocks)
    await sql('select pg_stat_force_next_flush()')
    const before = await deadlocks()
    const events = Array.from({ length: 60 }, (_, index) => event('COMPLETE', T(2 + (index % 50)), name, { run: uuid() }))
    const answers = await Promise.all(events.map(send))
    expect(answers.map(({ status }) => status).filter((status) => status !== 201)).toEqual([])
    await sql('select pg_sleep(1.2)') // statistics are written once a second
    expect(await deadlocks()).toBe(before)
    expect(await incidentsOf(name)).toMatchObject([{ kind: 'failed', state: 'resolved' }])
  })

  it('stays resolved by a person for that run, whatever else is told of it', async () => {
    const [name, run] = [unique('handled'), uuid()]
    await send(event('FAIL', T(1), name, { run }))
    const [{ id }] = await incidentsOf(name)
    expect((await post(`/incident/${id}/resolve`)).status).toBe(204)
    await send(event('OTHER', T(2), name, { run }))
    await send(event('COMPLETE', T(3), name, { run }))
    expect(await incidentsOf(name)).toMatchObject([{ id, state: 'resolved' }])
    await send(event('FAIL', T(5), name, { run: uuid() }))
    expect(await incidentsOf(name)).toMatchObject([{ state: 'open' }, { id }])
  })

  it('has the highest severity of its runs, and is told again when that rises', async () => {
    const [name, run, stepRun] = [unique('grave'), uuid(), uuid()]
    const step = { jobType: { integration: 'SPARK', jobType: 'SQL_JOB', processingType: 'BATCH' } }
    await send(event('START', T(0), name, { run }))
    await patch('/pipeline', { id: (await pipelineOf(name)).id, severity: 'critical' })
    await send(event('FAIL', T(1), `${name}.write`, { run: stepRun, job_facets: step, run_facets: parent(name, run) }))
    await send(event('COMPLETE', T(2), name, { run }))
    expect(await incidentsOf(name)).toMatchObject([{ severity: 'warning', occurrences: 1 }])
    await send(event('FAIL', T(3), name, { run }))
    const [{ id }] = await incidentsOf(name)
    expect(await incidentsOf(name)).toMatchObject([{ severity: 'critical', occurrences: 1 }])
    const told = ((await get(`/incident/${id}`)).body.events as { text: string | null }[]).map(({ text }) => text)
    expect(told.filter((text) => text === 'It is critical now')).toHaveLength(1)
    const later = uuid()
    await send(event('FAIL', T(5), `${name}.write`, { run: uuid(), job_facets: step, run_facets: parent(name, later) }))
    await send(event('COMPLETE', T(6), name, { run: later }))
    expect(await incidentsOf(name)).toMatchObject([{ severity: 'critical', occurrences: 2 }])
  })
})

describe('a step', () => {
  const step = { jobType: { integration: 'SPARK', jobType: 'SQL_JOB', processingType: 'BATCH' } }

  it('is a part of its run: hidden, without incidents; a run that succeeds with a failed one is a warning', async () => {
    const [app, name] = [unique('app'), unique('app.write')]
    const [appRun, stepRun] = [uuid(), uuid()]
    await send(event('START', T(0), app, { run: appRun }))
    await send(event('START', T(1), name, { run: stepRun, job_facets: step, run_facets: parent(app, appRun) }))
    await send(event('FAIL', T(2), name, { run: stepRun, run_facets: { errorMessage: { message: 'no space' }, ...parent(app, appRun) } }))
    expect(await incidentsOf(app)).toEqual([])
    await send(event('COMPLETE', T(3), app, { run: appRun }))
    expect(await incidentsOf(app)).toMatchObject([
      { kind: 'failed', severity: 'warning', details: { why: `Step ${name} has failed: no space` } },
    ])
    expect([await incidentsOf(name), (await runsOf(app))[0].completed_successfully]).toEqual([[], true])
    expect((await get(`/pipeline?name=${name}`)).body).toEqual([])
    expect((await get(`/pipeline_execution?pipeline_id=${(await pipelineOf(name)).id}`)).body).toEqual([])
    for (const path of ['/overview', '/pipelines'])
      expect((await get(`${path}?search=${name}`, { accept: 'text/html' })).body).not.toContain(`>${name}<`)
    await send(event('COMPLETE', T(9), app, { run: uuid() }))
    expect(await incidentsOf(app)).toMatchObject([{ state: 'resolved' }])
  })

  it('shows what it reads and writes on the page of its run`s pipeline, and nowhere else', async () => {
    const [app, name, reader] = [unique('app'), unique('app.join'), unique('report')]
    const [appRun, table] = [uuid(), unique('table')]
    const inputs = [{ namespace: 's3://raw', name: table }]
    const outputs = [{ namespace: 's3://mart', name: table }]
    await send(event('START', T(0), app, { run: appRun }))
    await send(event('COMPLETE', T(2), name, { run: uuid(), job_facets: step, run_facets: parent(app, appRun), inputs, outputs }))
    await send(event('COMPLETE', T(3), app, { run: appRun }))
    await send(event('COMPLETE', T(4), reader, { run: uuid(), inputs: outputs, outputs: [{ namespace: 's3://report', name: table }] }))
    const page = (await get(`/pipelines/${(await pipelineOf(app)).id}`, { accept: 'text/html' })).body
    const lineage = page.slice(page.indexOf('id="lineage"'))
    for (const shown of [`s3://raw/${table}`, `s3://mart/${table}`, `>${reader}<`]) expect(lineage).toContain(shown)
    const found = (await get(`/search?q=${name}`, { accept: 'application/json' })).body
    expect(JSON.stringify(found)).not.toContain(name)
    expect((await get('/metrics')).body).toContain(`\nwatcher_pipelines ${await countOf('pipeline where not is_step')}\n`)
  })
})

describe('the schedule of a job', () => {
  it('is covered by the nominal time, not by when the run started', async () => {
    const name = unique('nominal')
    await send(event('RUNNING', T(0), name, { run: uuid() }))
    const { id } = await pipelineOf(name)
    const now = Date.now()
    const slot = new Date(Math.floor(now / 3_600_000) * 3_600_000).toISOString()
    await sql(
      `insert into incident (pipeline_id, kind, subject, severity, state, opened_at, detected_at, last_occurrence_at, occurrences, details)
      values ($1, 'missed', '', 'warning', 'open', $2::text::timestamptz, $2::text::timestamptz, $2::text::timestamptz, 1, jsonb_build_object('slot', $2::text, 'covers_from', $2::text, 'schedule', 'x'))`,
      [id, slot],
    )
    await sql('update pipeline set check_at = now() where id = $1', [id])
    const started = (nominal: string) =>
      event('START', new Date(now).toISOString(), name, { run: uuid(), run_facets: { nominalTime: { nominalStartTime: nominal } } })
    await send(started('2020-01-01T00:00:00Z'))
    expect(await incidentsOf(name)).toMatchObject([{ kind: 'missed', state: 'open' }])
    await send(started(slot))
    expect(await incidentsOf(name)).toMatchObject([{ kind: 'missed', state: 'resolved' }])
  })

  it('is covered by the end of what Airflow calls the interval of its data', async () => {
    const scheduledFor = async (integration: string) => {
      const name = unique('interval')
      await send(
        event('START', '2026-01-02T06:00:04Z', name, {
          run: uuid(),
          job_facets: { jobType: { integration, jobType: 'DAG', processingType: 'BATCH' } },
          run_facets: { nominalTime: { nominalStartTime: '2026-01-01T06:00:00Z', nominalEndTime: '2026-01-02T06:00:00Z' } },
        }),
      )
      const [row] = await sql('select scheduled_for from pipeline_execution where pipeline_id = $1', [(await pipelineOf(name)).id])
      return new Date(String(row?.scheduled_for)).toISOString()
    }
    expect([await scheduledFor('AIRFLOW'), await scheduledFor('SPARK')]).toEqual(['2026-01-02T06:00:00.000Z', '2026-01-01T06:00:00.000Z'])
  })
})

describe('the cleanup of OpenLineage', () => {
  it('deletes old events, and lineage that ten runs and thirty days have not seen', async () => {
    const name = unique('cleaned')
    const dataset = (side: string) => [{ namespace: 's3://lake', name: `${name}.${side}` }]
    await send(event('COMPLETE', T(0), name, { run: uuid(), inputs: dataset('in'), outputs: dataset('out') }))
    const { id } = await pipelineOf(name)
    const kept = () =>
      Promise.all([countOf('openlineage_event where body like $1', [`%${name}%`]), countOf('address_lineage where pipeline_id = $1', [id])])
    const clean = async () => {
      const [row] = await sql(
        `insert into job (kind, payload, created_at, due_at) values ('clean_openlineage', '{}', now(), now()) returning id`,
      )
      await deliverJob(background, Number(row?.id))
    }
    await sql(`update openlineage_event set received_at = now() - interval '31 days' where body like $1`, [`%${name}%`])
    await clean()
    expect(await kept()).toEqual([0, 1])
    for (let minute = 1; minute <= 10; minute += 1) await send(event('COMPLETE', T(minute), name, { run: uuid() }))
    await clean()
    expect(await kept()).toEqual([10, 0])
  })
})

describe('events that nobody would send', () => {
  /** In batches of 300, and a thirtieth of them one by one. OPENLINEAGE_FUZZED=100000 tries more. */
  const fuzzed = inject('openlineageFuzzed')
  it('are never a 5xx, and leave nothing half written', { timeout: Math.max(120_000, 20 * fuzzed) }, async () => {
    const PARTS: unknown[] = [
      null,
      0,
      -1,
      2 ** 53 + 2,
      1e308,
      true,
      '',
      'x',
      '\0',
      '\ud800',
      'x'.repeat(3000),
      [],
      {},
      [[]],
      [null],
      { a: [] },
      T(1),
      'START',
      uuid(),
      '0'.repeat(200),
    ]
    let seed = 7
    const below = (count: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return seed % count
    }
    const part = (): unknown => PARTS[below(PARTS.length)]
    const spoil = (value: unknown, depth = 0): unknown => {
      if (below(9) === 0) return part()
      if (Array.isArray(value)) return value.map((inner) => spoil(inner, depth + 1))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spoil(inner, depth + 1)]))
    }
    const whole = () =>
      event('COMPLETE', T(below(60)), `fuzz-${below(5)}`, {
        run: uuid(),
        job_facets: {
          jobType: { integration: 'SPARK', jobType: 'SQL_JOB', processingType: 'BATCH' },
          ownership: { owners: [{ name: 'x' }] },
          tags: { tags: [{ key: 'a' }] },
        },
        run_facets: { ...parent(`fuzz-${below(5)}`, uuid()), errorMessage: { message: 'x' }, nominalTime: { nominalStartTime: T(1) } },
        inputs: [
          { namespace: 'a', name: 'b', inputFacets: { dataQualityAssertions: { assertions: [{ assertion: 'x', success: false }] } } },
        ],
        outputs: [
          {
            namespace: 'a',
            name: 'c',
            facets: { schema: { fields: [{ name: 'x' }] } },
            outputFacets: { outputStatistics: { rowCount: 5, size: 1 } },
          },
        ],
      })
    let refused = 0
    for (let round = 0; round < fuzzed / 300; round += 1) {
      const events = Array.from({ length: 300 }, () => spoil(whole()))
      const { status, body } = await background.post(`${PATH}/batch`, events)
      expect(status).toBe(200)
      refused += body.summary.failed
      expect(body.failed_events.filter(({ reason }: { reason: string }) => reason.includes('cannot be stored'))).toEqual([])
    }
    for (let round = 0; round < fuzzed / 30; round += 1) expect((await send(spoil(whole()))).status).toBeLessThan(500)
    expect(refused).toBeGreaterThan(0)
    expect(await countOf('openlineage_run where execution_id is null')).toBe(0)
    expect(
      await countOf(
        'pipeline_execution e where not exists (select from pipeline_execution_closure c where c.descendant_id = e.id and c.depth = 0)',
      ),
    ).toBe(0)
  })
})
