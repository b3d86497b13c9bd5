import { Graph, layout } from '@dagrejs/dagre'
import type { GraphAddress, GraphEdge } from '../shape.ts'

export interface Place {
  x: number
  y: number
}

/** A box of an address. */
export const WIDTH = 224
export const HEIGHT = 46
/** The room between two layers: for the names of pipelines on the edges, if the drawing has so few layers that they can be read. */
const GAPS = { named: 150, many: 70 }
const MAX_NAMED_LAYERS = 4

/** Where everything lies in the drawing. */
export interface Arrangement {
  width: number
  height: number
  /** Whether there is room between the layers for the names of pipelines. */
  hasNames: boolean
  /** The middle of an address. */
  placeOf: (id: number) => Place
  /** The path of the edge from one address to another. */
  pathOf: (source: number, target: number) => string
}

/** Arranges the addresses in layers from left to right. */
export const arrange = (addresses: GraphAddress[], edges: GraphEdge[]): Arrangement => {
  const hasNames = new Set(addresses.map(({ side, depth }) => `${side} ${depth}`)).size <= MAX_NAMED_LAYERS
  const graph = new Graph({ multigraph: false })
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 14,
    ranksep: hasNames ? GAPS.named : GAPS.many,
    marginx: 12,
    marginy: 12,
    ranker: edges.length > 400 ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of addresses) graph.setNode(String(id), { width: WIDTH, height: HEIGHT })
  for (const [source, target] of edges) if (source !== target) graph.setEdge(String(source), String(target))
  layout(graph)
  const { width = 1, height = 1 } = graph.graph()
  const placeOf = (id: number): Place => graph.node(String(id)) as Place
  const pathOf = (source: number, target: number): string => {
    const { points } = graph.edge(String(source), String(target)) as { points: Place[] }
    const [from, to] = [placeOf(source), placeOf(target)]
    // The layout ends an edge at any point of a box. An edge that ends in the middle of a side is easier to follow.
    if (from.x >= to.x) return curve(points)
    return curve([{ x: from.x + WIDTH / 2, y: from.y }, ...points.slice(1, -1), { x: to.x - WIDTH / 2, y: to.y }])
  }
  return { width, height, hasNames, placeOf, pathOf }
}

/** A curve through the points that starts and ends horizontally. */
const curve = ([first, ...rest]: Place[]): string => {
  if (!first) return ''
  let [at, path] = [first, `M${first.x} ${first.y}`]
  for (const point of rest) {
    const middle = (at.x + point.x) / 2
    path += `C${middle} ${at.y} ${middle} ${point.y} ${point.x} ${point.y}`
    at = point
  }
  return path
}
