import type { SQL } from 'drizzle-orm'
import type { z } from 'zod'
import type { CheckFacts, Feature } from '../features/feature.ts'
import type { AlertKind } from '../notifications/alert.ts'

/** The names of the CTEs and values in a sweep's statement (see sweep.ts). A check receives them and never assumes them. */
export interface Names {
  /** The findings of this sweep: rows of `subject`, `pipeline_id`, `since`, `evidence`, at most MAX_FINDINGS. */
  found: SQL
  /** The subjects of the findings that this sweep logged for the first time: rows of `subject`. */
  logged: SQL
  /** The time of the sweep, a timestamptz. */
  now: SQL
  /** A value that the sweep's job prepared, by its name (see `values` in `sweepJob`). */
  value: (name: string) => SQL
}

/**
 * One kind of problem: a check finds what is wrong now, and says it in words. The engine (sweep.ts) does the rest in one
 * statement: it logs each finding once, opens and resolves incidents, has people told and ends the job. Badges, filters,
 * metric labels, what cleanup deletes, and the guides are derived from the list in index.ts.
 */
export interface Check<Evidence = unknown>
  extends CheckFacts,
    Pick<Feature, 'tags' | 'enums' | 'routes' | 'jobs' | 'sweeps' | 'deadlines'> {
  /**
   * What is wrong: `select subject, pipeline_id, since, evidence`. `subject` (bigint) is the id that the finding is about: an
   * execution, a pipeline or a rule. `since` is when it became wrong. The schema below reads `evidence` (jsonb).
   */
  wrong: (names: Names) => SQL
  /**
   * All that is wrong now, for a check that can see it: `select pipeline_id, since, evidence`, one row per pipeline. Its sweep also opens
   * what was muted for a time, and resolves what is right again. undefined: the check sees only a window, or one run.
   */
  wrongNow?: (now: SQL) => SQL
  /** With `wrongNow`: true if the evidence is about what an incident with these details, which a person resolved, was about. */
  isSame?: (details: SQL, evidence: SQL) => SQL
  /**
   * What was muted for a time, is wrong still, and was logged before, for a check without `wrongNow`: `select pipeline_id, since, last,
   * occurrences, evidence`, one row per pipeline.
   */
  wrongAgain?: (now: SQL) => SQL
  /** The insert that logs the findings: `… on conflict do nothing returning … as subject`. */
  logFound: (names: Names) => SQL
  /** True if people may be told of the finding `f`, a row of `found`; undefined: of every one that is logged. */
  isNews?: (names: Names, f: SQL) => SQL
  /** More CTEs of the sweep, each with its own name. */
  alsoWrites?: (names: Names) => SQL
  /** The kind of the incidents that it opens, one for each pipeline: `late`. Their details are the evidence. */
  incidentKind: string
  /** The first words of a message about such an incident, and whether its time is a deadline: see IncidentKind. */
  incidentTitle: string
  isDeadline?: true
  evidence(): z.ZodType<Evidence>
  /** One sentence, without a full stop, for the pages and for `plainAlert`. */
  explain(evidence: Evidence): string
  /** The text of an alert, and the query that groups the findings of a sweep into alerts. */
  alert: AlertKind
  alertPayloads: (names: Names) => SQL
}
