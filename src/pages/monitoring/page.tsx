import { duration, grouped } from '../../core/figures.ts'
import type { JobsOverview } from '../../features/monitoring/queries.ts'
import { Action, Empty, Moment, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'

/** The page marks the oldest waiting job if it has waited longer than this. */
const LONG_WAIT_SECONDS = 300

export const MonitoringPage = (jobs: JobsOverview, { caller, now }: ViewScope<unknown>) => {
  const sum = (count: 'waiting' | 'retrying' | 'running' | 'failed') => jobs.kinds.reduce((total, kind) => total + kind[count], 0)
  const oldest = jobs.oldest_waiting
  return (
    <>
      <div class="row">
        <h1>Background jobs</h1>
        <small>
          As of <Moment at={now} />, refreshed every 5 seconds
        </small>
      </div>
      <ul class="cards">
        <Card count={sum('waiting')} name="waiting" tone="running" />
        <Card count={sum('running')} name="running" tone="running" />
        <Card count={sum('retrying')} name="waiting for a retry" tone="late" />
        <Card count={sum('failed')} name="failed" tone="failed" />
        <li>
          <div class={`card ${oldest && oldest.age_seconds > LONG_WAIT_SECONDS ? 'late' : 'none'}`}>
            <strong>{oldest ? duration(oldest.age_seconds) : '–'}</strong>
            <span>{oldest ? `oldest waiting (${oldest.kind})` : 'no job waits'}</span>
          </div>
        </li>
        <li>
          <div class="card">
            <strong>{grouped(jobs.last_hour.per_minute, 1)}</strong> <span>jobs per minute in the last hour</span>
          </div>
        </li>
      </ul>
      <h2>Jobs by kind</h2>
      <Kinds kinds={jobs.kinds} now={now} />
      <h2>Failed jobs</h2>
      <Failures failures={jobs.recent_failures} mayWrite={caller.mayWrite} now={now} />
    </>
  )
}

const Card = ({ count, name, tone }: { count: number; name: string; tone: string }) => (
  <li>
    <div class={`card ${count > 0 ? tone : 'none'}`}>
      <strong>{grouped(count)}</strong> <span>{name}</span>
    </div>
  </li>
)

const Kinds = ({ kinds, now }: { kinds: JobsOverview['kinds']; now: string }) => (
  <Table
    label="Jobs by kind"
    columns={[
      'Kind',
      { number: 'Waiting' },
      { number: 'Waiting for a retry' },
      { number: 'Running' },
      { number: 'Failed' },
      { number: 'Succeeded in the last hour' },
      { number: 'Mean duration' },
      { number: '95th percentile' },
      'Last finished',
    ]}
  >
    {kinds.map((kind) => (
      <tr>
        <th scope="row">{kind.kind}</th>
        <td class="number">{grouped(kind.waiting)}</td>
        <td class="number">{grouped(kind.retrying)}</td>
        <td class="number">{grouped(kind.running)}</td>
        <td class="number">{grouped(kind.failed)}</td>
        <td class="number">{grouped(kind.succeeded_last_hour)}</td>
        <td class="number">{duration(kind.mean_seconds)}</td>
        <td class="number">{duration(kind.p95_seconds)}</td>
        <td>
          <Moment at={kind.last_finished_at} as="ago" now={now} />
        </td>
      </tr>
    ))}
  </Table>
)

const Failures = ({ failures, mayWrite, now }: { failures: JobsOverview['recent_failures']; mayWrite: boolean; now: string }) =>
  failures.length === 0 ? (
    <Empty title="No job has failed">
      <p>Watcher tries a failing job up to 20 times over some hours. If it still fails, it is listed here with its error.</p>
    </Empty>
  ) : (
    <Table label="Failed jobs" columns={['Job', 'Kind', 'Failed', { number: 'Attempts' }, 'Error', ...(mayWrite ? ['Action'] : [])]}>
      {failures.map((job) => (
        <tr>
          <th scope="row">
            <a href={`/job/${job.id}`}>{job.id}</a>
          </th>
          <td>{job.kind}</td>
          <td>
            <Moment at={job.finished_at} as="ago" now={now} />
          </td>
          <td class="number">{grouped(job.attempts)}</td>
          <td class="why">{job.error ?? 'no error recorded'}</td>
          {mayWrite ? (
            <td>
              <Action
                path="/replay_job"
                body={{ id: job.id }}
                ask={`Run job ${job.id} (${job.kind}) again? Its attempts start from zero.`}
                done={`Job ${job.id} waits in the queue again`}
              >
                Replay
              </Action>
            </td>
          ) : null}
        </tr>
      ))}
    </Table>
  )
