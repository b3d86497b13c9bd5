import { describe, expect, it } from 'vitest'
import { expectError, get, makePipeline, post, startRun, unique } from '../support/api.ts'

/** Follows the Link header from page to page. */
const follow = async (path: string) => {
  const pages: { id: number }[][] = []
  let next: string | undefined = path
  while (next) {
    const { status, body, headers } = await get(next)
    expect(status).toBe(200)
    pages.push(body)
    next = headers.get('link')?.match(/^<https:\/\/watcher\.test(.*)>; rel="next"$/)?.[1]
  }
  return pages
}

describe('paging', () => {
  it('leads through every list by id, with its filters, and shows each row once', async () => {
    const pipeline_type_name = unique('paged')
    await makePipeline({ pipeline_type_name: unique('another') })
    const ids: number[] = []
    for (let index = 0; index < 7; index += 1) ids.push(await makePipeline({ pipeline_type_name }))
    const pipeline_type_id = (await get(`/pipeline/${ids[0]}`)).body.pipeline_type_id
    const pages = await follow(`/pipeline?limit=3&pipeline_type_id=${pipeline_type_id}`)
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1])
    expect(pages.flat().map((row) => row.id)).toEqual(ids)
    expect((await follow(`/pipeline?limit=7&pipeline_type_id=${pipeline_type_id}`)).map((page) => page.length)).toEqual([7])

    const pipeline_id = ids[0] as number
    for (let index = 0; index < 3; index += 1) {
      await startRun({ pipeline_id })
      await post('/anomaly_detection_rule', { pipeline_id, metric_field: ['inserts', 'updates', 'total_rows'][index] })
      await post('/address', { name: unique('address'), address_type_name: unique('type'), address_type_group_name: 'g' })
    }
    for (const path of ['/pipeline_execution', '/anomaly_detection_rule', '/address', '/address_type', '/pipeline_type']) {
      const rows = (await follow(`${path}?limit=1`)).flat().map((row) => row.id)
      expect(rows.length, path).toBeGreaterThanOrEqual(2)
      expect(rows, path).toEqual([...new Set(rows)].sort((left, right) => left - right))
    }
  })

  it('leads to all parts of an execution that has more than a thousand', async () => {
    const pipeline_id = await makePipeline()
    const parent_id = await startRun({ pipeline_id })
    for (let done = 0; done < 1001; done += 77) {
      await Promise.all(Array.from({ length: Math.min(77, 1001 - done) }, () => startRun({ pipeline_id, parent_id })))
    }
    const { body, headers } = await get(`/pipeline_execution/${parent_id}`)
    expect(body.child_executions).toHaveLength(1000)
    const nextPath = headers.get('link')?.match(/^<https:\/\/watcher\.test(.*)>; rel="next"$/)?.[1] as string
    const ids = [...body.child_executions, ...(await get(nextPath)).body].map((run: { id: number }) => run.id)
    expect(new Set(ids).size).toBe(1001)
  })

  it('begins with after_id=0', async () => {
    expect((await get('/pipeline?after_id=0&limit=1')).body).toEqual((await get('/pipeline?limit=1')).body)
  })

  it('refuses a limit or id beyond its range', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=-1', 'limit=x', 'limit=', 'limit=1e2']) {
      expectError(await get(`/pipeline?${query}`), 422, 'validation_failed', ['query', 'limit'])
    }
    expectError(await get('/pipeline?after_id=-1'), 422, 'validation_failed', ['query', 'after_id'])
    expectError(await get('/pipeline?name=%00'), 422, 'validation_failed', ['query', 'name'])
  })

  it('writes a row of a list as the row alone, whatever is in it', async () => {
    const name = unique('naïve "名前" \\')
    const odd = '{"ключ \\"1\\"":"\\u2028\\n\\t\\\\ </script>","big":12345678901234567890,"small":1e-7,"nested":[null,true,{"a":[]}]}'
    const body = `{"name":${JSON.stringify(name)},"pipeline_type_name":"odd","pipeline_metadata":${odd}}`
    const { body: created } = await post('/pipeline', body)
    const run = await startRun({ pipeline_id: created.id, start_date: '0001-01-01T00:00:00.000001Z' })
    await post('/end_pipeline_execution', { id: run, end_date: '9999-12-31T23:59:59.999999Z', total_rows: 2 ** 53 - 1, inserts: 0 })
    for (const [path, id] of [
      ['/pipeline', created.id],
      ['/pipeline_execution', run],
    ] as const) {
      const [listed] = (await get(`${path}?after_id=${id - 1}&limit=1`)).body
      const { child_executions: _parts, effective: _effective, next_expected_at: _next, ...alone } = (await get(`${path}/${id}`)).body
      expect(listed).toEqual(alone)
    }
    expect((await get(`/pipeline/${created.id}`)).body).toMatchObject({
      name,
      pipeline_metadata: { 'ключ "1"': '\u2028\n\t\\ </script>', big: 12345678901234567890n, small: 1e-7, nested: [null, true, { a: [] }] },
    })
    expect((await get(`/pipeline_execution/${run}`)).body).toMatchObject({
      start_date: '0001-01-01T00:00:00.000001Z',
      end_date: '9999-12-31T23:59:59.999999Z',
      date_recorded: '0001-01-01',
      total_rows: 2 ** 53 - 1,
    })
  })
})
