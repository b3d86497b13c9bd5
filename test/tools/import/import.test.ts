import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FUNCTIONS } from '../../../src/db/functions.ts'
import { query, startDatabases } from '../../support/node/databases.ts'
import { fillOriginal, type Schema, schemaOf } from './original.ts'

const ROOT = join(import.meta.dirname, '../../..')
const RUNS = 24_000

let databases: Awaited<ReturnType<typeof startDatabases>>

beforeAll(async () => {
  databases = await startDatabases()
})
afterAll(() => databases.stop())

const createDatabase = () => databases.create()

const createOriginal = async (schema: Schema, runs = RUNS): Promise<string> => {
  const url = await createDatabase()
  await query(url, schemaOf(schema))
  await query(url, fillOriginal(schema, runs))
  return url
}

const start = (from: string, to: string | undefined): ChildProcess =>
  spawn(process.execPath, ['src/tools/import/import.ts', '--from', from], {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: to },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** Runs the command to its end. */
const runImport = async (from: string, to: string | undefined): Promise<{ code: number; output: string }> => {
  const child = start(from, to)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data))
  const [code] = await once(child, 'close')
  return { code, output }
}

/** Everything that an import writes, without the times and ids that it makes up itself. */
const TABLES: Record<string, string> = {
  pipeline_type: '*',
  pipeline: '*',
  address_type: '*',
  address: '*',
  address_lineage: 'pipeline_id, source_address_id, target_address_id',
  address_lineage_closure: '*',
  address_lineage_pending: '*',
  pipeline_execution: '*',
  pipeline_execution_closure: '*',
  anomaly_detection_rule: '*',
  anomaly_detection_result:
    'pipeline_execution_id, rule_id, violation_value, baseline_value, deviation_percentage, confidence_score, context, detected_at',
  freshness_pipeline_log: 'pipeline_id, last_dml_timestamp, evaluation_timestamp, freshness_number, freshness_datepart, used_child_config',
  timeliness_pipeline_execution_log:
    'pipeline_execution_id, pipeline_id, duration_seconds, seconds_threshold, execution_status, timely_number, timely_datepart, used_child_config',
  incident: '*',
  job: '*',
}

/** The number of rows of each table, and a checksum of them; and the indexes and constraints, which an import may drop for a while. */
const stateOf = async (url: string): Promise<Record<string, unknown>> => {
  const state: Record<string, unknown> = {}
  for (const [table, columns] of Object.entries(TABLES)) {
    const [row] = await query(
      url,
      `select count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as checksum from (select ${columns} from ${table}) t`,
    )
    state[table] = row
  }
  state.definitions = await query(
    url,
    `select pg_get_indexdef(indexrelid) as definition from pg_index where indrelid in ('pipeline_execution'::regclass, 'pipeline_execution_closure'::regclass)
     union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid in ('pipeline_execution'::regclass, 'pipeline_execution_closure'::regclass) order by 1`,
  )
  return state
}

/** What must be in both databases as it is, by table: expressions on the original's columns, and on ours. */
const CHECKSUMS: [table: string, theirs: string, ours?: string][] = [
  [
    'pipeline_type',
    `id, mute_freshness_check, timeliness_number, lower(timeliness_datepart::text), created_at`,
    'id, mute_freshness_check, timeliness_number, timeliness_datepart, created_at',
  ],
  ['pipeline', 'id, pipeline_type_id, watermark, next_watermark, last_target_insert, load_lineage, active, created_at'],
  ['address', 'id, address_type_id, database_name, created_at'],
  [
    'pipeline_execution',
    'id, pipeline_id, start_date, date_recorded, hour_recorded, updates, soft_deletes, total_rows, watermark, next_watermark, execution_metadata->>$$error$$',
  ],
  [
    `pipeline_execution where id <= ${RUNS} and`,
    'id, parent_id, end_date, duration_seconds, completed_successfully, inserts, execution_metadata',
  ],
  [
    'anomaly_detection_rule where id < 24 and',
    'id, pipeline_id, lower(metric_field::text), active',
    'id, pipeline_id, metric_field, active',
  ],
]

const checksum = (url: string, table: string, columns: string) =>
  query(
    url,
    `select count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as checksum from (select ${columns} from ${table.replace(/ and$/, '')}) t`,
  )

describe.each(['seed', 'latest'] as const)("npm run import from the original's %s schema", (schema) => {
  let original: string
  let imported: string
  let output: string
  beforeAll(async () => {
    original = await createOriginal(schema)
    imported = await createDatabase()
    const result = await runImport(original, imported)
    output = result.output
    expect([result.code, output]).toEqual([0, expect.any(String)])
  }, 120_000)

  it('brings every row, with its id', async () => {
    for (const [table, theirs, ours = theirs] of CHECKSUMS)
      expect([table, await checksum(imported, table, ours)]).toEqual([table, await checksum(original, table, theirs)])
    expect(
      await query(imported, 'select count(*)::int as rows from anomaly_detection_result where confidence_score between 0.9 and 1'),
    ).toEqual([{ rows: 200 }])
    expect(
      await query(imported, 'select (select count(*)::int from incident) as incidents, (select count(*)::int from job) as jobs'),
    ).toEqual([{ incidents: 0, jobs: 0 }])
  })

  it('tells what it read, wrote, skipped and changed, and why', () => {
    const line = (table: string) =>
      new RegExp(`^${table} .*$`, 'm')
        .exec(output.slice(output.indexOf('\ntable')))?.[0]
        .split(/\s+/)
        .slice(1)
    expect(line('pipeline_execution')).toEqual(['24,007', '24,007', '0'])
    expect(line('pipeline')).toEqual(['40', '40', '0'])
    expect(line('address_lineage')).toEqual(['41', '40', '1'])
    expect(line('anomaly_detection_rule')).toEqual(['24', '23', '1'])
    for (const sentence of [
      '1 changed: its name is taken, in this or another case: its id is added',
      '1 changed: its end is before its start: ended when it started',
      '1 changed: a count below 0: left out',
      '1 skipped: its pipeline has a rule for this metric',
      '1 skipped: nothing had been loaded yet',
      '3 executions name a parent that is not there, or is a part of themselves: they stand alone.',
      '4 addresses lie on cycles of the lineage: they are kept as they are.',
    ])
      expect(output).toContain(sentence)
  })

  it('has the names, thresholds and outcomes that ours can have', async () => {
    expect(await query(imported, 'select id::int, name from pipeline where id in (1, 39, 40) order by id')).toEqual([
      { id: 1, name: 'pipe 1' },
      { id: 39, name: 'Pipe 1 (39)' },
      { id: 40, name: '(40)' },
    ])
    expect(await query(imported, 'select name, freshness_number, freshness_datepart from pipeline_type order by id')).toEqual([
      { name: 'extraction', freshness_number: 12, freshness_datepart: 'hour' },
      { name: 'dbt', freshness_number: null, freshness_datepart: null },
      { name: 'DBT (3)', freshness_number: null, freshness_datepart: null },
    ])
    const odd = `select (id - ${RUNS})::int as id, (parent_id - ${RUNS})::int as parent, extract(epoch from end_date - start_date)::int as seconds, completed_successfully as ok, inserts::int,
      execution_metadata as metadata from pipeline_execution where id > ${RUNS} order by id`
    expect(await query(imported, odd)).toEqual([
      { id: 1, parent: null, seconds: 60, ok: true, inserts: 1, metadata: null },
      { id: 2, parent: 1, seconds: 60, ok: true, inserts: 1, metadata: null },
      { id: 3, parent: null, seconds: 60, ok: true, inserts: 1, metadata: null },
      { id: 4, parent: 5, seconds: 60, ok: true, inserts: null, metadata: { value: 7 } },
      { id: 5, parent: null, seconds: 0, ok: true, inserts: 1, metadata: null },
      { id: 6, parent: null, seconds: 60, ok: false, inserts: 1, metadata: null },
      { id: 7, parent: null, seconds: 90, ok: false, inserts: 1, metadata: null },
    ])
  })

  it('has the closures of what is nested, and of a lineage with a diamond and a cycle', async () => {
    const nested = `with recursive up as (
        select id as descendant_id, id as ancestor_id, parent_id, 0 as depth from pipeline_execution
        union all select up.descendant_id, p.id, p.parent_id, up.depth + 1 from up join pipeline_execution p on p.id = up.parent_id)
      select ancestor_id, descendant_id, depth from up`
    const reached = `with recursive walk as (
        select id as source_address_id, id as target_address_id, 0 as depth from address
        union select w.source_address_id, l.target_address_id, w.depth + 1 from walk w join address_lineage l on l.source_address_id = w.target_address_id where w.depth < 60)
      select source_address_id, target_address_id, min(depth) as depth from walk group by 1, 2`
    for (const [table, expected, columns] of [
      ['pipeline_execution_closure', nested, 'ancestor_id, descendant_id, depth'],
      ['address_lineage_closure', reached, 'source_address_id, target_address_id, depth'],
    ])
      expect([
        table,
        await query(
          imported,
          `(select ${columns} from ${table} except (${expected})) union all (select * from (${expected}) e except select ${columns} from ${table})`,
        ),
        await query(imported, 'select * from address_lineage_pending'),
      ]).toEqual([table, [], []])
  })

  it('goes on after kill -9 at any point, and ends in the same state', async () => {
    const target = await createDatabase()
    const seen = async () =>
      Number((await query(target, 'select sum(rows_read) as rows from import_progress').catch(() => [{ rows: 0 }]))[0]?.rows ?? 0)
    let kills = 0
    for (const share of [0, 0.1, 0.3, 0.6, 0.9, 1]) {
      const child = start(original, target)
      while (child.exitCode === null && (await seen()) < share * (RUNS + 150)) await sleep(5)
      // After the last row the closures are built: somewhere there.
      if (share === 1) await sleep(60)
      if (child.exitCode === null) kills += 1
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    }
    expect(kills).toBeGreaterThanOrEqual(4)
    const last = await runImport(original, target)
    expect([last.code, last.output.slice(last.output.indexOf('\ntable'))]).toEqual([0, output.slice(output.indexOf('\ntable'))])
    expect(await stateOf(target)).toEqual(await stateOf(imported))
  }, 180_000)

  it('run again brings only what is new, and what has ended or moved on since', async () => {
    const before = await stateOf(imported)
    expect((await runImport(original, imported)).code).toBe(0)
    expect(await stateOf(imported)).toEqual(before)
    await query(
      original,
      `update pipeline_execution set end_date = start_date + interval '5 minutes', duration_seconds = 300, completed_successfully = true, inserts = 42 where id = 97;
       update pipeline set watermark = 'moved' where id = 5;
       insert into pipeline_execution (parent_id, pipeline_id, start_date, date_recorded, hour_recorded) values (97, 5, '2025-10-01', '2025-10-01', 0)`,
    )
    // It has run here since, so the watermark is ours.
    await query(imported, `update pipeline set watermark = 'ours' where id = 6`)
    await query(
      imported,
      `select ${FUNCTIONS.start_pipeline_execution}(p_pipeline_id => 6, p_pipeline_name => null, p_parent_id => null, p_start_date => now(), p_guards_start => false,
      p_full_load => null, p_watermark => null, p_next_watermark => null, p_metadata => null, p_key => null, p_now => now())`,
    )
    const again = await runImport(original, imported)
    expect(again.output).toContain('1 executions that were running at an earlier import have ended since.')
    expect(await query(imported, `select watermark from pipeline where id in (5, 6) order by id`)).toEqual([
      { watermark: 'moved' },
      { watermark: 'ours' },
    ])
    expect(
      await query(
        imported,
        'select completed_successfully as ok, inserts::int, duration_seconds::int as seconds from pipeline_execution where id = 97',
      ),
    ).toEqual([{ ok: true, inserts: 42, seconds: 300 }])
    const ancestors = `select ancestor_id::int as id from pipeline_execution_closure where descendant_id = ${RUNS + 8} order by depth`
    expect((await query(imported, ancestors)).slice(0, 3)).toEqual([{ id: RUNS + 8 }, { id: 97 }, { id: 96 }])
    expect(again.output).toContain('1 pipelines have moved on since an earlier import')
  })
})

describe('npm run import', () => {
  it('says in one sentence what it cannot do', async () => {
    const [empty, ours] = [await createDatabase(), await createDatabase()]
    const original = await createOriginal('seed', 300)
    await runImport(original, ours)
    const another = await createOriginal('seed', 300)
    await query(another, `update pipeline set created_at = created_at - interval '1 day'`)
    for (const [from, to, sentence] of [
      ['postgresql://nobody@127.0.0.1:1/none', ours, 'no connection to the database to import from (127.0.0.1:1)'],
      ['not a url', ours, 'the address of the database to import from is not like postgresql://user:password@host/database'],
      [empty, ours, '--from names no database of a Watcher: it has no column pipeline_type.name'],
      [ours, empty, '--from names a database of this Watcher'],
      [another, ours, 'this database holds the import of another Watcher'],
      [original, undefined, 'set DATABASE_URL'],
    ] as const) {
      const { code, output } = await runImport(from, to)
      expect([code, output]).toEqual([1, expect.stringContaining(`watcher: ${sentence}`)])
      expect(output).not.toContain('    at ')
    }
  })

  it('skips a row that the database refuses with its words, and brings the others', async () => {
    const original = await createOriginal('latest', 400)
    const fresh = await createDatabase()
    await query(
      original,
      `alter table pipeline_execution alter column watermark type text; update pipeline_execution set watermark = repeat('w', 60) where id in (77, 78, 301)`,
    )
    const { code, output } = await runImport(original, fresh)
    expect([code, /(\d) skipped: the database refuses it: .*pipeline_execution_watermark_length/.exec(output)?.[1]]).toEqual([0, '3'])
    expect(await query(fresh, 'select count(*)::int as rows from pipeline_execution')).toEqual([{ rows: 404 }])
  })
})
