import { describe, expect, it } from 'vitest'
import { countOf, expectError, get, makePipeline, patch, post } from '../support/api.ts'

describe('anomaly detection rules', () => {
  it('are created once per pipeline and metric, with defaults, even if a hundred requests arrive at once', async () => {
    const pipeline_id = await makePipeline()
    const replies = await Promise.all(
      Array.from({ length: 100 }, () =>
        post('/anomaly_detection_rule', { pipeline_id, metric_field: 'Total_Inserts', lookback_days: null }),
      ),
    )
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
    const id = replies[0]?.body.id
    expect((await get(`/anomaly_detection_rule/${id}`)).body).toMatchObject({
      pipeline_id,
      metric_field: 'inserts',
      std_deviation_threshold_multiplier: 2,
      lookback_days: 30,
      minimum_executions: 10,
      active: true,
      updated_at: null,
    })
    expect(await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts', lookback_days: 7 })).toMatchObject({
      status: 200,
      body: { id },
    })
    expect(await countOf('anomaly_detection_rule where pipeline_id = $1', [pipeline_id])).toBe(1)
  })

  it('accept the limits of the contract and refuse values beyond them', async () => {
    const pipeline_id = await makePipeline()
    const given = {
      pipeline_id,
      metric_field: 'throughput',
      std_deviation_threshold_multiplier: 10,
      lookback_days: 365,
      minimum_executions: 5,
      active: false,
    }
    const { body } = await post('/anomaly_detection_rule', given)
    expect((await get(`/anomaly_detection_rule/${body.id}`)).body).toMatchObject(given)
    for (const [field, value] of [
      ['std_deviation_threshold_multiplier', 0.99],
      ['std_deviation_threshold_multiplier', 10.01],
      ['lookback_days', 0],
      ['lookback_days', 366],
      ['minimum_executions', 4],
      ['minimum_executions', 1001],
      ['metric_field', 'rows'],
    ] as const) {
      expectError(
        await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'updates', [field]: value }),
        422,
        'validation_failed',
        ['body', field],
      )
      expectError(await patch('/anomaly_detection_rule', { id: body.id, [field]: value }), 422, 'validation_failed', ['body', field])
    }
    expectError(await post('/anomaly_detection_rule', { pipeline_id: 999_999, metric_field: 'inserts' }), 422, 'unknown_reference', [
      'body',
      'pipeline_id',
    ])
  })

  it('are patched by id, and filtered by pipeline and by active', async () => {
    const pipeline_id = await makePipeline()
    const one = (await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'inserts' })).body.id
    const other = (await post('/anomaly_detection_rule', { pipeline_id, metric_field: 'updates' })).body.id
    const { body: row } = await patch('/anomaly_detection_rule', { id: other, active: false, std_deviation_threshold_multiplier: 2.5 })
    expect(row).toMatchObject({ id: other, active: false, std_deviation_threshold_multiplier: 2.5, metric_field: 'updates' })
    const ids = async (query: string) => (await get(`/anomaly_detection_rule?${query}`)).body.map((rule: { id: number }) => rule.id)
    expect(await ids(`pipeline_id=${pipeline_id}`)).toEqual([one, other])
    expect(await ids(`pipeline_id=${pipeline_id}&active=true`)).toEqual([one])
    expectError(await patch('/anomaly_detection_rule', { id: other, metric_field: 'inserts' }), 409, 'rule_taken')
    expectError(await patch('/anomaly_detection_rule', { id: 999_999, active: true }), 404, 'anomaly_detection_rule_not_found')
    expectError(await patch('/anomaly_detection_rule', { active: true }), 422, 'validation_failed', ['body', 'id'])
    expectError(await get('/anomaly_detection_rule/999999'), 404, 'anomaly_detection_rule_not_found')
  })
})
