import { beforeEach, describe, expect, it } from 'vitest'
import { call, countRoundTrips, get, makePipeline, patch, post, sql, unique } from '../support/api.ts'
import { advanceClock, type Background, drain, jobsOf, openBackground, openChannel, setClock } from '../support/background.ts'

let background: Background
let url: string
let collector: ReturnType<typeof openChannel>

beforeEach(async () => {
  await sql('truncate pipeline, pipeline_type, address, address_type, job restart identity cascade')
  setClock('2026-03-10T12:00:00Z')
  background = openBackground()
  url = openChannel().url
  collector = openChannel(`${url}/api/v1/lineage`)
  Object.assign(background.settings, { OPENLINEAGE_URL: `${url}/`, OPENLINEAGE_API_KEY: 'secret-key' })
})

const events = async () => (await collector.taken()).map(({ body }) => JSON.parse(body))
const start = async (fields: Record<string, unknown>) => {
  const { body } = await background.post('/start_pipeline_execution', fields)
  await drain(background)
  return body.id as number
}
const end = async (fields: Record<string, unknown>) => {
  expect((await background.post('/end_pipeline_execution', fields)).status).toBe(204)
  await drain(background)
}
const address = (name: string, type = 'postgresql') => ({ name, address_type_name: type, address_type_group_name: 'database' })

describe('with OPENLINEAGE_URL', () => {
  it('a run is told as START and COMPLETE, with its datasets and rows, in the same one round trip', async () => {
    const pipeline_id = await makePipeline({ name: 'Orders load', pipeline_type_name: 'extraction', owner: 'sales', load_lineage: true })
    await post('/address_lineage', {
      pipeline_id,
      source_addresses: [address('shop.public.orders'), address('s3://lake/raw/orders/', 's3')],
      target_addresses: [address('mart.orders')],
    })
    const before = await countRoundTrips()
    const { body } = await background.post('/start_pipeline_execution', { pipeline_id, start_date: '2026-03-10T11:50:00.123456Z' })
    expect((await countRoundTrips()) - before).toBe(1)
    await drain(background)
    await end({ id: body.id, end_date: '2026-03-10T11:55:00Z', inserts: 7, total_rows: 9 })
    const [began, ended, ...more] = await events()
    expect(more).toEqual([])
    const runId = began.run.runId
    expect(runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    const job = { namespace: 'watcher', name: 'Orders load' }
    const inputs = [
      { namespace: 's3://lake', name: 'raw/orders/' },
      { namespace: 'postgresql', name: 'shop.public.orders' },
    ]
    expect(began).toMatchObject({
      eventType: 'START',
      eventTime: '2026-03-10T11:50:00.123456Z',
      job,
      inputs,
      outputs: [{ namespace: 'postgresql', name: 'mart.orders' }],
    })
    expect(ended).toMatchObject({
      eventType: 'COMPLETE',
      eventTime: '2026-03-10T11:55:00.000000Z',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
      run: { runId, facets: { watcher: { pipelineExecutionId: body.id, inserts: 7, totalRows: 9 } } },
      job: { ...job, facets: { ownership: { owners: [{ name: 'sales' }] }, jobType: { processingType: 'BATCH', integration: 'WATCHER' } } },
      outputs: [{ outputFacets: { outputStatistics: { rowCount: 9 } } }],
    })
    expect((await collector.taken()).map(({ headers }) => headers.authorization)).toEqual(['Bearer secret-key', 'Bearer secret-key'])
  })

  it('a failure is told with its reason, a part with its parent, and a ping too', async () => {
    const pipeline_id = await makePipeline({ name: 'nightly' })
    const parent_id = await start({ pipeline_id })
    const id = await start({ pipeline_id: await makePipeline({ name: 'part' }), parent_id })
    await end({ id, completed_successfully: false, execution_metadata: { error: 'disk full' } })
    const [parent, , failed] = await events()
    expect(failed).toMatchObject({
      eventType: 'FAIL',
      run: {
        facets: {
          errorMessage: { message: 'disk full' },
          parent: { run: { runId: parent.run.runId }, job: { namespace: 'watcher', name: 'nightly' } },
        },
      },
    })
    const slug = unique('pinged')
    await makePipeline({ name: slug })
    await call('POST', `/ping/key/${slug}`, undefined, {}, background.settings)
    await drain(background)
    expect(
      (await events())
        .slice(3)
        .map(({ eventType, job }) => `${eventType} ${job.name}`)
        .sort(),
    ).toEqual([`COMPLETE ${slug}`, `START ${slug}`])
  })

  it('what came from OpenLineage is not told back; nor a repeat, nor anything without the setting', async () => {
    const event = {
      job: { namespace: 'n', name: 'j' },
      run: { runId: crypto.randomUUID() },
      eventType: 'START',
      eventTime: '2026-03-10T11:00:00Z',
    }
    await call('POST', '/api/v1/lineage', event, {}, background.settings)
    await call('POST', '/api/v1/lineage', { ...event, eventType: 'COMPLETE' }, {}, background.settings)
    const pipeline_id = await makePipeline()
    for (const _ of [1, 2]) await background.post('/start_pipeline_execution', { pipeline_id, start_date: '2026-03-10T11:59:00.5Z' })
    await drain(background)
    expect((await events()).map(({ eventType }) => eventType)).toEqual(['START'])
    // A part of a run of OpenLineage names it as it was named there.
    const [{ id: parent_id } = { id: 0 }] = await sql('select id::int as id from pipeline_execution where openlineage is not null')
    await start({ pipeline_id, parent_id })
    expect((await events()).at(-1).run.facets.parent).toMatchObject({ run: { runId: event.run.runId }, job: event.job })
    delete background.settings.OPENLINEAGE_URL
    const told = (await events()).length
    await end({ id: await start({ pipeline_id }) })
    expect(await events()).toHaveLength(told)
    expect(await jobsOf('send_openlineage')).toHaveLength(2)
  })

  it('a service that is down gets the event later, with the same run id; one that refuses it fails the job', async () => {
    const pipeline_id = await makePipeline()
    await collector.answers({ status: 503 }, { status: 200 })
    const id = await start({ pipeline_id })
    expect(await events()).toEqual([])
    advanceClock(120)
    await drain(background)
    expect((await events()).map(({ eventType }) => eventType)).toEqual(['START'])
    await collector.answers({ status: 401, body: 'who are you' })
    await end({ id })
    expect(await jobsOf('send_openlineage')).toMatchObject([
      { state: 'succeeded' },
      {
        state: 'failed',
        error: expect.stringContaining('OPENLINEAGE_URL answered 401 (who are you): check OPENLINEAGE_URL and OPENLINEAGE_API_KEY'),
      },
    ])
  })

  it('an event can be read by our own receiver, with its names, rows and outcome', async () => {
    const pipeline_id = await makePipeline({ name: 'told', load_lineage: true })
    await post('/address_lineage', {
      pipeline_id,
      source_addresses: [address('postgres://db:5432/shop.orders', 'postgres')],
      target_addresses: [address('mart.x')],
    })
    await end({ id: await start({ pipeline_id }), total_rows: 12 })
    await patch('/pipeline', { id: pipeline_id, active: false })
    for (const event of await events()) expect((await call('POST', '/api/v1/lineage', event)).status).toBe(201)
    const { body } = await get('/pipeline?name=watcher/told')
    expect(body).toMatchObject([{ openlineage: { namespace: 'watcher', name: 'told' } }])
    expect((await get(`/pipeline_execution?pipeline_id=${body[0].id}`)).body).toMatchObject([
      { completed_successfully: true, total_rows: 12 },
    ])
    expect((await get('/address')).body.map(({ name }: { name: string }) => name)).toContain('postgresql/mart.x')
  })
})
