import { grouped } from '../../core/figures.ts'
import { Drawing } from '../frame/drawing.tsx'
import { Embedded, Empty } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import type { Chosen } from './chosen.ts'
import { AddressList, Name } from './list.tsx'
import { Legend } from './marks.tsx'
import { type CountedGraph, DIRECTIONS, type Found, MAX_EDGES } from './queries.ts'
import type { GraphAddress } from './shape.ts'

interface Loaded {
  chosen: Chosen
  found: Found[]
  graph: CountedGraph | undefined
}
type Scope = ViewScope<unknown>

export const LineagePage = ({ chosen, found, graph }: Loaded, { link }: Scope) => (
  <>
    <h1>{graph ? <Name name={graph.addresses[0]?.name ?? ''} /> : 'Lineage'}</h1>
    <Search centre={graph?.addresses[0]} chosen={chosen} />
    {chosen.faults.length > 0 ? (
      <p class="fault" role="alert">
        {chosen.faults.join(' ')}
      </p>
    ) : null}
    {graph ? <Lineage graph={graph} chosen={chosen} link={link} /> : <Choice found={found} search={chosen.search} link={link} />}
  </>
)

const Search = ({ centre, chosen }: { centre: GraphAddress | undefined; chosen: Chosen }) => (
  <form class="filters" action="/lineage-graph">
    <label>
      Address
      <input
        type="search"
        name="search"
        id="address-search"
        list="addresses"
        size={40}
        value={centre?.name ?? chosen.search}
        placeholder="part of its name"
        autocomplete="off"
      />
      <datalist id="addresses" />
    </label>
    <label>
      Direction
      <select name="direction">
        {DIRECTIONS.map((direction) => (
          <option value={direction} selected={direction === chosen.direction}>
            {direction}
          </option>
        ))}
      </select>
    </label>
    <label>
      Depth
      <input type="number" name="depth" min="1" max="50" value={String(chosen.depth)} />
    </label>
    <label>
      Only paths to
      <input type="search" name="target" value={chosen.target} placeholder="part of a name" />
    </label>
    <button type="submit">Show</button>
  </form>
)

const Choice = ({ found, search, link }: { found: Found[]; search: string; link: Scope['link'] }) =>
  found.length === 0 ? (
    <Empty title={search === '' ? 'No lineage yet' : `No address contains “${search}”`}>
      <p>
        {search === '' ? 'Record what a pipeline reads and writes with ' : 'Check the spelling. New addresses are recorded with '}
        <code>POST /address_lineage</code>: see the <a href="/scalar">API docs</a>.
      </p>
    </Empty>
  ) : (
    <>
      <h2>{search === '' ? 'Most used source addresses' : `Addresses that contain “${search}”`}</h2>
      <ul>
        {found.map(({ id, name, type }) => (
          <li>
            <a href={link({ address: id, search: undefined })}>{name}</a> <small>{type}</small>
          </li>
        ))}
      </ul>
    </>
  )

const Lineage = ({ graph, chosen: { depth }, link }: { graph: CountedGraph; chosen: Chosen; link: Scope['link'] }) => {
  const { addresses, total } = graph
  const edges = graph.edges.slice(0, MAX_EDGES)
  const countOf = (side: string) => grouped(addresses.filter((address) => address.side === side).length)
  return (
    <>
      <p>
        {countOf('upstream')} upstream, {countOf('downstream')} downstream
        {depth < 50 ? `, at most ${depth} ${depth === 1 ? 'step' : 'steps'} away` : ''}.{' '}
        {total > addresses.length ? (
          <strong>
            Only the nearest {grouped(addresses.length)} of {grouped(total)} addresses are shown: reduce the depth, choose one direction, or
            use “Only paths to”.
          </strong>
        ) : null}
        {graph.edges.length > MAX_EDGES ? <strong>Only {grouped(MAX_EDGES)} of the edges between them are shown.</strong> : null}
        {addresses.length === 1 ? ' No other address is in this view: try a larger depth or another direction.' : null}
      </p>
      <div class="lineage">
        <AddressList graph={{ ...graph, edges }} link={link} />
        <Drawing name={addresses[0]?.name ?? ''} legend={<Legend />}>
          <Embedded id="lineage-graph" value={{ addresses, edges, pipelines: graph.pipelines }} />
        </Drawing>
      </div>
    </>
  )
}
