import { describe, expect, it } from 'vitest'
import { countOf, expectError, makePipeline, post, readExecution, readPipeline, sql, startRun } from '../support/api.ts'

const start = (fields: Record<string, unknown>, key?: string) =>
  post('/start_pipeline_execution', fields, key === undefined ? {} : { 'idempotency-key': key })
const end = (fields: Record<string, unknown>) => post('/end_pipeline_execution', fields)
const statuses = (replies: { status: number }[]) => replies.map((reply) => reply.status).sort()
const runsOf = (pipelineId: number) => countOf('pipeline_execution where pipeline_id = $1', [pipelineId])

describe('a start that is sent again', () => {
  it('with the same Idempotency-Key starts nothing, even when a hundred arrive at once and after the end', async () => {
    const pipeline_id = await makePipeline()
    const replies = await Promise.all(Array.from({ length: 100 }, () => start({ pipeline_id }, 'run-1')))
    expect(statuses(replies)).toEqual([...Array(99).fill(200), 201])
    expect(new Set(replies.map((reply) => reply.body.id)).size).toBe(1)
    const id = replies[0]?.body.id
    await end({ id })
    expect(await start({ pipeline_id }, 'run-1')).toMatchObject({ status: 200, body: { id } })
    expect(await runsOf(pipeline_id)).toBe(1)
    expect(await countOf('pipeline_execution_closure where descendant_id = $1', [id])).toBe(1)
  })

  it('with the same key for another pipeline starts another run', async () => {
    const [one, other] = [await makePipeline(), await makePipeline()]
    expect([(await start({ pipeline_id: one }, 'shared')).status, (await start({ pipeline_id: other }, 'shared')).status]).toEqual([
      201, 201,
    ])
  })

  it('without a key, as the Python SDK does, starts nothing when pipeline, parent and start_date are the same', async () => {
    const pipeline_id = await makePipeline()
    const fields = { pipeline_id, start_date: '2025-01-09T20:30:45.123456+00:00' }
    const replies = await Promise.all(Array.from({ length: 50 }, () => start(fields)))
    expect(statuses(replies)).toEqual([...Array(49).fill(200), 201])
    expect(await runsOf(pipeline_id)).toBe(1)
    // The same instant in another zone is the same start.
    expect((await start({ ...fields, start_date: '2025-01-09T22:30:45.123456+02:00' })).status).toBe(200)
  })

  it('starts another run if the parent or the microsecond differs', async () => {
    const pipeline_id = await makePipeline()
    const fields = { pipeline_id, start_date: '2025-01-09T20:30:45.123456Z' }
    const parent_id = (await start(fields)).body.id
    expect((await start({ ...fields, parent_id })).status).toBe(201)
    expect((await start({ ...fields, parent_execution_id: parent_id })).status).toBe(200)
    expect((await start({ ...fields, start_date: '2025-01-09T20:30:45.123457Z' })).status).toBe(201)
  })

  it('starts another run on the full second: two runs of a schedule may start then', async () => {
    const pipeline_id = await makePipeline()
    const fields = { pipeline_id, start_date: '2025-01-09T20:30:45.000Z' }
    expect([(await start(fields)).status, (await start(fields)).status, (await start({ pipeline_id })).status]).toEqual([201, 201, 201])
  })

  it('starts another run if the first has ended, or was recorded five minutes ago', async () => {
    const pipeline_id = await makePipeline()
    const fields = { pipeline_id, start_date: '2025-01-09T20:30:45.5Z' }
    const first = (await start(fields)).body.id
    await end({ id: first })
    const second = await start(fields)
    expect([second.status, second.body.id === first]).toEqual([201, false])
    await sql(`update pipeline_execution set created_at = created_at - interval '299 seconds' where id = $1`, [second.body.id])
    expect((await start(fields)).status).toBe(200)
    await sql(`update pipeline_execution set created_at = created_at - interval '2 seconds' where id = $1`, [second.body.id])
    const third = await Promise.all(Array.from({ length: 20 }, () => start(fields)))
    expect(statuses(third)).toEqual([...Array(19).fill(200), 201])
    expect(await runsOf(pipeline_id)).toBe(3)
  })
})

describe('an end that is sent again', () => {
  it('changes nothing when a hundred arrive at once', async () => {
    const pipeline_id = await makePipeline({ next_watermark: '1' })
    const id = await startRun({ pipeline_id, start_date: '2025-01-09T10:00:00Z' })
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        end({ id, end_date: `2025-01-09T11:00:00.${String(index).padStart(3, '0')}Z`, inserts: index }),
      ),
    )
    expect(statuses(replies)).toEqual(Array(100).fill(204))
    const row = await readExecution(id)
    expect(row.end_date.slice(20, 23)).toBe(String(row.inserts).padStart(3, '0'))
    await end({ id, end_date: '2026-01-01', inserts: 5000 })
    expect(await readExecution(id)).toEqual(row)
    expect((await readPipeline(pipeline_id)).last_target_insert).toBe(row.inserts > 0 ? row.end_date : null)
  })

  it('with other counts gets a warning, and its counts are ignored', async () => {
    const id = await startRun({ pipeline_id: await makePipeline() })
    const warningOf = async (fields: Record<string, unknown>) => {
      const { status, headers } = await end({ id, ...fields })
      expect(status).toBe(204)
      return headers.get('watcher-warning')
    }
    expect(await warningOf({ inserts: 5, total_rows: 7 })).toBeNull()
    expect(await warningOf({ inserts: 5, total_rows: 7 })).toBeNull()
    expect(await warningOf({})).toBeNull() // a count that is absent is not another count
    const warning = `Execution ${id} has already ended with other counts: the counts of the first end are kept`
    expect(await warningOf({ inserts: 6 })).toBe(warning)
    for (const other of [{ updates: 1 }, { soft_deletes: 0 }, { total_rows: 8 }]) expect(await warningOf(other)).toBe(warning)
    expect(await readExecution(id)).toMatchObject({ inserts: 5, updates: null, soft_deletes: null, total_rows: 7 })
  })

  it('with another outcome is refused; of two outcomes at the same time, one wins', async () => {
    const pipeline_id = await makePipeline({ next_watermark: '9' })
    const id = await startRun({ pipeline_id })
    const [yes, no] = await Promise.all([end({ id, completed_successfully: true }), end({ id, completed_successfully: false })])
    expect(statuses([yes, no])).toEqual([204, 409])
    expectError(yes.status === 409 ? yes : no, 409, 'execution_already_ended')
    const succeeded = yes.status === 204
    expect((await readExecution(id)).completed_successfully).toBe(succeeded)
    expect((await readPipeline(pipeline_id)).watermark).toBe(succeeded ? '9' : null)
  })
})
