import { ApiError, bodyFault, ERRORS } from '../core/errors.ts'

/** The fields of the driver's NeonDbError that matter here. Its message contains SQL and values: never show it to a client. */
interface DatabaseFailure {
  code?: string
  constraint?: string
  message: string
  /** Why the request to the database failed. */
  sourceError?: Error
  cause?: unknown
}

/** The database's answer was cut off or is no result: the driver then throws an error of its parser. */
export class BrokenAnswer extends Error {}

/** The driver's error, also if drizzle has wrapped it; undefined for any other error. */
const failureIn = (error: unknown): DatabaseFailure | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'NeonDbError' || cause instanceof BrokenAnswer) return cause as DatabaseFailure
  }
  return undefined
}

/** True if PostgreSQL rolled the transaction back because of another one: the caller may repeat it. */
export const isLostRace = (error: unknown): boolean => ['40001', '40P01'].includes(failureIn(error)?.code ?? '')

/** PostgreSQL's error classes for temporary failures: connection, resources, locks, operator intervention (57014: timeout), lost races. */
const TEMPORARY = /^(08|53|55|57|40)/
/** PostgreSQL has cancelled the statement, or its wait for a lock, at a time limit. */
const OUT_OF_TIME = ['57014', '55P03']

/** True if a time limit was hit: PostgreSQL's, or ours (client.ts). A database that is away does not answer at all. */
const hasTakenTooLong = ({ code, sourceError, cause }: DatabaseFailure): boolean =>
  OUT_OF_TIME.includes(code ?? '') || [sourceError, cause].some((reason) => (reason as Error | undefined)?.name === 'TimeoutError')

/** Failures that only the operator of this deployment can correct. */
const UNREADY: [codes: RegExp, message: string][] = [
  [/^(28|3D)/, 'The database refuses the connection: check the user, the password and the database in DATABASE_URL'],
  [
    /^42501$/,
    'The database role in DATABASE_URL lacks a privilege: grant it the tables of its schema, and select on drizzle.__drizzle_migrations',
  ],
  [/^(42P01|42703|42883)$/, 'The database lacks a table, column or function of this version: run npm run db:migrate'],
]
const PAGE_TOO_LARGE = /HTTP status 507/

/** A sentence about a database failure of a job, safe to show; undefined if the error is no database failure. */
export const describeDatabaseFailure = (error: unknown): string | undefined => {
  const failure = failureIn(error)
  if (!failure) return undefined
  return databaseFault(error)?.message ?? `The database refused a statement (SQLSTATE ${failure.code}): the log has the details`
}

/** The error that a client gets for a database failure; undefined for another error, or if our SQL is at fault. */
export const databaseFault = (error: unknown): ApiError | undefined => {
  const failure = failureIn(error)
  if (!failure) return undefined
  const violated = CONSTRAINTS[failure.constraint ?? '']
  if (violated) return violated()
  if (PAGE_TOO_LARGE.test(failure.message)) {
    return new ApiError('page_too_large', 'The rows of this page exceed 10 MiB: ask for fewer with limit', { cause: error })
  }
  if (failure.code === undefined || TEMPORARY.test(failure.code)) {
    const { retryAfterSeconds } = ERRORS.database_unavailable
    const what = hasTakenTooLong(failure) ? 'did not answer in time' : 'did not answer'
    return new ApiError('database_unavailable', `The database ${what}: try again in ${retryAfterSeconds} seconds`, { cause: error })
  }
  const unready = UNREADY.find(([codes]) => codes.test(failure.code ?? ''))
  if (unready) return new ApiError('misconfigured', unready[1], { cause: error })
  // Class 22, data exceptions: a value has passed our checks, but PostgreSQL cannot store it.
  if (failure.code.startsWith('22')) return new ApiError('validation_failed', 'A value in the request cannot be stored', { cause: error })
  return undefined
}

const nameTaken = (what: string) => () =>
  new ApiError('name_taken', `Another ${what} already has this name: choose another name, or patch that ${what}`)
const unknown = (field: string, what: string) => () => bodyFault('unknown_reference', field, `${field}: there is no ${what} with this id`)
const incomplete = (what: string) => () =>
  bodyFault(
    'validation_failed',
    `${what}_datepart`,
    `${what}_number and ${what}_datepart go together: after this change one would be set without the other`,
  )

const tooLong = (what: string) => () =>
  bodyFault('validation_failed', `${what}_number`, `${what}_number and ${what}_datepart together exceed a thousand years`)

/** Constraints that a request can violate, and the error that the client then gets. PostgreSQL enforces them. */
const CONSTRAINTS: Record<string, () => ApiError> = {
  pipeline_name_unique: nameTaken('pipeline'),
  pipeline_type_name_unique: nameTaken('pipeline type'),
  channel_name_unique: nameTaken('channel'),
  address_name_unique: nameTaken('address'),
  address_type_name_unique: nameTaken('address type'),
  anomaly_detection_rule_metric_unique: () =>
    new ApiError('rule_taken', 'The pipeline already has a rule for this metric: patch that rule, or choose another metric'),
  pipeline_pipeline_type_id_pipeline_type_id_fk: unknown('pipeline_type_id', 'pipeline type'),
  address_address_type_id_address_type_id_fk: unknown('address_type_id', 'address type'),
  silence_pipeline_id_pipeline_id_fk: unknown('pipeline_id', 'pipeline'),
  silence_pipeline_type_id_pipeline_type_id_fk: unknown('pipeline_type_id', 'pipeline type'),
  anomaly_detection_rule_limits: () =>
    bodyFault('validation_failed', 'min_value', 'min_value is above max_value: after this change no value would be normal'),
  anomaly_detection_rule_pipeline_id_pipeline_id_fk: unknown('pipeline_id', 'pipeline'),
  pipeline_execution_parent_id_pipeline_execution_id_fk: unknown('parent_id', 'execution'),
  pipeline_freshness_number_range: tooLong('freshness'),
  pipeline_timeliness_number_range: tooLong('timeliness'),
  pipeline_type_freshness_number_range: tooLong('freshness'),
  pipeline_type_timeliness_number_range: tooLong('timeliness'),
  pipeline_freshness_pair: incomplete('freshness'),
  pipeline_timeliness_pair: incomplete('timeliness'),
  pipeline_schedule_pair: incomplete('schedule'),
  pipeline_schedule_number_range: tooLong('schedule'),
  pipeline_schedule_one: () =>
    bodyFault(
      'validation_failed',
      'schedule_cron',
      'schedule_cron: a pipeline has a cron or an interval, not both: clear the other one with null',
    ),
  pipeline_type_freshness_pair: incomplete('freshness'),
  pipeline_type_timeliness_pair: incomplete('timeliness'),
}
