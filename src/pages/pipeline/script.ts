import uPlot from 'uplot'
import { addressWith } from '../frame/browser/address.ts'
import { axis, colour, fitTo, HEIGHT } from '../frame/browser/chart.ts'
import { REFRESHED } from '../frame/browser/refreshed.ts'
import type { History } from './shape.ts'

/** Draws the history of one metric: its values, the band of the normal range, flagged and failed runs. A click on a point opens its run. */

const draw = (host: HTMLElement, { name, points, days, now }: History): void => {
  const isOfSlots = points.some(({ runs }) => runs > 1)
  const lines = axis()
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
        y: { range: (_, min, max) => [Math.min(0, min), max === min ? max + 1 : max * 1.05] },
      },
      axes: [lines, { ...lines, size: 70, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString()) }],
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
      points.map(({ value }) => value),
      points.map(({ flags, flaggedValue, value }) => (flags > 0 ? (flaggedValue ?? value ?? 0) : null)),
      points.map(({ failures, value }) => (failures > 0 ? (value ?? 0) : null)),
    ],
    host,
  )
  fitTo(host, chart)
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
