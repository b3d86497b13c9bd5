import { duration, secondsBetween } from '../../core/figures.ts'
import { SEVERITIES } from '../../db/constraints.ts'
import type { listIncidents } from '../../incidents/queries.ts'
import { Badge, Empty, Moment, Owner, Table } from '../frame/elements.tsx'
import { Choice, FilterBar, OwnerFilters } from '../frame/filters.tsx'
import { IncidentActions, SilenceActions } from '../frame/incident-actions.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { INCIDENT_KINDS, wordOf } from '../frame/problems.ts'

export const SHOWN = ['open', 'resolved', 'all'] as const
/** The states of incidents that a choice shows. */
export const STATES_SHOWN: Record<(typeof SHOWN)[number], ('open' | 'acknowledged' | 'resolved')[] | undefined> = {
  open: ['open', 'acknowledged'],
  resolved: ['resolved'],
  all: undefined,
}

interface Query {
  show: (typeof SHOWN)[number]
  kind?: string | undefined
  severity?: string | undefined
  owner: string
  tag: string
  pipeline?: number | undefined
  before?: number | undefined
}
type Loaded = Awaited<ReturnType<typeof listIncidents>>
type Scope = ViewScope<Query>

/** What is wrong, or was, the newest first. */
export const IncidentsPage = ({ incidents, next }: Loaded, scope: Scope) => {
  const { query, now, link } = scope
  return (
    <>
      <div class="row">
        <h1>Incidents</h1>
        <small>
          As of <Moment at={now} />
        </small>
      </div>
      <Filters query={query} />
      {incidents.length === 0 ? <Nothing query={query} /> : <Incidents incidents={incidents} {...scope} />}
      {next === null ? null : (
        <nav class="pager" aria-label="More rows">
          <span />
          <a href={link({ before: next })}>Older incidents →</a>
        </nav>
      )}
    </>
  )
}

const Nothing = ({ query }: { query: Query }) => {
  const isPlain =
    query.show === 'open' && [query.kind, query.severity, query.owner, query.tag, query.pipeline, query.before].every((value) => !value)
  return isPlain ? (
    <Empty title="Nothing is wrong">
      <p>
        Incidents appear here when a run fails, a check finds something, or Watcher falls behind. See{' '}
        <a href="/incidents?show=all">earlier ones</a>.
      </p>
    </Empty>
  ) : (
    <Empty title="No incident matches these filters">
      <p>
        <a href="/incidents">Show all open incidents</a>
      </p>
    </Empty>
  )
}

const Filters = ({ query }: { query: Query }) => (
  <FilterBar action="/incidents">
    <Choice label="Show" name="show" options={SHOWN} chosen={query.show} />
    <Choice
      label="Kind"
      name="kind"
      all="all"
      options={INCIDENT_KINDS.map(({ kind }) => [kind, wordOf(kind)] as const)}
      chosen={query.kind}
    />
    <Choice label="Severity" name="severity" all="all" options={SEVERITIES} chosen={query.severity} />
    <OwnerFilters query={query} />
  </FilterBar>
)

/** Pages follow the order in which incidents were noticed; within one the column that is shown decides. */
const byOpened = (left: { opened_at: string }, right: { opened_at: string }): number => (left.opened_at < right.opened_at ? 1 : -1)

/** What another one on the page has caused stands below that; what is over may be caused by what has got a cause later. */
const folded = (incidents: Loaded['incidents']): Loaded['incidents'] => {
  const known = new Set(incidents.map(({ id }) => id))
  const sorted = incidents.toSorted(byOpened)
  const withEffects = (root: Loaded['incidents'][number]): Loaded['incidents'] => [
    root,
    ...sorted.filter(({ caused_by }) => caused_by === root.id).flatMap(withEffects),
  ]
  return sorted.filter(({ caused_by }) => caused_by === null || !known.has(caused_by)).flatMap(withEffects)
}

const nameOf = (incidents: Loaded['incidents'], id: number): string =>
  incidents.find((incident) => incident.id === id)?.pipeline_name ?? `incident ${id}`

const Incidents = ({ incidents, now, caller }: Scope & { incidents: Loaded['incidents'] }) => (
  <Table
    label="Incidents"
    isStacked
    columns={['What', 'Pipeline', 'State', 'Since', 'Lasted', 'Owner', ...(caller.mayWrite ? ['Actions'] : [])]}
  >
    {folded(incidents).map((incident) => (
      <tr id={`incident-${incident.id}`} class={incident.caused_by === null ? undefined : 'effect'}>
        <th scope="row" class="summary">
          <Badge state={wordOf(incident.kind)} /> {incident.severity === 'critical' ? <Badge state="critical" /> : null}{' '}
          <a href={`/incidents/${incident.id}`}>{incident.summary}</a>{' '}
          {incident.caused_by === null ? null : (
            <small>
              caused by <a href={`/incidents/${incident.caused_by}`}>{nameOf(incidents, incident.caused_by)}</a>
            </small>
          )}
        </th>
        <td data-label="Pipeline">
          {incident.pipeline_id === null ? 'Watcher itself' : <a href={`/pipelines/${incident.pipeline_id}`}>{incident.pipeline_name}</a>}
        </td>
        <td data-label="State">
          <Badge state={incident.state} /> {incident.state === 'acknowledged' ? <small>{incident.acknowledged_by} has it</small> : null}
        </td>
        <td data-label="Since" class="moment">
          <Moment at={incident.opened_at} />
        </td>
        <td data-label="Lasted" class="moment">
          {duration(Math.max(0, secondsBetween(incident.opened_at, incident.resolved_at ?? now)))}
        </td>
        <td data-label="Owner">
          <Owner owner={incident.owner} />
        </td>
        {caller.mayWrite ? (
          <td class="actions">
            <IncidentActions incident={incident} />
            {incident.state === 'resolved' ? null : (
              <details>
                <summary>Silence</summary>
                <SilenceActions incident={incident} />
              </details>
            )}
          </td>
        ) : null}
      </tr>
    ))}
  </Table>
)
