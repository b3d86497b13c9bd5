import { select } from 'd3-selection'
import { zoom, zoomIdentity } from 'd3-zoom'
import { addressWith } from '../frame/browser/address.ts'
import { arrange, HEIGHT, WIDTH } from './browser/arrange.ts'
import { shorten } from './browser/shorten.ts'
import type { Graph, GraphAddress, GraphPipeline, Mark } from './shape.ts'

/**
 * Draws the lineage: layers from left to right, pan and zoom, the pipelines on their edges; a click on an address re-centres. Other pages
 * name where its data are (frame/drawing.tsx).
 */

const PAGE = '/lineage-graph'
const MAX_NAME_LETTERS = 26
const MAX_PIPELINE_LETTERS = 20
/** More edges into an address leave no room for the name of its pipeline. */
const MAX_EDGES_OF_LABEL = 3
/** At a smaller scale the names on edges cannot be read. */
const READABLE_SCALE = 0.6
/** At a smaller scale only the colours of problems can be seen. */
const TINY_SCALE = 0.2
/** The reader may move the pointer from an edge to the links in its tip. */
const TIP_STAYS_MILLIS = 250

const make = <Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number>,
  text?: string,
): SVGElementTagNameMap[Name] => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  if (text !== undefined) element.textContent = text
  return element
}

const wordsOf = (wrong: Mark[]): string[] => wrong.map(({ word, calm }) => (calm ? `${word} (${calm})` : word))

const describe = ({ type, inactive, wrong = [] }: GraphPipeline): string => {
  const states = [...wordsOf(wrong), ...(inactive ? ['inactive'] : [])]
  return ` (${type}): ${states.length > 0 ? states.join(', ') : 'no problem'}`
}

/** The classes of what has these problems: the colour of the worst, and whether they need nobody now. */
const stateOf = (wrong: Mark[]): string =>
  wrong.length === 0 ? '' : `wrong ${wrong[0]?.tone}${wrong.every(({ calm }) => calm) ? ' calm' : ''}`

/** Shows the pipelines of an edge, with links to their pages, near the edge. */
const makeTip = (host: HTMLElement) => {
  const tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true, role: 'status' })
  let leaving = 0
  const hide = (): void => {
    leaving = window.setTimeout(() => {
      if (!tip.matches(':hover, :focus-within')) tip.hidden = true
    }, TIP_STAYS_MILLIS)
  }
  const show = (makers: GraphPipeline[], near: Element): void => {
    clearTimeout(leaving)
    tip.replaceChildren(
      ...makers.flatMap((maker) => {
        const line = document.createElement('div')
        line.append(
          Object.assign(document.createElement('a'), { href: `/pipelines/${maker.id}`, textContent: maker.name }),
          describe(maker),
        )
        const { metadata } = maker
        if (!metadata || Object.keys(metadata).length === 0) return [line]
        return [line, Object.assign(document.createElement('pre'), { textContent: JSON.stringify(metadata, null, 1) })]
      }),
    )
    tip.hidden = false
    const [frame, place] = [host.getBoundingClientRect(), near.getBoundingClientRect()]
    const middle = Math.min(Math.max(place.left + place.width / 2 - frame.left, 0), frame.width)
    tip.style.left = `${Math.max(8, Math.min(middle, frame.width - tip.offsetWidth - 8))}px`
    tip.style.top = `${Math.max(8, Math.min(place.top + place.height / 2 - frame.top + 12, frame.height - tip.offsetHeight - 8))}px`
  }
  tip.addEventListener('mouseleave', hide)
  tip.addEventListener('focusout', hide)
  tip.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') tip.hidden = true
  })
  return { element: tip, show, hide, enter: () => tip.querySelector('a')?.focus() }
}

const draw = (host: HTMLElement, bar: HTMLElement, { addresses, edges, pipelines }: Graph): void => {
  const { width, height, hasNames, placeOf, pathOf } = arrange(addresses, edges)
  const byId = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]))
  const incoming = Map.groupBy(edges, ([, target]) => target)
  const svg = make('svg', {})
  const canvas = svg.appendChild(make('g', {}))
  const tip = makeTip(host)

  for (const [source, target, ids] of edges) {
    if (source === target) continue
    const makers = ids
      .flatMap((id) => byId.get(id) ?? [])
      .toSorted((left, right) => Number(right.wrong !== undefined) - Number(left.wrong !== undefined))
    const [first] = makers
    const only = makers.length === 1 ? first : undefined
    const group = make(only ? 'a' : 'g', {
      class: `edge ${stateOf(makers.flatMap(({ wrong }) => wrong ?? []))}`,
      'aria-label': makers.map((maker) => maker.name + describe(maker)).join('; '),
      ...(only ? { href: `/pipelines/${only.id}` } : { tabindex: 0, role: 'button' }),
    })
    const path = pathOf(source, target)
    group.append(make('path', { d: path, 'marker-end': 'url(#arrow)' }), make('path', { d: path, class: 'hit' }))
    for (const event of ['mouseenter', 'focus']) group.addEventListener(event, () => tip.show(makers, group))
    for (const event of ['mouseleave', 'blur']) group.addEventListener(event, tip.hide)
    if (!only) {
      group.addEventListener('click', tip.enter)
      group.addEventListener('keydown', (event) => {
        if (!['Enter', ' '].includes((event as KeyboardEvent).key)) return
        event.preventDefault()
        tip.enter()
      })
    }
    canvas.append(group)
  }

  /** The names of an address' pipelines, once, where its edges meet. */
  const nameWriters = ({ id }: GraphAddress): void => {
    const into = incoming.get(id) ?? []
    const ids = new Set(into.flatMap(([, , makers]) => makers))
    const first = byId.get([...ids][0] ?? 0)
    const { x, y } = placeOf(id)
    if (!first || into.length > MAX_EDGES_OF_LABEL || into.some(([source]) => placeOf(source).x >= x)) return
    const text = ids.size === 1 ? shorten(first.name, MAX_PIPELINE_LETTERS) : `${ids.size} pipelines`
    canvas.append(make('text', { x: x - WIDTH / 2 - 12, y: y - 5, class: 'writer', 'aria-hidden': 'true' }, text))
  }

  const drawAddress = ({ id, name, type, side, deprecated, wrong }: GraphAddress): void => {
    const { x, y } = placeOf(id)
    const node = make('a', {
      class: `node ${stateOf(wrong)} ${side === 'centre' ? 'centre' : ''} ${deprecated ? 'deprecated' : ''}`,
      href: location.pathname === PAGE ? addressWith({ address: String(id) }, ['search']) : `${PAGE}?address=${id}`,
      transform: `translate(${x - WIDTH / 2},${y - HEIGHT / 2})`,
    })
    const signs = wrong.map(({ sign, word, calm }) => `${sign} ${word}${calm === null ? '' : calm === 'silenced' ? ' ⊘' : ' ◐'}`)
    node.append(
      make('title', {}, [name, ...wordsOf(wrong)].join(', ')),
      make('rect', { width: WIDTH, height: HEIGHT, rx: 8 }),
      make('text', { x: 10, y: 19, 'aria-hidden': 'true' }, shorten(name, MAX_NAME_LETTERS)),
      make(
        'text',
        { x: 10, y: 36, class: 'kind', 'aria-hidden': 'true' },
        [...signs, type, ...(deprecated ? ['deprecated'] : [])].join(' · '),
      ),
    )
    canvas.append(node)
  }
  if (hasNames) addresses.forEach(nameWriters)
  addresses.forEach(drawAddress)

  const arrow = make('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' })
  arrow.append(make('path', { d: 'M0 0 8 4 0 8z', fill: 'context-stroke' }))
  svg.prepend(arrow)
  host.replaceChildren(svg, tip.element)

  const fittingScale = (): number => Math.min(1.1, host.clientWidth / width, host.clientHeight / height)
  const behaviour = zoom<SVGSVGElement, unknown>()
    .scaleExtent([Math.min(0.05, fittingScale()), 3])
    // One finger scrolls the page: otherwise nobody gets past the drawing on a phone.
    .filter((event: WheelEvent | MouseEvent | TouchEvent) => ('touches' in event ? event.touches.length > 1 : !event.button))
    .on('zoom', ({ transform }) => {
      canvas.setAttribute('transform', String(transform))
      svg.classList.toggle('far', transform.k < READABLE_SCALE)
      svg.classList.toggle('tiny', transform.k < TINY_SCALE)
    })
  const drawing = select(svg).call(behaviour)
  const showAll = (): void => {
    const scale = fittingScale()
    const [x, y] = [(host.clientWidth - width * scale) / 2, (host.clientHeight - height * scale) / 2]
    drawing.call(behaviour.transform, zoomIdentity.translate(x, y).scale(scale))
  }
  const showCentre = (): void => {
    const { x, y } = placeOf(addresses[0]?.id ?? 0)
    drawing.call(behaviour.transform, zoomIdentity.translate(host.clientWidth / 2 - x, host.clientHeight / 2 - y))
  }
  const addButton = (label: string, name: string, act: () => void): void => {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'quiet', textContent: label, onclick: act })
    button.setAttribute('aria-label', name)
    bar.append(button)
  }
  addButton('+', 'Zoom in', () => void drawing.call(behaviour.scaleBy, 1.3))
  addButton('−', 'Zoom out', () => void drawing.call(behaviour.scaleBy, 1 / 1.3))
  addButton('Centre', 'Centre', showCentre)
  addButton('Show all', 'Show all', showAll)
  showAll()

  // A focused address or edge outside of the frame is moved into it.
  canvas.addEventListener('focusin', ({ target }) => {
    host.scrollTo(0, 0)
    const [frame, place] = [host.getBoundingClientRect(), (target as Element).getBoundingClientRect()]
    const middle = { x: place.left + place.width / 2 - frame.left, y: place.top + place.height / 2 - frame.top }
    if (middle.x > 0 && middle.x < frame.width && middle.y > 0 && middle.y < frame.height) return
    const transform = canvas.transform.baseVal.consolidate()?.matrix.inverse()
    const point = new DOMPoint(middle.x, middle.y).matrixTransform(transform)
    drawing.call(behaviour.translateTo, point.x, point.y)
  })
}

const host = document.getElementById('graph')
const bar = document.getElementById('zoom')
const source = document.getElementById('lineage-graph')
if (host && bar && source) draw(host, bar, JSON.parse(source.textContent ?? '') as Graph)
else if (host?.dataset.from && bar) {
  const response = await fetch(host.dataset.from)
  if (response.ok) draw(host, bar, (await response.json()) as Graph)
  else host.textContent = `The drawing cannot be shown: the server answered ${response.status}`
}

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
