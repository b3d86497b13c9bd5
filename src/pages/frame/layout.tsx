import type { Child } from 'hono/jsx'
import type { Caller } from '../../http/access.ts'
import { Head } from './head.tsx'

/** The pages in the navigation. */
const SECTIONS = [
  { name: 'Overview', path: '/overview' },
  { name: 'Incidents', path: '/incidents' },
  { name: 'Runs', path: '/runs' },
  { name: 'Pipelines', path: '/pipelines' },
  { name: 'Schedule', path: '/schedule' },
  { name: 'Lineage', path: '/lineage-graph' },
  { name: 'Reporting', path: '/reporting' },
  { name: 'Channels', path: '/channels' },
  { name: 'Monitoring', path: '/monitoring' },
  { name: 'Diagnostics', path: '/diagnostics' },
  { name: 'Docs', path: '/docs' },
] as const

export type Section = (typeof SECTIONS)[number]['name']

/** A page above this one. */
export interface Crumb {
  name: string
  path: string
}

interface LayoutProps {
  title: string
  section?: Section | undefined
  /** undefined if an error came before access was checked. */
  caller: Caller | undefined
  scripts: string[]
  styles: string[]
  refreshSeconds?: number | undefined
  above?: readonly Crumb[]
  /** Sentences about the address. */
  notes?: readonly string[]
  version: string | undefined
  children?: Child
}

/** The frame of every page. Scripts and styles are our own assets; without scripts everything but buttons, charts and drawings works. */
export const Layout = ({
  title,
  section,
  caller,
  scripts,
  styles,
  refreshSeconds,
  above = [],
  notes = [],
  version,
  children,
}: LayoutProps) => (
  <html lang="en">
    <Head title={title} styles={['frame', ...styles]} scripts={['frame', 'search', ...scripts]} version={version} />
    <body>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/overview">
          <img src="/static/favicon.svg" alt="" width="24" height="24" /> Watcher
        </a>
        <nav aria-label="Pages">
          {SECTIONS.map(({ name, path }) => (
            <a href={path} aria-current={name === section ? 'page' : undefined}>
              {name}
            </a>
          ))}
          <a href="/scalar">API</a>
        </nav>
        <search class="find">
          <form action="/pipelines">
            <input
              type="search"
              name="search"
              id="find"
              placeholder="Search  /"
              aria-label="Find anything"
              role="combobox"
              aria-expanded="false"
              aria-controls="find-results"
              aria-autocomplete="list"
              autocomplete="off"
              maxlength={150}
            />
            <div id="find-results" role="listbox" aria-label="Found" hidden />
          </form>
        </search>
        <div class="who">
          <span id="freshness" role="status" />
          {caller?.isKnown ? (
            <form method="post" action="/sign_out">
              <span>
                {caller.name}
                {caller.mayWrite ? '' : ' (read-only)'}
              </span>{' '}
              <button type="submit" class="quiet">
                Sign out
              </button>
            </form>
          ) : null}
        </div>
      </header>
      <main id="main" tabindex={-1} data-refresh={refreshSeconds}>
        {above.length === 0 ? null : (
          <nav class="crumbs" aria-label="Breadcrumbs">
            <ol>
              {above.map(({ name, path }) => (
                <li>
                  <a href={path}>{name}</a>
                </li>
              ))}
              <li aria-current="page">{title}</li>
            </ol>
          </nav>
        )}
        {notes.map((note) => (
          <p class="note" role="status">
            {note}
          </p>
        ))}
        {children}
      </main>
      <dialog id="confirm" aria-labelledby="confirm-text">
        <form method="dialog">
          <p id="confirm-text" />
          <label id="confirm-note" hidden>
            Note (optional)
            <input type="text" maxlength={2000} />
          </label>
          <p id="confirm-fault" class="fault" role="alert" />
          <menu>
            {/* Not of the type submit: Enter in the note confirms. */}
            <button type="button" id="confirm-no" class="quiet">
              Cancel
            </button>
            <button type="submit" value="yes" id="confirm-yes">
              Confirm
            </button>
          </menu>
        </form>
      </dialog>
    </body>
  </html>
)
