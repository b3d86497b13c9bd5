import type { Child } from 'hono/jsx'

/**
 * Where the script `lineage-graph` draws the lineage of an address: of the data that the page holds (`children`), or that it asks for
 * (`from`, an address of this service). A page with `from` does not name the script: it is loaded when the drawing comes into sight.
 */
export const Drawing = ({ name, from, legend, children }: { name: string; from?: string; legend?: Child; children?: Child }) => (
  <section class="drawing" aria-label="Drawing">
    <div class="bar">
      {legend}
      <div class="zoom" id="zoom" data-drawn />
    </div>
    <fieldset
      class="graph"
      id="graph"
      data-drawn
      data-from={from}
      aria-label={`Graph of the lineage of ${name}; the list shows the same`}
    />
    <p class="soft touch">Two fingers move and zoom the drawing.</p>
    <noscript>
      <p>The drawing needs scripts; the list shows the same.</p>
    </noscript>
    {children}
  </section>
)
