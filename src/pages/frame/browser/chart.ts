/** What the charts of all pages share: colours as the page has them, lines that stay in the background. */
export const colour = (variable: string): string => getComputedStyle(document.documentElement).getPropertyValue(variable).trim()

export const axis = () => {
  const line = { width: 1, stroke: colour('--line') }
  return { stroke: colour('--soft'), grid: line, ticks: line, font: '12px system-ui' }
}

export const HEIGHT = 280

/** As wide as its place on the page. */
export const fitTo = (host: HTMLElement, chart: { setSize: (size: { width: number; height: number }) => void }): void =>
  new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host)
