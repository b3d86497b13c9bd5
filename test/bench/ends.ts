import type pg from 'pg'
import { FUNCTIONS } from '../../src/db/functions.ts'

/**
 * Ends that open and resolve incidents. An incident opens and resolves once, so each of these ends needs a pipeline and a run of its own:
 * some runs wait on pipelines that are well, and as many on pipelines whose run before has failed.
 */
const ENDS = 60_000

let onWell = 0
let onFailed = 0

/** Creates the runs to end, in a database that has a pipeline type. */
export const fillEnds = async (client: pg.Client): Promise<void> => {
  await client.query(`
    insert into pipeline (name, pipeline_type_id, load_lineage) select 'well-' || i, 1, false from generate_series(1, ${ENDS}) i;
    insert into pipeline (name, pipeline_type_id, load_lineage) select 'failed-' || i, 1, false from generate_series(1, ${ENDS}) i`)
  const start = (name: string) =>
    client.query(
      `insert into pipeline_execution (pipeline_id, start_date) select id, now() from pipeline where name like '${name}-%' order by id`,
    )
  const first = async () => Number((await client.query('select max(id) + 1 as id from pipeline_execution')).rows[0].id)
  onWell = await first()
  await start('well')
  const failed = await first()
  await start('failed')
  await client.query(`
    select ended.outcome from generate_series(${failed}, ${failed + ENDS - 1}) run
    cross join lateral ${FUNCTIONS.end_pipeline_execution}(p_id => run, p_end_date => null, p_succeeded => false, p_inserts => null, p_updates => null,
      p_soft_deletes => null, p_total_rows => null, p_metadata => null, p_now => now()) ended`)
  onFailed = await first()
  await start('failed')
}

/** The id of a run whose failure opens an incident. */
export const nextOnWell = (): number => {
  onWell += 1
  return onWell - 1
}

/** The id of a run of a pipeline whose incident `failed` is open: its success resolves it, its failure extends it. */
export const nextOnFailed = (): number => {
  onFailed += 1
  return onFailed - 1
}
