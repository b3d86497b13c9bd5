import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import type { FoundIncident as Incident } from '../../incidents/queries.ts'
import { Drawing } from '../frame/drawing.tsx'
import { Action, Badge, Moment, Table } from '../frame/elements.tsx'
import { IncidentActions, SilenceActions } from '../frame/incident-actions.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { wordOf } from '../frame/problems.ts'
import { Messages } from './messages.tsx'

type Scope = ViewScope<unknown>

/** One incident: what is wrong, who has it, what it affects, what happened, and who was told. */
export const IncidentPage = (incident: Incident, scope: Scope) => (
  <>
    <Heading incident={incident} {...scope} />
    <div class="columns">
      <Facts incident={incident} {...scope} />
      <Timeline incident={incident} />
    </div>
    <Effects incident={incident} />
    {incident.pipeline_id === null ? null : <Affected incident={incident} />}
    <Messages incident={incident} {...scope} />
  </>
)

const Heading = ({ incident, caller }: Scope & { incident: Incident }) => (
  <div class="row">
    <div>
      <h1>{incident.pipeline_name ?? 'Watcher itself'}</h1>
      <p class="what">{incident.summary}</p>
      <p class="legend">
        <Badge state={wordOf(incident.kind)} />
        {incident.severity === 'critical' ? <Badge state="critical" /> : null}
        <Badge state={incident.state} />
        {incident.silence === null ? null : <Badge state="silenced" />}
      </p>
    </div>
    {caller.mayWrite ? (
      <div class="legend">
        <IncidentActions incident={incident} />
        {incident.state === 'resolved' ? null : <SilenceActions incident={incident} />}
      </div>
    ) : null}
  </div>
)

const RunLink = ({ incident, id }: { incident: Incident; id: number | null }) =>
  id === null ? <>–</> : <a href={`/pipelines/${incident.pipeline_id}?execution=${id}`}>Run {id}</a>

const Facts = ({ incident, now, caller }: Scope & { incident: Incident }) => (
  <section class="panel" aria-label="Facts">
    <dl class="facts">
      {incident.pipeline_id === null ? null : (
        <>
          <dt>Pipeline</dt>
          <dd>
            <a href={`/pipelines/${incident.pipeline_id}`}>{incident.pipeline_name}</a>
          </dd>
          <dt>Owner</dt>
          <dd>{incident.owner ?? 'none: set owner on the pipeline or its type'}</dd>
          <dt>What to do</dt>
          <dd>{incident.runbook_url === null ? 'no runbook_url' : <a href={incident.runbook_url}>Runbook</a>}</dd>
        </>
      )}
      {incident.caused_by === null ? null : (
        <>
          <dt>Caused by</dt>
          <dd>
            <a href={`/incidents/${incident.caused_by}`}>{incident.cause?.pipeline_name ?? `Incident ${incident.caused_by}`}</a>{' '}
            {incident.cause ? <Badge state={wordOf(incident.cause.kind)} /> : null}
          </dd>
        </>
      )}
      <dt>Since</dt>
      <dd>
        <Moment at={incident.opened_at} /> ({duration(Math.max(0, secondsBetween(incident.opened_at, incident.resolved_at ?? now)))})
      </dd>
      <dt>Noticed</dt>
      <dd>
        <Moment at={incident.detected_at} />
      </dd>
      {incident.acknowledged_by === null ? null : (
        <>
          <dt>Who has it</dt>
          <dd>
            {incident.acknowledged_by}, since <Moment at={incident.acknowledged_at} />
          </dd>
        </>
      )}
      {incident.silence === null ? null : (
        <>
          <dt>Silenced</dt>
          <dd>
            until <Moment at={incident.silence.until} /> by {incident.silence.created_by}: {incident.silence.reason}{' '}
            {caller.mayWrite ? (
              <Action
                method="DELETE"
                path={`/silence/${incident.silence.id}`}
                ask={`End this silence (${incident.silence.reason})? It may hold messages about other pipelines too. What it holds is told now.`}
                done="Ended"
              >
                End silence
              </Action>
            ) : null}
          </dd>
        </>
      )}
      {incident.resolved_at === null ? null : (
        <>
          <dt>Resolved</dt>
          <dd>
            <Moment at={incident.resolved_at} /> ({incident.resolved_by === 'auto' ? 'by itself' : incident.resolved_by})
          </dd>
        </>
      )}
      {incident.pipeline_id === null ? null : (
        <>
          <dt>Last good run</dt>
          <dd>
            {incident.last_success_at === null ? 'none when this opened' : <Moment at={incident.last_success_at} as="ago" now={now} />}
          </dd>
          <dt>Runs</dt>
          <dd>
            <RunLink incident={incident} id={incident.first_execution_id} />
            {incident.last_execution_id === incident.first_execution_id ? null : (
              <>
                {' '}
                to <RunLink incident={incident} id={incident.last_execution_id} />
              </>
            )}
            {incident.running_since === null
              ? ''
              : `, still running: for ${duration(Math.max(0, secondsBetween(incident.running_since, now)))}`}
          </dd>
        </>
      )}
      <dt>Times seen</dt>
      <dd>{grouped(incident.occurrences)}</dd>
    </dl>
  </section>
)

const Timeline = ({ incident }: { incident: Incident }) => (
  <section class="panel" aria-label="Timeline">
    <h2>Timeline</h2>
    <ol class="timeline">
      {incident.events.map(({ kind, at, by, text }) => (
        <li>
          <Moment at={at} /> <strong>{kind}</strong>
          {by === null ? '' : ` by ${by}`}
          {text === null ? '' : `: ${text}`}
        </li>
      ))}
    </ol>
  </section>
)

const Effects = ({ incident: { effects } }: { incident: Incident }) =>
  effects.length === 0 ? null : (
    <>
      <h2>What it causes</h2>
      <ul>
        {effects.map(({ id, kind, state, pipeline_name }) => (
          <li>
            <a href={`/incidents/${id}`}>{pipeline_name}</a> <Badge state={wordOf(kind)} /> <Badge state={state} />
          </li>
        ))}
      </ul>
    </>
  )

const Affected = ({ incident: { affected } }: { incident: Incident }) => {
  const [written] = affected.items.filter(({ type, distance }) => type === 'address' && distance === 0)
  return (
    <>
      <h2>Downstream</h2>
      {affected.pipelines === 0 && affected.addresses === 0 ? (
        <p class="soft">Its lineage is not known, so nobody can say what lies downstream.</p>
      ) : (
        <>
          <p>
            {grouped(affected.pipelines)} {affected.pipelines === 1 ? 'pipeline' : 'pipelines'} and {grouped(affected.addresses)}{' '}
            {affected.addresses === 1 ? 'address' : 'addresses'}
            {affected.left_out > 0 ? `, of which ${grouped(affected.left_out)} are not listed` : ''}.{' '}
            {written ? <a href={`/lineage-graph?address=${written.id}&direction=downstream`}>See it with all ways</a> : null}
          </p>
          {written ? <Drawing name={written.name} from={`/lineage-graph/graph?address=${written.id}&direction=downstream`} /> : null}
          <Table label="Downstream" isStacked columns={['Name', 'What', { number: 'Distance' }, 'Wrong now']}>
            {affected.items.map(({ type, id, name, distance, incidents }) => (
              <tr>
                <th scope="row" class="what">
                  <a href={type === 'pipeline' ? `/pipelines/${id}` : `/lineage-graph?address=${id}`}>{name}</a>
                </th>
                <td data-label="What">{type}</td>
                <td data-label="Distance" class="number">
                  {grouped(distance)}
                </td>
                <td data-label={incidents.length === 0 ? undefined : 'Wrong now'}>
                  {incidents.map((kind) => (
                    <Badge state={wordOf(kind)} />
                  ))}
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  )
}
