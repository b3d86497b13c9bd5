import type { Child } from 'hono/jsx'
import { Head } from '../frame/head.tsx'
import { SIGN_IN } from './paths.ts'

interface SignInProps {
  /** The page after the sign-in. */
  next: string
  /** Why the last attempt was refused; empty: there was none. */
  fault: string
  version: string | undefined
}

/** Asks for the token. It has a frame of its own: the other pages cannot be read yet, so it does not link them. */
export const SignInPage = ({ next, fault, version }: SignInProps) => (
  <Frame title="Sign in" version={version}>
    <form method="post" action={SIGN_IN}>
      <h1>Sign in to Watcher</h1>
      <p class="soft">Did each pipeline run, was it on time, what did it touch?</p>
      <label for="token">Access token</label>
      <input
        id="token"
        name="token"
        type="password"
        autocomplete="current-password"
        required
        autofocus
        aria-describedby={fault === '' ? 'hint' : 'fault hint'}
        aria-invalid={fault === '' ? undefined : 'true'}
      />
      {fault === '' ? null : (
        <p id="fault" class="fault" role="alert">
          {fault}
        </p>
      )}
      <small id="hint">A token from WATCHER_API_TOKENS, without its name.</small>
      <input type="hidden" name="next" value={next} />
      <button type="submit">Sign in</button>
    </form>
    <p class="soft">
      No token yet? Ask whoever operates this server; the guide <a href="/docs/access">access</a> says how to make one.
    </p>
  </Frame>
)

/** A deployment without tokens is open: there is nothing to sign in with. */
export const OpenPage = ({ next, version }: Omit<SignInProps, 'fault'>) => (
  <Frame title="Sign in" version={version}>
    <h1>This server is open to everybody</h1>
    <p>
      It has no tokens, so nobody signs in. The guide <a href="/docs/access">access</a> says how to change that.
    </p>
    <p>
      <a class="button" href={next}>
        Open the pages
      </a>
    </p>
  </Frame>
)

const Frame = ({ title, version, children }: { title: string; version: string | undefined; children: Child }) => (
  <html lang="en">
    <Head title={title} styles={['frame', 'sign-in']} version={version} />
    <body>
      <main>
        <img src="/static/favicon.svg" alt="" width="40" height="40" />
        {children}
      </main>
    </body>
  </html>
)
