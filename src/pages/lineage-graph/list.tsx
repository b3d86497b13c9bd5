import { grouped } from '../../core/figures.ts'
import type { ViewScope } from '../frame/page.tsx'
import { Marks } from './marks.tsx'
import type { CountedGraph } from './queries.ts'
import type { GraphAddress, GraphPipeline } from './shape.ts'

/** A longer list is no list: the page says how many it leaves out. */
const MAX_LISTED = 100

type Link = ViewScope<unknown>['link']

/** The addresses of the drawing as a list, without scripts: upstream and downstream, nearest first; at the same distance, first what is wrong. */
export const AddressList = ({ graph: { addresses, edges, pipelines }, link }: { graph: CountedGraph; link: Link }) => {
  const byId = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]))
  const writers = new Map<number, Set<GraphPipeline>>()
  for (const [, target, ids] of edges) {
    const known = writers.get(target) ?? new Set()
    for (const id of ids) {
      const pipeline = byId.get(id)
      if (pipeline) known.add(pipeline)
    }
    writers.set(target, known)
  }
  const item = (address: GraphAddress) => <Item address={address} writers={[...(writers.get(address.id) ?? [])]} link={link} />
  const [centre] = addresses
  return (
    <section class="addresses" aria-label="Addresses">
      {centre ? <ul>{item(centre)}</ul> : null}
      {(['upstream', 'downstream'] as const).map((side) => (
        <Side name={side} addresses={addresses.filter((address) => address.side === side)} item={item} />
      ))}
    </section>
  )
}

const Side = ({ name, addresses, item }: { name: string; addresses: GraphAddress[]; item: (address: GraphAddress) => unknown }) => {
  // What is wrong is listed even if it is far away.
  const listed = addresses.toSorted((left, right) => Number(right.wrong.length > 0) - Number(left.wrong.length > 0)).slice(0, MAX_LISTED)
  const steps = [...Map.groupBy(listed, ({ depth }) => depth)].toSorted(([left], [right]) => left - right)
  return addresses.length === 0 ? null : (
    <>
      <h2>
        {grouped(addresses.length)} {name}
      </h2>
      {steps.map(([depth, near]) => (
        <>
          <h3>{depth === 1 ? '1 step' : `${grouped(depth)} steps`}</h3>
          <ul>{near.map(item)}</ul>
        </>
      ))}
      {listed.length < addresses.length ? <p class="soft">{grouped(addresses.length - listed.length)} more are in the drawing.</p> : null}
    </>
  )
}

const Item = ({ address, writers, link }: { address: GraphAddress; writers: GraphPipeline[]; link: Link }) => (
  <li>
    {address.side === 'centre' ? (
      <strong>
        <Name name={address.name} />
      </strong>
    ) : (
      <a href={link({ address: address.id, search: undefined })}>
        <Name name={address.name} />
      </a>
    )}{' '}
    <Marks wrong={address.wrong} />
    <small>
      {address.type}
      {address.deprecated ? ', deprecated' : ''}
      {writers.length > 0 ? ', written by ' : ''}
      {writers.map((pipeline, index) => (
        <>
          {index > 0 ? ', ' : ''}
          <a href={`/pipelines/${pipeline.id}`}>{pipeline.name}</a>
          {stateOf(pipeline, writers.length > 1)}
        </>
      ))}
    </small>
  </li>
)

/** What the badges of the address do not say of the pipeline. */
const stateOf = ({ inactive, wrong = [] }: GraphPipeline, hasOthers: boolean): string => {
  const states = [...(hasOthers ? wrong.map(({ word }) => word) : []), ...(inactive ? ['inactive'] : [])]
  return states.length > 0 ? ` (${states.join(', ')})` : ''
}

/** A long name breaks between its parts. */
export const Name = ({ name }: { name: string }) => (
  <>
    {name.split(/(?<=[./])(?=[^./])/).map((part, index) => (
      <>
        {index > 0 ? <wbr /> : null}
        {part}
      </>
    ))}
  </>
)
