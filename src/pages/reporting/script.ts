import uPlot from 'uplot'
import { axis, colour, fitTo, HEIGHT } from '../frame/browser/chart.ts'
import type { ReportDay } from './shape.ts'

/** `1.2M`: a phone has no room for seven digits beside the chart. */
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact' })

const draw = (host: HTMLElement, days: ReportDay[]): void => {
  const bars = (size: number) => uPlot.paths.bars?.({ size: [size, 60] })
  const lines = axis()
  const chart = new uPlot(
    {
      width: host.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: {
        x: { range: (_, min, max) => [min - 43_200, max + 43_200] },
        y: { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] },
        rows: { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] },
      },
      axes: [
        {
          ...lines,
          incrs: [86_400, 7 * 86_400, 28 * 86_400],
          values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(5, 10)),
        },
        { ...lines, label: 'Runs', size: 60 },
        {
          ...lines,
          scale: 'rows',
          side: 1,
          grid: { show: false },
          label: 'Rows',
          size: 60,
          values: (_, ticks) => ticks.map((tick) => SHORT.format(tick)),
        },
      ],
      series: [
        { value: (_, seconds) => (seconds === null ? '–' : new Date(seconds * 1000).toISOString().slice(0, 10)) },
        { label: 'Runs', stroke: colour('--running'), fill: colour('--running-soft'), paths: bars(0.7), points: { show: false } },
        { label: 'Failures', stroke: colour('--failed'), fill: colour('--failed'), paths: bars(0.35), points: { show: false } },
        { label: 'Rows', scale: 'rows', stroke: colour('--anomalous'), width: 2, value: (_, rows) => rows?.toLocaleString() ?? '–' },
      ],
    },
    [
      days.map(({ day }) => Date.parse(day) / 1000),
      days.map(({ executions }) => executions),
      days.map(({ failures }) => failures),
      days.map(({ total_rows }) => total_rows),
    ],
    host,
  )
  fitTo(host, chart)
}

const host = document.getElementById('report')
const source = document.getElementById('report-days')
if (host && source) draw(host, JSON.parse(source.textContent ?? '') as ReportDay[])
