import type { House } from '../feature.ts'
import type { Measured } from './queries.ts'

type Sample = [labels: Record<string, string>, value: number]

/** The measures in Prometheus' text format 0.0.4. All are gauges: they are counted in the database, not added up here. */
export const renderMetrics = ({ jobs, ...measured }: Measured, { checks }: House): string =>
  [
    gauge('watcher_pipelines', 'Pipelines known.', [[{}, measured.pipelines]]),
    gauge('watcher_executions_running', 'Executions that run now.', [[{}, measured.running]]),
    gauge('watcher_executions_ended', 'Executions that started in the last 24 hours and have ended, by outcome.', [
      [{ outcome: 'succeeded' }, measured.succeeded],
      [{ outcome: 'failed' }, measured.failed],
    ]),
    gauge(
      'watcher_findings_open',
      'Late runs still running, pipelines still stale, anomalies flagged in the last 24 hours; by check.',
      checks.map(({ kind }): Sample => [{ check: kind }, measured.findings[kind] ?? 0]),
    ),
    gauge(
      'watcher_jobs',
      'Background jobs by kind and state; of those that have succeeded, the last hour.',
      jobs.flatMap(({ kind, waiting, running, failed, succeeded }) =>
        Object.entries({ waiting, running, failed, succeeded }).map(([state, count]): Sample => [{ kind, state }, count]),
      ),
    ),
    gauge(
      'watcher_jobs_oldest_waiting_seconds',
      'Seconds since the oldest waiting job of the kind was recorded; 0 where none waits.',
      jobs.map(({ kind, oldest }): Sample => [{ kind }, oldest]),
    ),
  ].join('')

const gauge = (name: string, help: string, samples: Sample[]): string =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples.map((sample) => `${name}${labelled(sample)}`), ''].join('\n')

/** Our labels are our own names: nothing in them is to be escaped. */
const labelled = ([labels, value]: Sample): string => {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
  return `${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
}
