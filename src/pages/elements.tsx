import type { Child } from 'hono/jsx'
import { stringifyJson } from '../core/json.ts'
import { LAST_PAGE } from './fields.ts'

/** What pages show again and again: moments, durations, numbers, outcomes, buttons that ask first. */

/** Grouped, with at most two decimals; a dash where there is none. */
export const grouped = (value: number | null | undefined, decimals = 0): string =>
  value === null || value === undefined ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: decimals })

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** Of what may be a fraction: digits that say something. */
export const roughly = (value: number): string => grouped(value, Math.abs(value) >= 100 ? 0 : 2)

/** In its two largest units: `2 h 5 min`, `41 s`; below ten seconds with a decimal. */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${grouped(seconds, seconds < 1 ? 2 : 1)} s`
  let left = Math.round(seconds)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** How long ago, as one says it: in the largest unit. */
const age = (seconds: number): string => {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1]
  return `${grouped(Math.floor(seconds / size))} ${unit} ago`
}

/** Seconds between two instants. */
export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000

/** A moment: UTC as it is sent, the reader's own zone once page.js has seen it, UTC on hover. `ago` says how long it is past. */
export const Moment = ({ at, as = 'moment', now }: { at: string | null; as?: 'moment' | 'ago'; now?: string }) => {
  if (at === null) return <span>–</span>
  const utc = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`
  const shown = as === 'ago' && now ? age(Math.max(0, secondsBetween(at, now))) : `${utc.slice(0, 16)} UTC`
  return (
    <time datetime={at} title={utc} data-as={as}>
      {shown}
    </time>
  )
}

/** What became of a run, or what is wrong with a pipeline: a word, a sign, a colour. */
export const STATES = {
  failed: { sign: '✕', word: 'failed' },
  overdue: { sign: '!', word: 'overdue' },
  stale: { sign: '~', word: 'stale' },
  anomalous: { sign: '≠', word: 'anomalous' },
  running: { sign: '▶', word: 'running' },
  succeeded: { sign: '✓', word: 'succeeded' },
  waiting: { sign: '…', word: 'waiting' },
  inactive: { sign: '‖', word: 'inactive' },
  idle: { sign: '·', word: 'no run' },
} as const

export type State = keyof typeof STATES

export const Badge = ({ state, children }: { state: State; children?: Child }) => (
  <span class={`badge ${state}`}>
    <span aria-hidden="true">{STATES[state].sign}</span> {children ?? STATES[state].word}
  </span>
)

/** A button that asks first, then sends this to the API as the person who is signed in, and shows what has become of it. */
export const Action = (props: { method?: 'POST' | 'PATCH'; path: string; body?: unknown; ask: string; done?: string; children: Child }) => (
  <button
    type="button"
    class="action"
    data-method={props.method ?? 'POST'}
    data-path={props.path}
    data-body={props.body === undefined ? undefined : JSON.stringify(props.body)}
    data-ask={props.ask}
    data-done={props.done}
  >
    {props.children}
  </button>
)

export const Empty = ({ title, children }: { title: string; children: Child }) => (
  <section class="empty">
    <h2>{title}</h2>
    {children}
  </section>
)

/** A table that scrolls by itself on a narrow screen, also by keyboard. */
export const Scrolled = ({ label, children }: { label: string; children: Child }) => (
  <section class="scrolled" aria-label={label} tabindex={0}>
    {children}
  </section>
)

/** Rows under these headings; those of numbers stand at the right. */
export const Table = ({ label, columns, children }: { label: string; columns: (string | { number: string })[]; children: Child }) => (
  <Scrolled label={label}>
    <table>
      <thead>
        <tr>{columns.map((column) => (typeof column === 'string' ? <th>{column}</th> : <th class="number">{column.number}</th>))}</tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </Scrolled>
)

/** The types of pipelines, to choose one from in a form. */
export const TypeChoice = ({ types, chosen }: { types: { id: number; name: string }[]; chosen: number | undefined }) => (
  <label>
    Type
    <select name="type">
      <option value="">all</option>
      {types.map(({ id, name }) => (
        <option value={String(id)} selected={id === chosen}>
          {name}
        </option>
      ))}
    </select>
  </label>
)

/** Contents for a script of ours: data, never run. */
export const Embedded = ({ id, value }: { id: string; value: unknown }) => (
  <script id={id} type="application/json" dangerouslySetInnerHTML={{ __html: stringifyJson(value).replaceAll('<', '\\u003c') }} />
)

/** Earlier and later pages of a list, by the query of their addresses. */
export const Pager = ({ page, hasMore, link }: { page: number; hasMore: boolean; link: (page: number) => string }) =>
  page === 1 && !hasMore ? null : (
    <nav class="pager" aria-label="More rows">
      {page > 1 ? <a href={link(page - 1)}>← Page {page - 1}</a> : <span />}
      <span>Page {grouped(page)}</span>
      {hasMore && page < LAST_PAGE ? (
        <a href={link(page + 1)}>Page {page + 1} →</a>
      ) : (
        <span>{hasMore ? 'The rest: narrow it down' : ''}</span>
      )}
    </nav>
  )
