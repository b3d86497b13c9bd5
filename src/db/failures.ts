import { ApiError, bodyFault, ERRORS } from '../core/errors.ts'

/** The fields of the driver's NeonDbError that matter here. Its message carries SQL and values: never echo it. */
interface DatabaseFailure {
  code?: string
  constraint?: string
  message: string
}

/** The database's answer broke off, or was none: the driver throws whatever its parser met. */
export class BrokenAnswer extends Error {}

/** The driver's error, whether drizzle has wrapped it or not; undefined where the error came from elsewhere. */
const failureIn = (error: unknown): DatabaseFailure | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'NeonDbError' || cause instanceof BrokenAnswer) return cause as DatabaseFailure
  }
  return undefined
}

/** True where PostgreSQL rolled the transaction back because of another one: repeating it is right. */
export const isLostRace = (error: unknown): boolean => ['40001', '40P01'].includes(failureIn(error)?.code ?? '')

/** PostgreSQL's error classes for "not now": connection, resources, locks, operator intervention (57014: timeout), lost races. */
const PASSING = /^(08|53|55|57|40)/
/** What only whoever runs this deployment can mend. */
const UNREADY: [codes: RegExp, message: string][] = [
  [/^(28|3D)/, 'The database refuses the connection: check the user, the password and the database in DATABASE_URL'],
  [
    /^42501$/,
    'The database role in DATABASE_URL may not do this: grant it the tables of its schema, and reading drizzle.__drizzle_migrations',
  ],
  [/^(42P01|42703|42883)$/, 'The database lacks a table, column or function of this version: run npm run db:migrate'],
]
const PAGE_TOO_LARGE = /HTTP status 507/

/** What a person may read of a failure of the database, for which no client waits; undefined where the error is none. */
export const describeDatabaseFailure = (error: unknown): string | undefined => {
  const failure = failureIn(error)
  if (!failure) return undefined
  return databaseFault(error)?.message ?? `The database refused a statement (SQLSTATE ${failure.code}): the log has the details`
}

/** What a client hears of a database failure; undefined where the error is none, or a fault of ours. */
export const databaseFault = (error: unknown): ApiError | undefined => {
  const failure = failureIn(error)
  if (!failure) return undefined
  const violated = CONSTRAINTS[failure.constraint ?? '']
  if (violated) return violated()
  if (PAGE_TOO_LARGE.test(failure.message)) {
    return new ApiError('page_too_large', 'The rows of this page exceed 10 MiB: ask for fewer with limit', { cause: error })
  }
  if (failure.code === undefined || PASSING.test(failure.code)) {
    const { retryAfterSeconds } = ERRORS.database_unavailable
    return new ApiError('database_unavailable', `The database did not answer in time: try again in ${retryAfterSeconds} seconds`, {
      cause: error,
    })
  }
  const unready = UNREADY.find(([codes]) => codes.test(failure.code ?? ''))
  if (unready) return new ApiError('misconfigured', unready[1], { cause: error })
  // Class 22, data exceptions: a value that passed our checks and that PostgreSQL still cannot hold.
  if (failure.code.startsWith('22')) return new ApiError('validation_failed', 'A value in the request cannot be stored', { cause: error })
  return undefined
}

const nameTaken = (what: string) => () =>
  new ApiError('name_taken', `Another ${what} has this name already: choose another, or patch that one`)
const unknown = (field: string, what: string) => () => bodyFault('unknown_reference', field, `${field}: there is no ${what} with this id`)
const incomplete = (what: string) => () =>
  bodyFault(
    'validation_failed',
    `${what}_datepart`,
    `${what}_number and ${what}_datepart go together: after this change one would be set without the other`,
  )

const tooLong = (what: string) => () =>
  bodyFault('validation_failed', `${what}_number`, `${what}_number and ${what}_datepart are together more than a thousand years`)

/** Constraints that a request can violate, and what the client then hears. PostgreSQL enforces, this only words it. */
const CONSTRAINTS: Record<string, () => ApiError> = {
  pipeline_name_unique: nameTaken('pipeline'),
  pipeline_type_name_unique: nameTaken('pipeline type'),
  address_name_unique: nameTaken('address'),
  address_type_name_unique: nameTaken('address type'),
  anomaly_detection_rule_metric_unique: () =>
    new ApiError('rule_taken', 'The pipeline has a rule for this metric already: patch that one, or choose another metric'),
  pipeline_pipeline_type_id_pipeline_type_id_fk: unknown('pipeline_type_id', 'pipeline type'),
  address_address_type_id_address_type_id_fk: unknown('address_type_id', 'address type'),
  anomaly_detection_rule_pipeline_id_pipeline_id_fk: unknown('pipeline_id', 'pipeline'),
  pipeline_execution_parent_id_pipeline_execution_id_fk: unknown('parent_id', 'execution'),
  pipeline_freshness_number_range: tooLong('freshness'),
  pipeline_timeliness_number_range: tooLong('timeliness'),
  pipeline_type_freshness_number_range: tooLong('freshness'),
  pipeline_type_timeliness_number_range: tooLong('timeliness'),
  pipeline_freshness_pair: incomplete('freshness'),
  pipeline_timeliness_pair: incomplete('timeliness'),
  pipeline_type_freshness_pair: incomplete('freshness'),
  pipeline_type_timeliness_pair: incomplete('timeliness'),
}
