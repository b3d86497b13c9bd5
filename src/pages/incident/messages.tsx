import type { FoundIncident } from '../../incidents/queries.ts'
import { Action, Badge, Moment, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'

/** Who was told of an incident, and whether it arrived; or why nobody was. */
export const Messages = ({ incident: { notifications, caused_by, silence }, caller }: ViewScope<unknown> & { incident: FoundIncident }) => (
  <>
    <h2>Messages</h2>
    {notifications.length === 0 ? (
      <p class="soft">
        {silence !== null ? (
          'Nobody was told yet: a silence holds the messages.'
        ) : caused_by !== null ? (
          <>
            Nobody was told of this one: it is folded under <a href={`/incidents/${caused_by}`}>its cause</a>.
          </>
        ) : (
          <>
            Nobody was told. See <a href="/channels">the channels</a>.
          </>
        )}
      </p>
    ) : (
      <Table label="Messages" isStacked columns={['Channel', 'Event', 'State', 'Sent', 'Error', ...(caller.mayWrite ? ['Action'] : [])]}>
        {notifications.map(({ id, channel_name, event, state, error, sent_at }) => (
          <tr>
            <th scope="row">{channel_name}</th>
            <td data-label="Event">{event}</td>
            <td data-label="State">
              <Badge state={state} />
            </td>
            <td data-label="Sent">
              <Moment at={sent_at} />
            </td>
            <td data-label={state === 'sent' || error === null ? undefined : 'Error'} class="why">
              {state === 'sent' ? '' : (error ?? '')}
            </td>
            {caller.mayWrite ? (
              <td>
                {state === 'failed' ? (
                  <Action
                    path={`/notification/${id}/replay`}
                    ask={`Send this message to ${channel_name} again?`}
                    done="It waits to be sent"
                  >
                    Send again
                  </Action>
                ) : null}
              </td>
            ) : null}
          </tr>
        ))}
      </Table>
    )}
  </>
)
