import type { Feature } from '../../features/feature.ts'
import { CRONS } from '../../jobs/crons.ts'
import { cleanOpenlineage } from './job.ts'
import { BATCH_STATUSES, routes } from './routes.ts'

/** Runs, datasets and lineage that Airflow, dbt, Spark, Trino, Flink and others report by OpenLineage. */
export const openlineage: Feature = {
  tags: [{ name: 'OpenLineage', description: 'Events of Airflow, dbt, Spark, Trino, Flink and others: runs, datasets and lineage.' }],
  enums: () => ({ OpenLineageBatchStatus: BATCH_STATUSES }),
  routes,
  jobs: { clean_openlineage: () => cleanOpenlineage },
  sweeps: [{ cron: CRONS.daily, kind: 'clean_openlineage', payload: () => ({}) }],
}
