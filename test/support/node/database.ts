import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startNeonEndpoint } from '../../../src/dev/neon-endpoint.ts'
import { startPostgres } from '../../../src/dev/postgres.ts'
import { copyAssets } from '../../../src/tools/assets.ts'
import { migrate } from '../../../src/tools/migrate.ts'
import { startReceiver } from './receiver.ts'

/** Starts, once per run: PostgreSQL (our own, or TEST_DATABASE_URL), a migrated template database, the Neon endpoint, the receiver. */
export default async function startDatabase(project: TestProject) {
  const given = process.env.TEST_DATABASE_URL
  const folder = given ? undefined : mkdtempSync(join(tmpdir(), 'watcher-test-'))
  const postgres = folder ? await startPostgres(folder, { durable: false }) : undefined
  const databaseUrl = given ?? postgres?.url ?? ''
  const templateDatabase = `watcher_template_${process.pid}`
  await onServer(databaseUrl, `create database ${templateDatabase}`)
  const template = new URL(databaseUrl)
  template.pathname = `/${templateDatabase}`
  await migrate(template.href)
  const endpoint = await startNeonEndpoint(databaseUrl)
  copyAssets()
  const receiver = await startReceiver()
  project.provide('receiverUrl', receiver.url)
  project.provide('endpointUrl', endpoint.url)
  project.provide('databaseUrl', databaseUrl)
  project.provide('templateDatabase', templateDatabase)
  project.provide('modelSeed', Number(process.env.MODEL_SEED ?? 1))
  project.provide('openlineageFuzzed', Number(process.env.OPENLINEAGE_FUZZED ?? 3_000))
  project.provide('openlineageSeeds', Number(process.env.OPENLINEAGE_SEEDS ?? 15))
  project.provide('modelSequences', Number(process.env.MODEL_SEQUENCES ?? 12))
  return async () => {
    await receiver.close()
    await endpoint.close()
    await onServer(databaseUrl, `drop database ${templateDatabase} with (force)`)
    await postgres?.stop()
    for (const used of [folder, postgres?.folder]) if (used) rmSync(used, { recursive: true, force: true })
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
