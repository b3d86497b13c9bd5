import { sha256 } from '../../core/sha256.ts'

/** Names of OpenLineage are any text; ours have lengths, and a few kinds of datasets. */

const encoder = new TextEncoder()

const MAX_KEY_BYTES = 1_000
const bytesOf = (text: string): number => encoder.encode(text).byteLength

/** A short key that only this text has: the text itself, or its hash. */
export const keyOf = async (text: string): Promise<string> => (bytesOf(text) <= MAX_KEY_BYTES ? text : `sha256:${await sha256(text)}`)

const MAX_LABEL = 150
/** Without line ends and what surrounds it: as people read it. */
const tidy = (text: string): string => text.replace(/\s+/g, ' ').trim()
const fits = (text: string): boolean => text.length >= 1 && text.length <= MAX_LABEL
/** The first characters, without half of a pair of surrogates. */
const startOf = (text: string, length: number): string =>
  text
    .slice(0, length)
    .toWellFormed()
    .replace(/\uFFFD$/, '')

/** The names that the pipeline of a job may have, the best first: its name, with its namespace, shortened with a hash. */
export const labelsOf = async (namespace: string, name: string): Promise<string[]> => {
  const full = `${namespace}/${name}`
  const hash = (await sha256(JSON.stringify([namespace, name]))).slice(0, 12)
  return [tidy(name), tidy(full), `${startOf(tidy(full), MAX_LABEL - 13)}~${hash}`].filter(fits)
}

const MAX_ADDRESS = 1_000
/** An index of PostgreSQL takes 2,704 bytes. */
const MAX_ADDRESS_BYTES = 2_600

/** The name of the address of a dataset: namespace and name, untrimmed; a long one is shortened with a hash. */
export const addressOf = async (namespace: string, name: string): Promise<string> => {
  const full = `${namespace}/${name}`
  if (full.length <= MAX_ADDRESS && bytesOf(full) <= MAX_ADDRESS_BYTES) return full
  return `${startOf(full, 600)}~${await sha256(full)}`
}

const GROUPS: Record<string, string[]> = {
  database: [
    ...[
      'postgres',
      'postgresql',
      'mysql',
      'mariadb',
      'mssql',
      'sqlserver',
      'azuresql',
      'oracle',
      'db2',
      'teradata',
      'sqlite',
      'duckdb',
      'cockroachdb',
    ],
    ...[
      'snowflake',
      'bigquery',
      'redshift',
      'synapse',
      'databricks',
      'unitycatalog',
      'spanner',
      'trino',
      'presto',
      'athena',
      'awsathena',
      'hive',
      'glue',
    ],
    ...[
      'clickhouse',
      'cassandra',
      'mongodb',
      'cosmos',
      'azurecosmos',
      'singlestore',
      'vertica',
      'exasol',
      'dremio',
      'starrocks',
      'elasticsearch',
      'iceberg',
    ],
  ],
  'object store': ['s3', 's3a', 's3n', 'gs', 'gcs', 'abfs', 'abfss', 'wasb', 'wasbs', 'adl', 'azblob', 'oss', 'cos', 'r2'],
  file: ['file', 'hdfs', 'dbfs', 'ftp', 'sftp', 'nfs', 'local'],
  stream: ['kafka', 'kinesis', 'pubsub', 'pulsar', 'rabbitmq', 'amqp', 'eventhub', 'eventhubs', 'mqtt', 'nats'],
}
const GROUP_OF = new Map(Object.entries(GROUPS).flatMap(([group, schemes]) => schemes.map((scheme) => [scheme, group] as const)))

/** The type and the group of a dataset's address, by the scheme of its namespace: `postgres://…`, `bigquery`. */
export const addressTypeOf = (namespace: string): { type: string; group: string } => {
  const [, scheme = '', after] = /^([a-z][a-z0-9+.-]{0,49})(:|$)/i.exec(namespace) ?? []
  const type = scheme.toLowerCase()
  const group = GROUP_OF.get(type)
  if (group !== undefined) return { type, group }
  return type !== '' && after === ':' && namespace.startsWith('://', scheme.length)
    ? { type, group: 'other' }
    : { type: 'openlineage', group: 'other' }
}
