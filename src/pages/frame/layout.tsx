import type { Child } from 'hono/jsx'
import type { Caller } from '../../http/access.ts'

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
  /** The deployment's version: a new deployment's pages must not run scripts that the browser has cached from an old one. */
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
}: LayoutProps) => {
  const asset = (name: string) => `/static/${name}${version ? `?v=${version}` : ''}`
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/static/favicon.svg" />
        <link rel="stylesheet" href={asset('frame.css')} />
        {styles.map((name) => (
          <link rel="stylesheet" href={asset(`${name}.css`)} />
        ))}
        <title>{title} · Watcher</title>
        <script type="module" src={asset('frame.js')} />
        <script type="module" src={asset('search.js')} />
        {scripts.map((name) => (
          <script type="module" src={asset(`${name}.js`)} />
        ))}
      </head>
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
              <button type="submit" value="no" class="quiet">
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
}
