import type { Child } from 'hono/jsx'
import { age, grouped, secondsBetween } from '../../core/figures.ts'
import { stringifyJson } from '../../core/json.ts'
import { LAST_PAGE } from './fields.ts'
import { PROBLEMS } from './problems.ts'

export { Empty } from './empty.tsx'

/** Elements that several pages use: moments, badges, buttons that ask first, tables. */

/** A moment. The server sends UTC; the frame's script shows the reader's time zone, with UTC on hover. `ago` shows the time since `at`. */
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

/** The state of a run, a job or a pipeline: a word, a sign, a colour. */
const STATES = {
  failed: { sign: '✕', word: 'failed', tone: 'failed' },
  running: { sign: '▶', word: 'running', tone: 'running' },
  succeeded: { sign: '✓', word: 'succeeded', tone: 'succeeded' },
  waiting: { sign: '…', word: 'waiting', tone: 'waiting' },
  inactive: { sign: '‖', word: 'inactive', tone: 'inactive' },
  ok: { sign: '✓', word: 'ok', tone: 'succeeded' },
  idle: { sign: '·', word: 'no run', tone: 'idle' },
  critical: { sign: '‼', word: 'critical', tone: 'failed' },
  warning: { sign: '!', word: 'warning', tone: 'late' },
  open: { sign: '●', word: 'open', tone: 'failed' },
  acknowledged: { sign: '◐', word: 'acknowledged', tone: 'late' },
  resolved: { sign: '✓', word: 'resolved', tone: 'succeeded' },
  'unusually long': { sign: '»', word: 'unusually long', tone: 'late' },
  'no rows': { sign: '∅', word: 'no rows', tone: 'anomalous' },
  silenced: { sign: '⊘', word: 'silenced', tone: 'idle' },
  muted: { sign: '⊘', word: 'muted', tone: 'idle' },
  queue: { sign: '≡', word: 'queue', tone: 'late' },
  sending: { sign: '…', word: 'sending', tone: 'waiting' },
  sent: { sign: '✓', word: 'sent', tone: 'succeeded' },
  dropped: { sign: '–', word: 'dropped', tone: 'idle' },
}

/** A problem of a run or a pipeline has the badge of what found it: a check or a feature. */
const BADGES: Record<string, { sign: string; word: string; tone: string }> = {
  ...Object.fromEntries(PROBLEMS.map(({ badge }) => [badge.word, badge])),
  ...STATES,
}
const badgeOf = (state: string) => BADGES[state] ?? STATES.idle

/** The colour of a state: a CSS class of frame/style.css. */
export const toneOf = (state: string): string => badgeOf(state).tone

/** `state` is one of the states above, or the word of a check. */
export const Badge = ({ state, children }: { state: string; children?: Child }) => {
  const { sign, word, tone } = badgeOf(state)
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{sign}</span> {children ?? word}
    </span>
  )
}

/** A button that asks `ask` first, then calls the API with the reader's own token, and shows `done` or the API's error message. */
export const Action = (props: {
  method?: 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: unknown
  ask: string
  done?: string
  /** The reader may add a note, which goes into this field of the body. */
  noteField?: string
  /** The field `ends_at` of the body, which the browser fills in: so many hours from now, or the reader's next 09:00. */
  endsIn?: '2 h' | '24 h' | 'until 09:00'
  /** True if it takes something away: it looks like that. */
  isDanger?: boolean
  /** What the API answered is shown: the field of this name. */
  shows?: string
  children: Child
}) => (
  <button
    type="button"
    class={props.isDanger ? 'action danger' : 'action'}
    data-method={props.method ?? 'POST'}
    data-path={props.path}
    data-body={props.body === undefined ? undefined : JSON.stringify(props.body)}
    data-ask={props.ask}
    data-done={props.done}
    data-note={props.noteField}
    data-ends={props.endsIn}
    data-shows={props.shows}
  >
    {props.children}
  </button>
)

/** Contents that scroll by themselves if the screen is too narrow, also by keyboard. */
export const Scrolled = ({ label, children }: { label: string; children: Child }) => (
  <section class="scrolled" aria-label={label} tabindex={0}>
    {children}
  </section>
)

/** A heading: words; of a column of numbers, aligned to the right; or a link that sorts by the column. */
type Heading =
  | string
  | { number: string }
  | { words: string; href: string; sorted?: 'ascending' | 'descending' | undefined; isNumber?: boolean }

const HeadingCell = ({ heading }: { heading: Heading }) => {
  if (typeof heading === 'string') return <th>{heading}</th>
  if ('number' in heading) return <th class="number">{heading.number}</th>
  const { words, href, sorted, isNumber } = heading
  return (
    <th class={isNumber ? 'number' : undefined} aria-sort={sorted}>
      <a href={href}>
        {words}
        {sorted === undefined ? '' : sorted === 'ascending' ? ' ↑' : ' ↓'}
      </a>
    </th>
  )
}

/** A table with these headings. */
export const Table = ({
  label,
  columns,
  isStacked = false,
  children,
}: {
  label: string
  columns: readonly Heading[]
  /** True: on a phone each row is a card. Each cell then says in `data-label` what it is. */
  isStacked?: boolean
  children: Child
}) => (
  <Scrolled label={label}>
    <table class={isStacked ? 'stacked' : undefined}>
      <thead>
        <tr>
          {columns.map((heading) => (
            <HeadingCell heading={heading} />
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </Scrolled>
)

/** An owner, or none; a long address breaks after its @. */
export const Owner = ({ owner }: { owner: string | null }) => (
  <>
    {(owner ?? '–').split(/(?<=@)/).map((part, place) => (
      <>
        {place > 0 ? <wbr /> : null}
        {part}
      </>
    ))}
  </>
)

/** Data for one of our scripts; the browser does not execute it. */
export const Embedded = ({ id, value }: { id: string; value: unknown }) => (
  <script id={id} type="application/json" dangerouslySetInnerHTML={{ __html: stringifyJson(value).replaceAll('<', '\\u003c') }} />
)

/** Links to the previous and the next page of a list; `link` makes the address of a page. */
export const Pager = ({ page, hasMore, link }: { page: number; hasMore: boolean; link: (page: number) => string }) =>
  page === 1 && !hasMore ? null : (
    <nav class="pager" aria-label="More rows">
      {page > 1 ? <a href={link(page - 1)}>← Page {page - 1}</a> : <span />}
      <span>Page {grouped(page)}</span>
      {hasMore && page < LAST_PAGE ? (
        <a href={link(page + 1)}>Page {page + 1} →</a>
      ) : (
        <span>{hasMore ? 'This is the last page: use filters to see other rows' : ''}</span>
      )}
    </nav>
  )
