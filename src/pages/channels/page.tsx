import { Action, Badge, Moment, Table } from '../frame/elements.tsx'
import { Command } from '../frame/empty.tsx'
import type { ViewScope } from '../frame/page.tsx'
import type { Channels } from './queries.ts'

type Row = Channels['channels'][number]
type Last = Row['last']
type Scope = ViewScope<unknown>

/** Where people are told of incidents, and whether it arrives. */
export const ChannelsPage = ({ channels, environment, hasSlack }: Channels & { hasSlack: boolean }, scope: Scope) => (
  <>
    <h1>Channels</h1>
    {channels.some(({ active }) => active) || hasSlack ? null : (
      <p class="panel" role="alert">
        <strong>Alerts go nowhere but the log.</strong> Create a channel as below, or set SLACK_WEBHOOK_URL.
      </p>
    )}
    <Table
      label="Channels"
      isStacked
      columns={['Channel', 'Kind', 'Hears of', 'Last delivery', ...(scope.caller.mayWrite ? ['Actions'] : [])]}
    >
      <tr>
        <th scope="row">{hasSlack ? 'slack' : 'log'}</th>
        <td data-label="Kind">{hasSlack ? 'slack' : 'log'}</td>
        <td data-label="Hears of">{hasSlack ? 'everything (SLACK_WEBHOOK_URL)' : 'everything, while there is no other channel'}</td>
        <td data-label="Last delivery">
          <Delivery last={environment} {...scope} />
        </td>
        {scope.caller.mayWrite ? <td /> : null}
      </tr>
      {channels.map((channel) => (
        <Channel channel={channel} {...scope} />
      ))}
    </Table>
    <h2>Create a channel</h2>
    <p>
      With <code>POST /channel</code>: the guide <a href="/docs/channels">channels</a> says for each kind what to create on the other side.
    </p>
    <Command>{`curl -X POST '${scope.origin}/channel' -H 'Content-Type: application/json'${scope.caller.isKnown ? " -H 'Authorization: Bearer <token>'" : ''} \\
  -d '{"name": "on-call", "kind": "slack", "settings": {"webhook_url": "https://hooks.slack.com/services/…"}}'`}</Command>
  </>
)

const Channel = ({ channel, ...scope }: Scope & { channel: Row }) => (
  <tr>
    <th scope="row">{channel.name}</th>
    <td data-label="Kind">{channel.kind}</td>
    <td data-label="Hears of">{channel.active ? filtersOf(channel) : <Badge state="inactive" />}</td>
    <td data-label="Last delivery">
      <Delivery last={channel.last} {...scope} />
    </td>
    {scope.caller.mayWrite ? (
      <td>
        <Action path={`/channel/${channel.id}/test`} ask={`Send a test message to ${channel.name}?`} shows="answer">
          Test
        </Action>{' '}
        <Action
          method="PATCH"
          path="/channel"
          body={{ id: channel.id, active: !channel.active }}
          ask={channel.active ? `Stop telling ${channel.name}?` : `Tell ${channel.name} again?`}
        >
          {channel.active ? 'Deactivate' : 'Activate'}
        </Action>
      </td>
    ) : null}
  </tr>
)

const filtersOf = ({ min_severity, kinds, owners, tags, pipeline_type_ids }: Row): string => {
  const parts = [
    ...(min_severity === 'critical' ? ['only critical'] : []),
    ...(kinds ? [`kinds ${kinds.join(', ')}`] : []),
    ...(owners ? [`owners ${owners.join(', ')}`] : []),
    ...(tags ? [`tags ${tags.join(', ')}`] : []),
    ...(pipeline_type_ids ? [`types ${pipeline_type_ids.join(', ')}`] : []),
  ]
  return parts.length === 0 ? 'everything' : parts.join('; ')
}

const Delivery = ({ last, now }: Scope & { last: Last }) => {
  if (!last) return <>none yet</>
  return (
    <>
      <Badge state={last.state} /> <Moment at={last.at} as="ago" now={now} />{' '}
      <a href={`/incidents/${last.incident_id}`}>incident {last.incident_id}</a>
      {last.is_failing ? <strong> failing: the last five deliveries failed</strong> : null}
      {last.state !== 'sent' && last.error ? <p class="why">{last.error}</p> : null}
    </>
  )
}
