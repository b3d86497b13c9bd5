import uPlot from 'uplot'
import { duration, grouped, ratio } from '../../core/figures.ts'
import { addressWith } from '../frame/browser/address.ts'
import { axis, colour, fitTo, HEIGHT } from '../frame/browser/chart.ts'
import { MOMENT } from '../frame/browser/moment.ts'
import { REFRESHED } from '../frame/browser/refreshed.ts'
import { watchTryOut } from './browser/tryout.ts'
import type { History, Point, Tried } from './shape.ts'

/** Draws the history of one metric: its values, the band of the normal range, flagged and failed runs. A click on a point opens its run. */

const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
/** The distances between two lines of an axis of durations, in seconds: whole minutes, hours and days. */
const TIME_STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
]

/** What the chart says about a point, for the line below it. */
const readingOf = (point: Point, isOfSlots: boolean, inWords: (value: number) => string): string => {
  const numbers = point.value === null ? '–' : inWords(point.value)
  const normal =
    point.lower === null || point.upper === null ? '' : `, normal ${inWords(Math.max(0, point.lower))} to ${inWords(point.upper)}`
  const runs = isOfSlots ? ` (median of ${point.runs} runs)` : ''
  const remarks = `${point.flags > 0 ? ', flagged' : ''}${point.failures > 0 ? ', failed' : ''}`
  return `${MOMENT.format(new Date(point.start_date))}: ${numbers}${runs}${normal}${remarks}`
}

/** What a rule that the reader tries would have flagged. */
let tried: readonly Tried[] = []
let shown: uPlot | undefined

const draw = (host: HTMLElement, { name, isTime, points, days, now, limit, running }: History): void => {
  const reading = document.getElementById('history-reading')
  const isOfSlots = points.some(({ runs }) => runs > 1)
  const lines = axis()
  const inWords = (value: number): string =>
    isTime ? duration(value) : value >= 1e6 ? COMPACT.format(value) : value < 10 ? ratio(value) : grouped(value, value < 100 ? 2 : 0)
  const dots = (label: string, variable: string): uPlot.Series => ({
    label,
    stroke: colour(variable),
    paths: () => null,
    points: { show: true, size: 10, fill: colour(variable) },
  })
  /** An edge of the band. Both edges come first in `series`: everything else is drawn above the band. */
  const edge = (label: string): uPlot.Series => ({
    label,
    stroke: 'transparent',
    points: { show: false },
    value: (_, value) => (value === null ? '–' : Math.round(value).toLocaleString()),
  })
  const end = Date.parse(now) / 1000
  const chart = new uPlot(
    {
      width: host.clientWidth,
      height: HEIGHT,
      cursor: { points: { size: 8 } },
      scales: {
        x: { range: () => [end - days * 86_400, end] },
        y: {
          range: (_, min, max) => {
            const top = Math.max(max, running?.value ?? 0)
            return [Math.min(0, min), top === min ? top + 1 : top * 1.05]
          },
        },
      },
      axes: [
        lines,
        isTime
          ? { ...lines, size: 76, incrs: TIME_STEPS, values: (_, ticks) => ticks.map((tick) => (tick === 0 ? '0' : duration(tick))) }
          : { ...lines, size: 48, values: (_, ticks) => ticks.map((tick) => COMPACT.format(tick)) },
      ],
      legend: { show: false },
      series: [
        {},
        edge('Normal maximum'),
        edge('Normal minimum'),
        edge('Largest'),
        edge('Smallest'),
        {
          label: isOfSlots ? `${name} (median)` : name,
          stroke: colour('--accent'),
          width: 1.5,
          spanGaps: true,
          points: { show: points.length < 120, size: 5 },
          value: (_, value) => value?.toLocaleString() ?? '–',
        },
        dots('Flagged', '--anomalous'),
        dots('Failed', '--failed'),
      ],
      bands: [
        { series: [1, 2], fill: colour('--running-soft') },
        { series: [3, 4], fill: colour('--line') },
      ],
      hooks: {
        setCursor: [
          (plot) => {
            const point = typeof plot.cursor.idx === 'number' ? points[plot.cursor.idx] : undefined
            if (reading) reading.textContent = point ? readingOf(point, isOfSlots, inWords) : ''
          },
        ],
        draw: [(plot) => drawOver(plot, limit, running)],
        ready: [
          (plot) =>
            plot.over.addEventListener('click', () => {
              const point = plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : points[plot.cursor.idx]
              if (point) location.href = addressWith({ execution: String(point.id) }, ['before'])
            }),
        ],
      },
    },
    [
      points.map(({ start_date }) => Date.parse(start_date) / 1000),
      points.map(({ upper }) => upper),
      // No metric is below 0, so the band ends there.
      points.map(({ lower }) => (lower === null ? null : Math.max(0, lower))),
      points.map(({ most }) => (isOfSlots ? most : null)),
      points.map(({ least }) => (isOfSlots ? least : null)),
      // A failed run has no value to compare: it is a mark below, not a dip of the line.
      points.map(({ value, failures, runs }) => (failures >= runs ? null : value)),
      points.map(({ flags, flaggedValue, value }) => (flags > 0 ? (flaggedValue ?? value ?? 0) : null)),
      points.map(({ failures }) => (failures > 0 ? 0 : null)),
    ],
    host,
  )
  shown = chart
  fitTo(host, chart)
}

/** The threshold as a line, if it is on the chart; the running run and what a rule would have flagged as rings. */
const drawOver = (plot: uPlot, limit: History['limit'], running: History['running']): void => {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  if (limit) {
    const y = plot.valToPos(limit.value, 'y', true)
    ctx.strokeStyle = ctx.fillStyle = colour('--late')
    ctx.setLineDash([6, 4])
    ctx.lineWidth = 1.5
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.setLineDash([])
  const ring = ({ start_date, value }: { start_date: string; value: number }, variable: string, radius: number) => {
    ctx.strokeStyle = colour(variable)
    ctx.lineWidth = 2.5
    ctx.beginPath()
    ctx.arc(plot.valToPos(Date.parse(start_date) / 1000, 'x', true), plot.valToPos(value, 'y', true), radius, 0, 2 * Math.PI)
    ctx.stroke()
  }
  if (running) ring(running, '--running', 6)
  for (const run of tried) ring(run, '--anomalous', 9)
  ctx.restore()
}

let drawn = ''
const drawCurrent = (): void => {
  const [host, source] = ['history', 'history-points'].map((id) => document.getElementById(id))
  const text = source?.textContent ?? ''
  if (!host || text === '' || text === drawn) return
  drawn = text
  host.replaceChildren()
  draw(host, JSON.parse(text) as History)
}
drawCurrent()
addEventListener(REFRESHED, drawCurrent)
watchTryOut((runs) => {
  tried = runs
  shown?.redraw()
})
