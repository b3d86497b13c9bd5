import type { SQL } from 'drizzle-orm'
import type { z } from 'zod'
import type { CheckFacts, Feature } from '../features/feature.ts'
import type { AlertKind } from '../notifications/alert.ts'

/** What the parts of a check's sweep are called in its statement (see sweep.ts); passed in, never assumed. */
export interface Names {
  /** The findings of this sweep: rows of `subject`, `pipeline_id`, `since`, `evidence`, at most MAX_FINDINGS. */
  found: SQL
  /** The subjects of those that were not logged before: rows of `subject`. */
  logged: SQL
  /** The moment of the sweep, a timestamptz. */
  now: SQL
  /** A value that the sweep's job has prepared, by its name (see `SweepOptions.values`). */
  value: (name: string) => SQL
}

/**
 * One thing that may be wrong: what is wrong now, and how it is said. The engine (sweep.ts) does the rest: it logs a
 * finding once, records its alert and ends the job, in one statement. Badges, filters, labels of metrics, what cleanup
 * deletes and the guides are derived from the list in index.ts.
 */
export interface Check<Evidence = unknown> extends CheckFacts, Pick<Feature, 'tags' | 'enums' | 'routes' | 'jobs' | 'sweeps'> {
  /**
   * What is wrong: `select subject, pipeline_id, since, evidence`. `subject` (bigint) is what the finding is about, an
   * execution or a pipeline; `since` is when it became wrong; `evidence` (jsonb) is read by the schema below.
   */
  wrong: (names: Names) => SQL
  /** May its sweep say that all else is right (true), or does it see a window or one run only? */
  complete: boolean
  /** The insert that logs what was found, `on conflict do nothing returning … as subject`. */
  logFound: (names: Names) => SQL
  /** More CTEs that a sweep writes, each with its own name. */
  alsoWrites?: (names: Names) => SQL
  evidence(): z.ZodType<Evidence>
  /** One sentence, without a full stop, for the pages and for alerts without words of their own. */
  explain(evidence: Evidence): string
  /** The text of its alert, and how the findings of a sweep are put together into alerts. */
  alert: AlertKind
  alertPayloads: (names: Names) => SQL
  /** What is wrong now as the pages show it: `select pipeline_id, execution_id, since, evidence`, one row a pipeline. */
  open: (moments: { now: SQL; dayAgo: SQL }) => SQL
}
