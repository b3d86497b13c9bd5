// biome-ignore-all lint/suspicious/noExplicitAny: the document is plain JSON to these tests
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { house } from '../../src/house.ts'

const read = async () =>
  (
    await createApp(house, {}).request('/openapi.json', {}, { ENV_STATE: 'test', DATABASE_URL: 'postgresql://u:p@host/database' })
  ).json() as Promise<Record<string, any>>

/** The endpoints the contract gives this version. */
const OPERATIONS = [
  'GET /',
  'GET /address',
  'GET /address/{id}',
  'GET /address_lineage/{address_id}',
  'GET /address_type',
  'GET /address_type/{id}',
  'GET /anomaly_detection_result',
  'GET /anomaly_detection_rule',
  'GET /anomaly_detection_rule/{id}',
  'GET /celery/monitoring',
  'GET /freshness_log',
  'GET /job',
  'GET /job/{id}',
  'GET /metrics',
  'GET /monitoring',
  'GET /pipeline',
  'GET /pipeline/{id}',
  'GET /pipeline_execution',
  'GET /pipeline_execution/{id}',
  'GET /pipeline_type',
  'GET /pipeline_type/{id}',
  'GET /timeliness_log',
  'PATCH /address',
  'PATCH /address_type',
  'PATCH /anomaly_detection_rule',
  'PATCH /pipeline',
  'PATCH /pipeline_type',
  'POST /address',
  'POST /address_lineage',
  'POST /address_type',
  'POST /anomaly_detection/detect/{pipeline_id}',
  'POST /anomaly_detection_rule',
  'POST /celery/monitor-queue',
  'POST /end_pipeline_execution',
  'POST /freshness',
  'POST /log_cleanup',
  'POST /pipeline',
  'POST /pipeline_type',
  'POST /replay_job',
  'POST /start_pipeline_execution',
  'POST /timeliness',
  'POST /unflag_anomaly',
]

describe('/openapi.json', () => {
  it('is valid OpenAPI 3.1 to a strict validator', async () => {
    const result = await new Validator().validate(await read())
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  it('describes every endpoint: summary, tag, unique id, every status with its error codes', async () => {
    const document = await read()
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, any>).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        ...operation,
      })),
    )
    expect(operations.map(({ name }) => name).sort()).toEqual(OPERATIONS)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    expect(document.components.securitySchemes.token).toMatchObject({ type: 'http', scheme: 'bearer' })
    expect(document.security).toEqual([{ token: [] }])
    expect(operations.filter(({ security }) => security).map(({ name, security }) => [name, security])).toEqual([['GET /', []]])
    const tags = document.tags.map((tag: { name: string }) => tag.name)
    for (const { name, summary, tags: own, responses, requestBody } of operations) {
      expect([name, summary.length > 10, tags.includes(own[0])]).toEqual([name, true, true])
      const expected = requestBody ? ['400', '401', '403', '413', '415', '422', '503'] : name === 'GET /' ? ['503'] : ['401', '503']
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(expected))
      for (const [status, response] of Object.entries(responses) as [string, any][]) {
        if (Number(status) >= 400)
          expect(response.content['application/json'].schema, `${name} ${status}`).toEqual({ $ref: '#/components/schemas/Error' })
      }
    }
  })

  it('says which fields may be null', async () => {
    const { components } = await read()
    const typesOf = (schema: string) =>
      Object.fromEntries(
        Object.entries(components.schemas[schema].properties as Record<string, any>).map(([name, { type }]) => [name, [type].flat()]),
      )
    for (const [name, type] of Object.entries(typesOf('PipelinePost'))) {
      expect([name, type.includes('null')]).toEqual([name, !['name', 'pipeline_type_name'].includes(name)])
    }
    expect(components.schemas.PipelinePost.properties.freshness_datepart.enum).toContain(null)
    expect(typesOf('PipelinePatch')).toMatchObject({
      watermark: ['string', 'integer', 'null'],
      freshness_datepart: ['string', 'null'],
      active: ['boolean'],
    })
    expect(typesOf('LineageAddress').name).toContain('null')
  })

  it('describes every field of every body', async () => {
    const { components } = await read()
    for (const [name, schema] of Object.entries(components.schemas) as [string, any][]) {
      if (!/(Post|Patch|Start|End)$/.test(name)) continue
      for (const [field, property] of Object.entries(schema.properties) as [string, any][]) {
        expect([name, field, typeof property.description]).toEqual([name, field, 'string'])
      }
    }
  })
})
