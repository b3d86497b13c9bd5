import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

/** A run of a pipeline by the client that openapi-typescript and openapi-fetch make. */
export const drive = async (baseUrl: string, token: string): Promise<void> => {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } })

  const body = { name: 'openapi-fetch', pipeline_type_name: 'generated client', freshness_number: 1, freshness_datepart: 'day' } as const
  const created = await client.POST('/pipeline', { body })
  assert.equal(created.response.status, 201)
  assert(created.data)
  const { id } = created.data
  assert.equal((await client.POST('/pipeline', { body })).data?.id, id)
  const pipeline = await client.GET('/pipeline/{id}', { params: { path: { id } } })
  const datepart: components['schemas']['Datepart'] | null | undefined = pipeline.data?.freshness_datepart
  assert.equal(datepart, 'day')

  const start = () =>
    client.POST('/start_pipeline_execution', {
      params: { header: { 'idempotency-key': 'run-1' } },
      body: { pipeline_id: id, execution_metadata: { partition: '2025-01-09' } },
    })
  const { data: run } = await start()
  assert(run)
  assert.equal((await start()).data?.id, run.id)

  const end = await client.POST('/end_pipeline_execution', { body: { id: run.id, inserts: 150, total_rows: 5_000_000_000 } })
  assert.equal(end.response.status, 204)

  const { data: execution } = await client.GET('/pipeline_execution/{id}', { params: { path: { id: run.id } } })
  const children: components['schemas']['Execution'][] | undefined = execution?.child_executions
  assert.deepEqual(children, [])
  assert.equal(execution?.inserts, 150)
  assert.equal(execution.total_rows, 5_000_000_000)
  assert.equal(execution.completed_successfully, true)
  assert.deepEqual(execution.execution_metadata, { partition: '2025-01-09' })

  const list = async (status: components['schemas']['ExecutionStatus']) => {
    const { data } = await client.GET('/pipeline_execution', { params: { query: { pipeline_id: id, status } } })
    return data?.map((row) => row.id)
  }
  assert.deepEqual(await list('succeeded'), [run.id])
  assert.deepEqual(await list('running'), [])

  const { error } = await client.GET('/pipeline_execution/{id}', { params: { path: { id: 1_000_000_000 } } })
  const code: components['schemas']['ErrorCode'] | undefined = error?.code
  assert.equal(code, 'pipeline_execution_not_found')
}
