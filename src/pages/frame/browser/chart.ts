/** What all charts share. A colour of the page, by its CSS variable. */
export const colour = (variable: string): string => getComputedStyle(document.documentElement).getPropertyValue(variable).trim()

/** An axis with quiet lines and labels. */
export const axis = () => {
  const line = { width: 1, stroke: colour('--line') }
  return { stroke: colour('--soft'), grid: line, ticks: line, font: '12px system-ui' }
}

export const HEIGHT = 280

/** Keeps the chart as wide as its host. */
export const fitTo = (host: HTMLElement, chart: { setSize: (size: { width: number; height: number }) => void }): void =>
  new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host)
