import { Moment } from '../frame/elements.tsx'

/** The texts that came with the pings of a run. */
export const Log = ({ logs, isOpen }: { logs: { source: string; received_at: string; body: string }[]; isOpen: boolean }) =>
  logs.length === 0 ? null : (
    <details open={isOpen}>
      <summary>Log</summary>
      {logs.map(({ source, received_at, body }) => (
        <>
          <p class="soft">
            <Moment at={received_at} /> · {source}
          </p>
          <pre>{body}</pre>
        </>
      ))}
    </details>
  )
