import { duration, grouped } from '../../core/figures.ts'
import type { JobsOverview } from '../../features/monitoring/queries.ts'
import { Action, Empty, Moment, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'

/** How old the oldest waiting job may be before it is no longer a matter of a busy moment. */
const LONG_WAIT_SECONDS = 300

export const MonitoringPage = (jobs: JobsOverview, { caller, now }: ViewScope<unknown>) => {
  const sum = (count: 'waiting' | 'retrying' | 'running' | 'failed') => jobs.kinds.reduce((total, kind) => total + kind[count], 0)
  const oldest = jobs.oldest_waiting
  return (
    <>
      <div class="row">
        <h1>Background jobs</h1>
        <small>
          As of <Moment at={now} />, every 5 seconds
        </small>
      </div>
      <ul class="cards">
        <Card count={sum('waiting')} name="waiting" tone="running" />
        <Card count={sum('running')} name="running" tone="running" />
        <Card count={sum('retrying')} name="to be tried again" tone="late" />
        <Card count={sum('failed')} name="failed" tone="failed" />
        <li>
          <div class={`card ${oldest && oldest.age_seconds > LONG_WAIT_SECONDS ? 'late' : 'none'}`}>
            <strong>{oldest ? duration(oldest.age_seconds) : '–'}</strong>
            <span>{oldest ? `oldest waiting (${oldest.kind})` : 'nothing waits'}</span>
          </div>
        </li>
        <li>
          <div class="card">
            <strong>{grouped(jobs.last_hour.per_minute, 1)}</strong> <span>a minute, last hour</span>
          </div>
        </li>
      </ul>
      <h2>By kind</h2>
      <Kinds kinds={jobs.kinds} now={now} />
      <h2>Failed for good</h2>
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
      { number: 'To be tried again' },
      { number: 'Running' },
      { number: 'Failed' },
      { number: 'Done in the last hour' },
      { number: 'Mean' },
      { number: '95 %' },
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
      <p>One that fails is tried 20 times over some hours; what is left then is listed here, with its error.</p>
    </Empty>
  ) : (
    <Table label="Failed jobs" columns={['Job', 'Kind', 'When', { number: 'Attempts' }, 'Why', ...(mayWrite ? ['Again'] : [])]}>
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
          <td class="why">{job.error ?? 'It did not say'}</td>
          {mayWrite ? (
            <td>
              <Action
                path="/replay_job"
                body={{ id: job.id }}
                ask={`Run job ${job.id} (${job.kind}) again, with all its attempts?`}
                done={`Job ${job.id} is on its way`}
              >
                Replay
              </Action>
            </td>
          ) : null}
        </tr>
      ))}
    </Table>
  )
