import { secondsBetween } from '../../core/figures.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import type { House } from '../feature.ts'
import type { Measured } from './queries.ts'

/** How many open incidents of this kind and severity belong to this owner. */
const countOf = (incidents: Measured['incidents'], kind: string, severity: string, owner: string | null): number =>
  incidents.find((found) => found.kind === kind && found.severity === severity && found.owner === owner)?.count ?? 0

type Sample = [labels: Record<string, string>, value: number]

const DAYS = ['today', 'yesterday']
const OUTCOMES = ['succeeded', 'failed'] as const

/** Renders the measures in Prometheus' text format 0.0.4. All are gauges: the database counts them each time. */
export const renderMetrics = ({ jobs, each, ...measured }: Measured, { checks, incidentKinds }: House, now: string): string =>
  [
    gauge('watcher_pipelines', 'Number of pipelines.', [[{}, measured.pipelines]]),
    gauge('watcher_executions_running', 'Executions that are running now.', [[{}, measured.running]]),
    gauge(
      'watcher_executions_ended',
      'Executions that have ended, by outcome and the UTC day on which they started: today, yesterday.',
      DAYS.flatMap((day) => OUTCOMES.map((outcome): Sample => [{ outcome, day }, measured.outcomes[day]?.[outcome] ?? 0])),
    ),
    gauge(
      'watcher_findings_open',
      'Open findings by check: late runs that still run, pipelines that are still stale, anomalies flagged in the last 24 hours.',
      checks.map(({ kind }): Sample => [{ check: kind }, measured.findings[kind] ?? 0]),
    ),
    gauge('watcher_incidents_open', 'Incidents that are not resolved, by kind, severity and the owner of the pipeline, if it has one.', [
      ...incidentKinds.flatMap(({ kind }) =>
        SEVERITIES.map((severity): Sample => [{ kind, severity }, countOf(measured.incidents, kind, severity, null)]),
      ),
      ...measured.incidents.flatMap(({ kind, severity, owner, count }): Sample[] =>
        owner === null ? [] : [[{ kind, severity, owner }, count]],
      ),
    ]),
    gauge(
      'watcher_jobs',
      'Background jobs by kind and state; succeeded jobs of the last hour only.',
      jobs.flatMap(({ kind, waiting, running, failed, succeeded }) =>
        Object.entries({ waiting, running, failed, succeeded }).map(([state, count]): Sample => [{ kind, state }, count]),
      ),
    ),
    gauge(
      'watcher_jobs_oldest_waiting_seconds',
      'Seconds since the oldest waiting job of the kind was recorded; 0 if none waits.',
      jobs.map(({ kind, oldest }): Sample => [{ kind }, oldest]),
    ),
    gauge(
      'watcher_cron_seconds_since_tick',
      'Seconds since the last tick of the cron was due; more than two periods mean that nothing is checked.',
      measured.crons.map(({ cron, due_at }): Sample => [{ cron }, Math.max(0, Math.round(secondsBetween(due_at, now)))]),
    ),
    gauge(
      'watcher_cron_failed',
      '1 if tasks of the last tick of the cron failed, else 0.',
      measured.crons.map(({ cron, fault }): Sample => [{ cron }, fault === null ? 0 : 1]),
    ),
    ...(each.length > 0 ? gaugesOf(each) : []),
  ].join('')

const secondsOf = (at: string | null): number | null => (at === null ? null : Date.parse(at) / 1000)

/** The gauges with a sample for each pipeline. */
const gaugesOf = (each: Measured['each']): string[] => {
  const of = (name: string, help: string, value: (pipeline: Measured['each'][number]) => number | null): string =>
    gauge(
      `watcher_pipeline_${name}`,
      help,
      each.flatMap((pipeline): Sample[] => {
        const found = value(pipeline)
        return found === null ? [] : [[{ pipeline: pipeline.name, pipeline_id: String(pipeline.id) }, found]]
      }),
    )
  return [
    of('last_start_timestamp_seconds', 'When the last run started; at most a quarter of an hour old.', ({ last_start_at }) =>
      secondsOf(last_start_at),
    ),
    of('last_success_timestamp_seconds', 'When the last successful run ended.', ({ last_success_at }) => secondsOf(last_success_at)),
    of('last_run_succeeded', '1 if the run that ended last succeeded, else 0.', ({ last_succeeded }) =>
      last_succeeded === null ? null : Number(last_succeeded),
    ),
    of(
      'typical_duration_seconds',
      'The median duration of its last successful runs, of at most 50 runs.',
      ({ typical_seconds }) => typical_seconds,
    ),
    of('next_start_timestamp_seconds', 'When the next run is expected by its schedule.', ({ next_start_at }) => secondsOf(next_start_at)),
  ]
}

const gauge = (name: string, help: string, samples: Sample[]): string =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples.map((sample) => `${name}${labelled(sample)}`), ''].join('\n')

/** An owner is text from a client: backslashes, quotes and new lines are escaped as the format says. */
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const labelled = ([labels, value]: Sample): string => {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
}
