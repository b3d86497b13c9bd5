// biome-ignore-all lint/suspicious/noExplicitAny: the document is plain JSON to these tests
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { house } from '../../src/house.ts'

const read = async () =>
  (
    await createApp(house, {}).request('/openapi.json', {}, { ENV_STATE: 'test', DATABASE_URL: 'postgresql://u:p@host/database' })
  ).json() as Promise<Record<string, any>>

describe('/openapi.json', () => {
  it('has no component that is null itself: what refers to one says so', async () => {
    const { schemas } = (await read()).components
    expect(Object.keys(schemas).filter((name) => [schemas[name].type].flat().includes('null'))).toEqual([])
    const orNull = (name: string) => [{ $ref: `#/components/schemas/${name}` }, { type: 'null' }]
    expect(schemas.PipelinePost.properties.watermark_check.anyOf).toEqual(orNull('WatermarkCheck'))
    expect(schemas.Pipeline.properties.watermark_check.anyOf).toEqual(orNull('WatermarkCheck'))
    expect(schemas.Execution.properties.openlineage.anyOf).toEqual(orNull('OpenLineageRunId'))
    expect(schemas.OpenLineageRun.properties.job).toEqual({ $ref: '#/components/schemas/OpenLineageJob' })
  })

  it('is valid OpenAPI 3.1 for a strict validator', async () => {
    const result = await new Validator().validate(await read())
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  it('describes every endpoint with a summary, a tag, a unique id and every status with its error codes', async () => {
    const document = await read()
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, any>).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        ...operation,
      })),
    )
    expect(operations.length).toBeGreaterThan(40)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { operationId } of operations) expect(operationId).toMatch(/^[a-z]+(_[a-z]+)+$/)
    expect(document.components.securitySchemes.token).toMatchObject({ type: 'http', scheme: 'bearer' })
    expect(document.security).toEqual([{ token: [] }])
    const open = operations.filter(({ security }) => security)
    expect(open.filter(({ tags: [tag] }) => tag !== 'Pings').map(({ name, security }) => [name, security])).toEqual([['GET /', []]])
    expect(open.every(({ security }) => security.length === 0)).toBe(true)
    expect(document.paths['/pipeline'].get.operationId).toBe('list_pipelines')
    expect(document.paths['/pipeline/{id}'].get.operationId).toBe('get_pipeline')
    expect(document.paths['/pipeline'].post.operationId).toBe('create_or_get_pipeline')
    expect(document.paths['/start_pipeline_execution'].post.operationId).toBe('start_execution')
    expect(document.paths['/'].get.operationId).toBe('get_health')
    const tags = document.tags.map((tag: { name: string }) => tag.name)
    for (const { name, summary, tags: own, responses, requestBody } of operations) {
      expect([name, summary.length > 10, tags.includes(own[0])]).toEqual([name, true, true])
      const mayWrite = !name.endsWith('/preview') // a read-only token may ask
      const expected = requestBody
        ? ['400', '401', ...(mayWrite ? ['403'] : []), '413', '415', '422', ...(name === 'POST /schedule/preview' ? [] : ['503'])]
        : open.some((other) => other.name === name)
          ? ['503']
          : ['401', '503']
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(expected))
      for (const [status, response] of Object.entries(responses) as [string, any][]) {
        if (Number(status) >= 400 && own[0] === 'Pings' && open.some((other) => other.name === name))
          expect(response.content['text/plain'].schema, `${name} ${status}`).toEqual({ type: 'string' })
        else if (Number(status) >= 400)
          expect(response.content['application/json'].schema, `${name} ${status}`).toEqual({ $ref: '#/components/schemas/Error' })
      }
    }
  })

  it('says which fields may be null', async () => {
    const { components } = await read()
    const typesOf = (schema: string) =>
      Object.fromEntries(
        Object.entries(components.schemas[schema].properties as Record<string, any>).map(([name, { type, anyOf, allOf, $ref }]) => [
          name,
          // Each list of values, and each object, is a separate component.
          [
            type ??
              (anyOf ?? allOf)?.map((part: any) => part.type ?? part.$ref.split('/').at(-1)) ??
              components.schemas[$ref.split('/').at(-1)].type,
          ].flat(),
        ]),
      )
    for (const [name, type] of Object.entries(typesOf('PipelinePost'))) {
      expect([name, type.includes('null')]).toEqual([name, !['name', 'pipeline_type_name'].includes(name)])
    }
    expect(typesOf('PipelinePatch')).toMatchObject({
      watermark: ['string', 'integer', 'null'],
      freshness_datepart: ['Datepart', 'null'],
      active: ['boolean'],
    })
    expect(typesOf('LineageAddress').name).toContain('null')
    expect(typesOf('AnomalyDetectionRulePost')).toMatchObject({
      lookback_days: ['integer', 'null'],
      minimum_executions: ['integer', 'null'],
    })
  })

  it('describes every field of every body', async () => {
    const { components } = await read()
    for (const [name, schema] of Object.entries(components.schemas) as [string, any][]) {
      if (!/(Post|Patch|Start|End)$/.test(name)) continue
      for (const [field, property] of Object.entries(schema.properties) as [string, any][]) {
        const component = components.schemas[(property.$ref ?? property.anyOf?.[0]?.$ref)?.split('/').at(-1)]
        const text = property.description ?? component?.description
        expect([name, field, typeof text]).toEqual([name, field, 'string'])
      }
    }
  })

  it('names every list of values once: an inline list would become one class per field in generated clients', async () => {
    const document = await read()
    const inline: string[] = []
    const walk = (value: any, path: string): void => {
      if (value === null || typeof value !== 'object') return
      if (Array.isArray(value.enum) && !/^\/components\/schemas\/\w+$/.test(path)) inline.push(path)
      for (const [key, part] of Object.entries(value)) walk(part, `${path}/${key}`)
    }
    walk(document, '')
    expect(inline).toEqual([])
    expect(document.components.schemas.Datepart).toEqual({ type: 'string', enum: ['minute', 'hour', 'day', 'week', 'month', 'year'] })
    expect(document.components.schemas.JobKind.enum).toContain('check_timeliness')
    expect(document.components.schemas.Pipeline.properties.freshness_datepart).toEqual({
      anyOf: [{ $ref: '#/components/schemas/Datepart' }, { type: 'null' }],
    })
  })

  it('names every object once: free JSON too, and the parts of an answer', async () => {
    const { components, paths } = await read()
    const inline: string[] = []
    const walk = (value: any, path: string): void => {
      if (value === null || typeof value !== 'object') return
      const isExtension = path.endsWith('/allOf/1') // what ExecutionWithChildren adds to Execution
      if (!isExtension && !/^\/components\/schemas\/\w+$/.test(path) && [value.type].flat().includes('object')) inline.push(path)
      for (const [key, part] of Object.entries(value)) walk(part, `${path}/${key}`)
    }
    walk({ components, paths }, '')
    expect(inline).toEqual([])
    const orNull = (name: string) => [{ $ref: `#/components/schemas/${name}` }, { type: 'null' }]
    expect(components.schemas.ExecutionEnd.properties.execution_metadata.anyOf).toEqual(orNull('JsonObject'))
    expect(components.schemas.Monitoring.properties.oldest_waiting.anyOf).toEqual(orNull('WaitingJob'))
    expect(components.schemas.WaitingJob.type).toBe('object')
  })

  it('gives every integer that may exceed 32 bits the format int64', async () => {
    const { components, paths } = await read()
    const { id, total_rows, hour_recorded } = components.schemas.Execution.properties
    expect([id.format, total_rows.format, hour_recorded.format]).toEqual(['int64', 'int64', undefined])
    expect(components.schemas.ExecutionEnd.properties.total_rows).toMatchObject({ type: ['integer', 'null'], format: 'int64' })
    expect(components.schemas.PipelinePost.properties.next_watermark.format).toBeUndefined()
    const [limit, afterId] = paths['/pipeline'].get.parameters.map(({ schema }: any) => schema.format)
    expect([limit, afterId]).toEqual([undefined, 'int64'])
  })
})
