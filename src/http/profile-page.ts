import { html, raw } from 'hono/html'
import { SLOW_MILLIS, type Span } from './profile.ts'

interface Profiled {
  tree: Span
  status: number
  /** The body of the answer. */
  body: string
  sentAfterwards: readonly number[]
  nonce: string
}

const MAX_BODY = 20_000

/** The profile of one request as a self-contained page. It shows the tree without its script; the script adds search. */
export const renderProfile = ({ tree, status, body, sentAfterwards, nonce }: Profiled) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/favicon.svg">
<title>${tree.name} · ${tree.millis} ms · Watcher profile</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
  <h1>${tree.name}</h1>
  <p>Answered <strong>${status}</strong> in <strong>${tree.millis} ms</strong>. This was a real request: its changes are stored.</p>
  <p>
    <input id="search" type="search" placeholder="Search names and SQL" aria-label="Search names and SQL">
    <button id="expand" type="button">Expand all</button>
    <button id="collapse" type="button">Collapse all</button>
    <span id="found" role="status"></span>
  </p>
</header>
<main>
${renderSpan(tree, tree)}
<h2>After the answer</h2>
${sentAfterwards.length === 0 ? html`<p>Nothing was sent to the queue.</p>` : html`<p>Sent to the queue: job ${sentAfterwards.join(', ')}. The answer did not wait for it.</p>`}
<h2>The answer</h2>
<pre id="answer">${body.slice(0, MAX_BODY)}${body.length > MAX_BODY ? html`<em> … and ${body.length - MAX_BODY} more characters</em>` : ''}</pre>
<h2>Not measured</h2>
<p>The platform's clock stands still between two waits. A step that only computes therefore shows 0 ms, and its time counts for the step
around it. A request cannot measure its own memory, or its CPU time by function: <code>npm run bench</code> and
<code>wrangler check startup</code> measure them from outside.</p>
</main>
<script nonce="${nonce}">${raw(SCRIPT)}</script>
</body>
</html>`

const renderSpan = (span: Span, whole: Span): ReturnType<typeof html> => {
  const isSlow = span.statements !== undefined && span.millis >= SLOW_MILLIS
  const percent = (millis: number) => (whole.millis > 0 ? Math.min(100, (100 * millis) / whole.millis) : 0).toFixed(1)
  return html`<details class="span${isSlow ? ' slow' : ''}" open>
<summary><span class="name">${span.name}</span>${isSlow ? html` <strong class="badge">slow</strong>` : ''}
<span class="millis">${span.millis} ms${span.rows === undefined ? '' : ` · ${span.rows} row${span.rows === 1 ? '' : 's'}`}</span>
<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect x="${percent(span.begunMillis)}" width="${percent(Math.max(span.millis, whole.millis / 200))}" height="1"/></svg></summary>
${(span.statements ?? []).map((statement) => html`<pre class="sql">${statement.trim()}</pre>`)}
${span.parts.map((part) => renderSpan(part, whole))}
</details>`
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; --line: #8885; --bar: #2457c5; --slow: #c0262d; }
@media (prefers-color-scheme: dark) { :root { --bar: #7ea6ff; --slow: #ff8a8a; } }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
details.span { border-left: 2px solid var(--line); padding-left: .75rem; margin: .25rem 0; }
summary { cursor: pointer; } .millis { float: right; font-variant-numeric: tabular-nums; }
.bar { display: block; width: 100%; height: 4px; } .bar rect { fill: var(--bar); }
.slow > summary .bar rect { fill: var(--slow); } .badge { color: var(--slow); }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .375rem; padding: .5rem; font-size: .85rem; }
input, button { font: inherit; padding: .25rem .5rem; } [hidden] { display: none; }
`

/** Shows the spans that contain the searched text, with the spans around them. */
const SCRIPT = `
const spans = [...document.querySelectorAll('details.span')]
const search = document.getElementById('search')
const found = document.getElementById('found')
const own = (span) => [...span.children].filter((child) => !child.matches('details')).map((child) => child.textContent).join(' ').toLowerCase()
const apply = () => {
  const text = search.value.trim().toLowerCase()
  const hits = spans.filter((span) => text === '' || own(span).includes(text))
  for (const span of spans) span.hidden = !hits.some((hit) => span === hit || span.contains(hit))
  found.textContent = text === '' ? '' : hits.length + ' found'
  if (text !== '') for (const span of spans) span.open = true
}
search.addEventListener('input', apply)
document.getElementById('expand').addEventListener('click', () => { for (const span of spans) span.open = true })
document.getElementById('collapse').addEventListener('click', () => { for (const span of spans) span.open = false })
`
