import type { Child } from 'hono/jsx'

/** What a page shows instead of its contents, and what people copy from it: a command, a request id. */

/** Nothing to show: says why, and `children` are the one next step. */
export const Empty = ({ title, children }: { title: string; children: Child }) => (
  <section class="empty">
    <h2>{title}</h2>
    {children}
  </section>
)

/** A command to run, with a button that copies it. */
export const Command = ({ children }: { children: string }) => (
  <div class="command">
    <pre>{children}</pre>
    <CopyButton text={children} label="Copy the command" />
  </div>
)

/** Copies the text. Where the browser does not let a script copy (a page without https), it selects the element before it. */
export const CopyButton = ({ text, label }: { text: string; label: string }) => (
  <button type="button" class="copy quiet" data-copy={text} aria-label={label}>
    Copy
  </button>
)
