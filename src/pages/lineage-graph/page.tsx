import { grouped } from '../../core/figures.ts'
import { Badge, Embedded, Empty, Table } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { PROBLEM_WORDS } from '../frame/problems.ts'
import { type CountedGraph, DIRECTIONS, type Direction, type Found, MAX_EDGES } from './queries.ts'

interface LineageQuery {
  address?: number | undefined
  search: string
  direction: Direction
  depth: number
  target: string
}
type Scope = ViewScope<LineageQuery>

export const LineagePage = ({ found, graph }: { found: Found[]; graph: CountedGraph | undefined }, scope: Scope) => (
  <>
    <h1>{graph?.addresses[0]?.name ?? 'Lineage'}</h1>
    <Search centre={graph?.addresses[0]} query={scope.query} />
    {graph ? <Drawing graph={graph} {...scope} /> : <Choice found={found} {...scope} />}
  </>
)

const Search = ({ centre, query }: { centre: CountedGraph['addresses'][number] | undefined; query: LineageQuery }) => (
  <form class="filters" action="/lineage-graph">
    <label>
      Address
      <input
        type="search"
        name="search"
        id="address-search"
        list="addresses"
        size={40}
        value={centre?.name ?? query.search}
        placeholder="part of its name"
        autocomplete="off"
      />
      <datalist id="addresses" />
    </label>
    <label>
      Direction
      <select name="direction">
        {DIRECTIONS.map((direction) => (
          <option value={direction} selected={direction === query.direction}>
            {direction}
          </option>
        ))}
      </select>
    </label>
    <label>
      Depth
      <input type="number" name="depth" min="1" max="50" value={String(query.depth)} />
    </label>
    <label>
      Only paths to
      <input type="search" name="target" value={query.target} placeholder="part of a name" />
    </label>
    <button type="submit">Show</button>
  </form>
)

const Choice = ({ found, query, link }: Scope & { found: Found[] }) =>
  found.length === 0 ? (
    <Empty title={query.search === '' ? 'No lineage yet' : `No address contains “${query.search}”`}>
      <p>
        {query.search === '' ? 'Record what a pipeline reads and writes with ' : 'Check the spelling. New addresses are recorded with '}
        <code>POST /address_lineage</code>: see the <a href="/scalar">API docs</a>.
      </p>
    </Empty>
  ) : (
    <>
      <h2>{query.search === '' ? 'Most used source addresses' : `Addresses that contain “${query.search}”`}</h2>
      <ul>
        {found.map(({ id, name, type }) => (
          <li>
            <a href={link({ address: id, search: undefined })}>{name}</a> <small>{type}</small>
          </li>
        ))}
      </ul>
    </>
  )

const Drawing = ({ graph, query, link }: Scope & { graph: CountedGraph }) => {
  const { addresses, total } = graph
  const edges = graph.edges.slice(0, MAX_EDGES)
  const edgesTo = Map.groupBy(edges, ({ target }) => target)
  const centre = addresses[0] as CountedGraph['addresses'][number]
  const sides = Object.groupBy(addresses, ({ side }) => side)
  return (
    <>
      <p>
        {grouped(sides.upstream?.length ?? 0)} upstream, {grouped(sides.downstream?.length ?? 0)} downstream
        {query.depth < 50 ? `, at most ${query.depth} ${query.depth === 1 ? 'step' : 'steps'} away` : ''}.{' '}
        {total > addresses.length ? (
          <strong>
            Only the nearest {grouped(addresses.length)} of {grouped(total)} addresses are shown: reduce the depth, choose one direction, or
            use “Only paths to”.
          </strong>
        ) : null}
        {graph.edges.length > MAX_EDGES ? <strong>Only {grouped(MAX_EDGES)} of the edges between them are shown.</strong> : null}
        {addresses.length === 1 ? ' No other address is in this view: try a larger depth or another direction.' : null}
      </p>
      <p class="legend" aria-hidden="true">
        {PROBLEM_WORDS.map((word) => (
          <Badge state={word}>pipeline {word}</Badge>
        ))}
        <span class="badge">dashed: deprecated</span>
      </p>
      <fieldset class="graph" id="graph" data-drawn aria-label={`Graph of the lineage of ${centre.name}; the table below shows the same`} />
      <Embedded id="lineage-graph" value={{ ...graph, edges }} />
      <h2>Lineage as a table</h2>
      <Table label="Lineage as a table" columns={['Address', 'Type', 'Position', 'Written by']}>
        {addresses.map((address) => (
          <tr>
            <th scope="row">
              <a href={link({ address: address.id, search: undefined })}>{address.name}</a>
              {address.deprecated ? ' (deprecated)' : ''}
            </th>
            <td>{address.type}</td>
            <td>
              {address.side === 'centre' ? 'centre' : `${grouped(address.depth)} ${address.depth === 1 ? 'step' : 'steps'} ${address.side}`}
            </td>
            <td>
              <Makers graph={graph} edges={edgesTo.get(address.id) ?? []} />
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}

const Makers = ({ graph, edges }: { graph: CountedGraph; edges: CountedGraph['edges'] }) => {
  const ids = new Set(edges.flatMap(({ pipelines }) => pipelines))
  return (
    <>
      {graph.pipelines
        .filter(({ id }) => ids.has(id))
        .map((pipeline) => (
          <div>
            <a href={`/pipelines/${pipeline.id}`}>{pipeline.name}</a> <small>{pipeline.type}</small>{' '}
            {pipeline.wrong.map(({ word }) => (
              <Badge state={word} />
            ))}
            {pipeline.active ? null : <Badge state="inactive" />}
          </div>
        ))}
    </>
  )
}
