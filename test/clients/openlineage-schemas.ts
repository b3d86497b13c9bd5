import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { toEvent } from '../../src/ingest/openlineage-out/event.ts'
import type { ToldRun } from '../../src/ingest/openlineage-out/queries.ts'

const RUN: ToldRun = {
  id: 7,
  start_date: '2026-03-10T11:50:00.123456Z',
  end_date: '2026-03-10T11:55:00.000000Z',
  succeeded: true,
  scheduled_for: null,
  error: null,
  inserts: 1,
  updates: null,
  soft_deletes: null,
  total_rows: 9,
  pipeline_id: 3,
  pipeline: 'orders-load',
  type: 'extraction',
  owner: null,
  is_streaming: false,
  parent: null,
  inputs_of: [{ name: 'shop.public.orders', type: 'postgresql' }],
  outputs_of: [{ name: 's3://lake/raw/orders', type: 's3' }],
}
const PARENT = { id: 6, start_date: '2026-03-10T11:49:00.000000Z', pipeline: 'nightly', openlineage: null, job: null }

/** Runs with everything that an event may say. */
const RUNS: Partial<ToldRun>[] = [
  {},
  { succeeded: false, error: 'disk full', owner: 'sales', scheduled_for: '2026-03-10T11:45:00.000000Z', parent: PARENT },
  {
    parent: { ...PARENT, openlineage: '0190D0A0-0000-7000-8000-000000000000', job: { namespace: 'airflow', name: 'dag' } },
    is_streaming: true,
  },
  { end_date: null, succeeded: false, outputs_of: [], inputs_of: [], total_rows: null },
]

/**
 * Validates what we send by OpenLineage's published JSON schemas, in the folder OPENLINEAGE_SPEC (OpenLineage.json and facets/, as in its
 * repository). Answers how many events and facets were valid; undefined without the folder.
 */
export const validateEvents = async (): Promise<{ events: number; facets: number } | undefined> => {
  const folder = process.env.OPENLINEAGE_SPEC
  if (!folder) return undefined
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8')) as { $id: string }
  for (const path of ['OpenLineage.json', ...readdirSync(join(folder, 'facets')).map((name) => `facets/${name}`)]) ajv.addSchema(read(path))
  const insist = (schema: string, value: unknown): void => {
    const validate = ajv.getSchema(schema)
    assert.ok(validate, `the schema ${schema} is not in ${folder}`)
    assert.ok(validate(value), `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`)
  }
  const tally = { events: 0, facets: 0 }
  /** Every object that names its schema is valid by that one too. */
  const insistOnFacets = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { _schemaURL: schema } = value as { _schemaURL?: string }
    if (schema !== undefined) {
      insist(schema, value)
      tally.facets += 1
    }
    for (const part of Object.values(value)) insistOnFacets(part)
  }
  for (const given of RUNS)
    for (const told of ['START', 'END'] as const)
      for (const publicUrl of [undefined, 'https://watcher.example.com']) {
        const event = await toEvent({ ...RUN, ...given }, told, { namespace: 'watcher', publicUrl })
        insist(event.schemaURL as string, event)
        insistOnFacets(event)
        tally.events += 1
      }
  return tally
}
