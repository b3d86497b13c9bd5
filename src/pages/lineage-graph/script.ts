import { Graph, layout } from '@dagrejs/dagre'
import { select } from 'd3-selection'
import { zoom, zoomIdentity } from 'd3-zoom'
import { addressWith } from '../frame/browser/address.ts'
import type { Graph as Drawn, GraphPipeline } from './shape.ts'

/** Draws the lineage: layers from left to right, pan and zoom, pipelines on hover and focus; a click re-centres. */

interface Place {
  x: number
  y: number
}

const WIDTH = 230
const HEIGHT = 46
const MAX_LETTERS = 28

const make = <Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[Name] => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  return element
}

/** Cuts a long name at its beginning, because its end says more. */
const shorten = (name: string): string => (name.length > MAX_LETTERS ? `…${name.slice(1 - MAX_LETTERS)}` : name)

const describe = ({ name, type, active, wrong }: GraphPipeline): string => {
  const states = [...wrong.map(({ word }) => word), ...(active ? [] : ['inactive'])]
  return `${name} (${type}): ${states.length > 0 ? states.join(', ') : 'no problem'}`
}

const draw = (host: HTMLElement, { addresses, edges, pipelines }: Drawn): void => {
  const graph = new Graph({ multigraph: false })
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 14,
    ranksep: 90,
    marginx: 20,
    marginy: 20,
    ranker: edges.length > 400 ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of addresses) graph.setNode(String(id), { width: WIDTH, height: HEIGHT })
  for (const { source, target } of edges) if (source !== target) graph.setEdge(String(source), String(target))
  layout(graph)

  const byId = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]))
  const svg = make('svg', {})
  const canvas = svg.appendChild(make('g', {}))
  const tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true, role: 'status' })

  const showTip = (makers: GraphPipeline[], near: Element): void => {
    tip.replaceChildren(
      ...makers.flatMap((maker) => {
        const line = document.createElement('div')
        line.textContent = describe(maker)
        const { metadata } = maker
        if (!metadata || Object.keys(metadata).length === 0) return [line]
        const details = document.createElement('pre')
        details.textContent = JSON.stringify(metadata, null, 1)
        return [line, details]
      }),
    )
    tip.hidden = false
    const [frame, place] = [host.getBoundingClientRect(), near.getBoundingClientRect()]
    const middle = Math.min(Math.max(place.left + place.width / 2 - frame.left, 0), frame.width)
    tip.style.left = `${Math.max(8, Math.min(middle, frame.width - tip.offsetWidth - 8))}px`
    tip.style.top = `${Math.max(8, Math.min(place.top + place.height / 2 - frame.top + 12, frame.height - tip.offsetHeight - 8))}px`
  }
  const hideTip = (): void => {
    tip.hidden = true
  }

  for (const { source, target, pipelines: ids } of edges) {
    if (source === target) continue
    const { points } = graph.edge(String(source), String(target)) as { points: Place[] }
    const [from, to] = [graph.node(String(source)), graph.node(String(target))] as [Place, Place]
    // The layout ends an edge at any point of a box. An edge that ends in the middle of a side is easier to follow.
    const isForward = from.x < to.x
    const ends = isForward ? [{ x: from.x + WIDTH / 2, y: from.y }, ...points.slice(1, -1), { x: to.x - WIDTH / 2, y: to.y }] : points
    const makers = ids.flatMap((id) => byId.get(id) ?? [])
    // The problems of a pipeline are sorted, worst first. The edge has the colour of its first pipeline with a problem.
    const worst = makers.flatMap(({ wrong }) => wrong.slice(0, 1))[0]?.tone ?? ''
    const group = make('g', { class: `edge ${worst}`, tabindex: 0, role: 'img', 'aria-label': makers.map(describe).join('; ') })
    const path = curve(ends)
    group.append(make('path', { d: path, 'marker-end': 'url(#arrow)' }), make('path', { d: path, class: 'hit' }))
    for (const event of ['mouseenter', 'focus']) group.addEventListener(event, () => showTip(makers, group))
    for (const event of ['mouseleave', 'blur']) group.addEventListener(event, hideTip)
    canvas.append(group)
  }

  for (const { id, name, type, side, deprecated, wrong } of addresses) {
    const { x, y } = graph.node(String(id)) as Place
    const [worst] = wrong
    const node = make('a', {
      class: `node ${worst?.tone ?? ''} ${side === 'centre' ? 'centre' : ''} ${deprecated ? 'deprecated' : ''}`,
      href: addressWith({ address: String(id) }, ['search']),
      transform: `translate(${x - WIDTH / 2},${y - HEIGHT / 2})`,
    })
    const title = make('title', {})
    title.textContent = name
    const label = make('text', { x: 10, y: 19 })
    label.textContent = shorten(name)
    const kind = make('text', { x: 10, y: 36, class: 'kind' })
    kind.textContent = [type, worst?.word, deprecated ? 'deprecated' : ''].filter(Boolean).join(' · ')
    node.append(title, make('rect', { width: WIDTH, height: HEIGHT, rx: 8 }), label, kind)
    canvas.append(node)
  }

  const arrow = make('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' })
  arrow.append(make('path', { d: 'M0 0 8 4 0 8z', fill: 'context-stroke' }))
  svg.prepend(arrow)
  host.replaceChildren(svg, tip)

  const behaviour = zoom<SVGSVGElement, unknown>()
    .scaleExtent([0.05, 3])
    .on('zoom', ({ transform }) => canvas.setAttribute('transform', String(transform)))
  const drawing = select(svg).call(behaviour)
  const { width = 1, height = 1 } = graph.graph()
  const showAll = (): void => {
    const scale = Math.min(1.1, host.clientWidth / width, host.clientHeight / height)
    drawing.call(
      behaviour.transform,
      zoomIdentity.translate((host.clientWidth - width * scale) / 2, (host.clientHeight - height * scale) / 2).scale(scale),
    )
  }
  /** Begins with the whole drawing if it is readable at that size, otherwise with the centre and its neighbours. */
  const begin = (): void => {
    if (Math.min(host.clientWidth / width, host.clientHeight / height) > 0.45) {
      showAll()
      return
    }
    const { x, y } = graph.node(String(addresses[0]?.id)) as Place
    const sides = new Set(addresses.map(({ side }) => side))
    const anchor = !sides.has('upstream') ? 0.15 : !sides.has('downstream') ? 0.85 : 0.5
    drawing.call(
      behaviour.transform,
      zoomIdentity.translate(Math.max(host.clientWidth * anchor, WIDTH * 0.4 + 8) - x * 0.8, host.clientHeight / 2 - y * 0.8).scale(0.8),
    )
  }
  const buttons = Object.assign(document.createElement('div'), { className: 'zoom' })
  const addButton = (label: string, name: string, act: () => void): void => {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'quiet', textContent: label, onclick: act })
    button.setAttribute('aria-label', name)
    buttons.append(button)
  }
  addButton('+', 'Zoom in', () => void drawing.call(behaviour.scaleBy, 1.3))
  addButton('−', 'Zoom out', () => void drawing.call(behaviour.scaleBy, 1 / 1.3))
  addButton('Show all', 'Show all', showAll)
  host.append(buttons)
  begin()
}

/** A curve through the layout's points that starts and ends horizontally. */
const curve = (points: Place[]): string => {
  const [first, ...rest] = points
  if (!first) return ''
  let [at, path] = [first, `M${first.x} ${first.y}`]
  for (const point of rest) {
    const middle = (at.x + point.x) / 2
    path += `C${middle} ${at.y} ${middle} ${point.y} ${point.x} ${point.y}`
    at = point
  }
  return path
}

const host = document.getElementById('graph')
const source = document.getElementById('lineage-graph')
if (host && source) draw(host, JSON.parse(source.textContent ?? '') as Drawn)

/** Suggests names while the reader types. */
const field = document.getElementById('address-search') as HTMLInputElement | null
const choices = document.getElementById('addresses')
let asked = ''
field?.addEventListener('input', async () => {
  const search = field.value.trim()
  asked = search
  await new Promise((resolve) => setTimeout(resolve, 150))
  if (search !== asked || search.length < 2) return
  const response = await fetch(`/lineage-graph/addresses?search=${encodeURIComponent(search)}`)
  if (!response.ok || search !== asked) return
  const found = (await response.json()) as { name: string; type: string }[]
  choices?.replaceChildren(
    ...found.map(({ name, type }) => Object.assign(document.createElement('option'), { value: name, label: `${name} (${type})` })),
  )
})
