import { sha256 } from '../../core/sha256.ts'
import { UUID } from '../../core/uuid.ts'
import type { ToldRun } from './queries.ts'

/** Runs of ours as events of OpenLineage 2-0-2. */

const SPEC = 'https://openlineage.io/spec'
/** Who says it, as a URI; a deployment with a public URL says that. */
const PRODUCER = 'urn:watcher'

interface Told {
  /** The namespace of our jobs. */
  namespace: string
  publicUrl: string | undefined
}

/** The event of a run's start, or of its end: COMPLETE or FAIL. A run that has not ended, although it should have, is RUNNING. */
export const toEvent = async (run: ToldRun, of: 'START' | 'END', { namespace, publicUrl }: Told): Promise<Record<string, unknown>> => {
  const producer = publicUrl ?? PRODUCER
  const facet = (name: string, version: string, fields: object) => ({
    _producer: producer,
    _schemaURL: `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`,
    ...fields,
  })
  const isEnd = of === 'END' && run.end_date !== null
  const failed = isEnd && !run.succeeded
  const outputs = run.outputs_of.map(toDataset)
  const rows = run.total_rows
  return {
    eventType: isEnd ? (failed ? 'FAIL' : 'COMPLETE') : of === 'START' ? 'START' : 'RUNNING',
    eventTime: isEnd ? run.end_date : run.start_date,
    producer,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: {
      runId: await runIdOf(namespace, run),
      facets: {
        ...(run.parent && {
          parent: facet('ParentRunFacet', '1-2-0', {
            // A parent that came from OpenLineage has the names that it came with.
            run: { runId: UUID.test(run.parent.openlineage ?? '') ? run.parent.openlineage : await runIdOf(namespace, run.parent) },
            job: run.parent.job ?? { namespace, name: run.parent.pipeline },
          }),
        }),
        ...(run.scheduled_for && { nominalTime: facet('NominalTimeRunFacet', '1-0-1', { nominalStartTime: run.scheduled_for }) }),
        ...(failed && {
          errorMessage: facet('ErrorMessageRunFacet', '1-0-1', {
            message: run.error ?? 'the run has failed',
            programmingLanguage: 'unknown',
          }),
        }),
        watcher: {
          _producer: producer,
          _schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet`,
          pipelineExecutionId: run.id,
          ...(publicUrl && { url: `${publicUrl}/executions/${run.id}` }),
          ...(isEnd && { inserts: run.inserts, updates: run.updates, softDeletes: run.soft_deletes, totalRows: rows }),
        },
      },
    },
    job: {
      namespace,
      name: run.pipeline,
      facets: {
        jobType: facet('JobTypeJobFacet', '2-0-4', {
          processingType: run.is_streaming ? 'STREAMING' : 'BATCH',
          integration: 'WATCHER',
          jobType: run.type.toUpperCase(),
        }),
        ...(run.owner && { ownership: facet('OwnershipJobFacet', '1-0-1', { owners: [{ name: run.owner }] }) }),
      },
    },
    inputs: run.inputs_of.map(toDataset),
    // The rows of a run that writes several datasets are not known for each of them.
    outputs: outputs.map((dataset) =>
      isEnd && rows !== null && outputs.length === 1
        ? { ...dataset, outputFacets: { outputStatistics: facet('OutputStatisticsOutputDatasetFacet', '1-0-2', { rowCount: rows }) } }
        : dataset,
    ),
  }
}

/**
 * The dataset of an address: of a URL its scheme and authority are the namespace, as OpenLineage names datasets (so also of the addresses that
 * came from there); else its type is.
 */
const toDataset = ({ name, type }: { name: string; type: string }): { namespace: string; name: string } => {
  const [, namespace, path] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)\/(.+)$/is.exec(name) ?? []
  return namespace !== undefined && path !== undefined ? { namespace, name: path } : { namespace: type, name }
}

/** A UUID of version 8 (RFC 9562) that every event of the run has: made of its id, its start and our namespace. */
const runIdOf = async (namespace: string, { id, start_date }: { id: number; start_date: string }): Promise<string> => {
  const hash = await sha256(JSON.stringify([namespace, id, start_date]))
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
