import { Action } from './elements.tsx'

/** What a person can do with an incident that is not over. `about` names it in the question. */
export const IncidentActions = ({ id, state, about }: { id: number; state: string; about: string }) =>
  state === 'resolved' ? null : (
    <>
      {state === 'open' ? (
        <Action
          path={`/incident/${id}/acknowledge`}
          ask={`Tell the others that you have this one (${about})?`}
          done="Acknowledged"
          takesNote
        >
          Acknowledge
        </Action>
      ) : null}{' '}
      <Action
        path={`/incident/${id}/resolve`}
        ask={`Resolve this one (${about})? It comes back only with another run or change.`}
        done="Resolved"
        takesNote
      >
        Resolve
      </Action>
    </>
  )
