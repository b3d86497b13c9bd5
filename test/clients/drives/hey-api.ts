import assert from 'node:assert/strict'
import {
  createOrGetPipeline,
  type Datepart,
  type ErrorCode,
  type Execution,
  type ExecutionStatus,
  endExecution,
  getExecution,
  getPipeline,
  listExecutions,
  startExecution,
} from './hey-api'
import { client } from './hey-api/client.gen'

/** A run of a pipeline by the client that @hey-api/openapi-ts makes. */
export const drive = async (baseUrl: string, token: string): Promise<void> => {
  client.setConfig({ baseUrl, auth: token })

  const body = { name: 'hey-api', pipeline_type_name: 'generated client', freshness_number: 1, freshness_datepart: 'day' } as const
  const created = await createOrGetPipeline({ body })
  assert.equal(created.response?.status, 201)
  assert(created.data)
  const { id } = created.data
  assert.equal((await createOrGetPipeline({ body })).data?.id, id)
  const pipeline = await getPipeline({ path: { id } })
  const datepart: Datepart | null | undefined = pipeline.data?.freshness_datepart
  assert.equal(datepart, 'day')

  const start = () =>
    startExecution({
      headers: { 'idempotency-key': 'run-1' },
      body: { pipeline_id: id, execution_metadata: { partition: '2025-01-09' } },
    })
  const { data: run } = await start()
  assert(run)
  assert.equal((await start()).data?.id, run.id)

  const end = await endExecution({ body: { id: run.id, inserts: 150, total_rows: 5_000_000_000 } })
  assert.equal(end.response?.status, 204)

  const { data: execution } = await getExecution({ path: { id: run.id } })
  const children: Execution[] | undefined = execution?.child_executions
  assert.deepEqual(children, [])
  assert.equal(execution?.inserts, 150)
  assert.equal(execution.total_rows, 5_000_000_000)
  assert.equal(execution.completed_successfully, true)
  assert.deepEqual(execution.execution_metadata, { partition: '2025-01-09' })

  const list = async (status: ExecutionStatus) => {
    const { data } = await listExecutions({ query: { pipeline_id: id, status } })
    return data?.map((row) => row.id)
  }
  assert.deepEqual(await list('succeeded'), [run.id])
  assert.deepEqual(await list('running'), [])

  const { error } = await getExecution({ path: { id: 1_000_000_000 } })
  const code: ErrorCode | undefined = error?.code
  assert.equal(code, 'pipeline_execution_not_found')
}
