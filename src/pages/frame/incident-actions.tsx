import { Action } from './elements.tsx'

interface Subject {
  id: number
  kind: string
  state: string
  pipeline_id: number | null
  pipeline_name: string | null
}

/** What a person can do with an incident that is not over. */
export const IncidentActions = ({ incident: { id, kind, state, pipeline_name } }: { incident: Subject }) => {
  const about = pipeline_name ?? kind
  return state === 'resolved' ? null : (
    <>
      {state === 'open' ? (
        <Action
          path={`/incident/${id}/acknowledge`}
          ask={`Do you have this one (${about})? Reminders wait for a day, and pagers stop.`}
          done="Acknowledged"
          noteField="note"
        >
          Acknowledge
        </Action>
      ) : null}{' '}
      <Action
        path={`/incident/${id}/resolve`}
        ask={`Resolve this one (${about})? It comes back only with another run or change.`}
        done="Resolved"
        noteField="note"
      >
        Resolve
      </Action>
    </>
  )
}

/** Buttons that silence the pipeline of an incident, or its kind if it has none. */
export const SilenceActions = ({ incident: { kind, pipeline_id, pipeline_name } }: { incident: Subject }) => (
  <>
    {(['2 h', 'until 09:00', '24 h'] as const).map((endsIn) => (
      <Action
        path="/silence"
        body={{ ...(pipeline_id === null ? { kind } : { pipeline_id }), reason: 'Silenced on the page of an incident' }}
        ask={`Hold all messages about ${pipeline_name ?? kind} (${endsIn})? What is still wrong then is told at the end.`}
        done="Silenced"
        noteField="reason"
        endsIn={endsIn}
      >
        Silence {endsIn}
      </Action>
    ))}
  </>
)

/** All of these, folded: where many incidents stand side by side. */
export const Handle = ({ incident }: { incident: Subject }) => (
  <details class="handle">
    <summary>Handle</summary>
    <IncidentActions incident={incident} /> <SilenceActions incident={incident} />
  </details>
)
