/** How pages and alerts write numbers and durations. */

/** Grouped, with at most two decimals; a dash where there is none. */
export const grouped = (value: number | null | undefined, decimals = 0): string =>
  value === null || value === undefined ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: decimals })

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** Of what may be a fraction: digits that say something. */
export const roughly = (value: number): string => grouped(value, Math.abs(value) >= 100 ? 0 : 2)

/** In its two largest units: `2 h 5 min`, `41 s`; below ten seconds with a decimal. */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${grouped(seconds, seconds < 1 ? 2 : 1)} s`
  let left = Math.round(seconds)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** How long ago, as one says it: in the largest unit. */
export const age = (seconds: number): string => {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1]
  return `${grouped(Math.floor(seconds / size))} ${unit} ago`
}

/** Seconds between two instants. */
export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000
