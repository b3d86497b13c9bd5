/** Texts of numbers and durations, for pages and alerts. */

/** A number with grouped thousands and at most `decimals` decimals; a dash if there is no number. */
export const grouped = (value: number | null | undefined, decimals = 0): string =>
  value === null || value === undefined ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: decimals })

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** A number that may be a fraction: no decimals from 100 up, at most two below. */
export const roughly = (value: number): string => grouped(value, Math.abs(value) >= 100 ? 0 : 2)

/** A ratio, to three digits: `0.982`, `1.05`, `0.000312`. */
export const ratio = (value: number): string => (Math.abs(value) >= 100 ? grouped(value) : String(Number(value.toPrecision(3))))

/** A duration in its two largest units: `2 h 5 min`, `41 s`; with decimals below ten seconds. */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${grouped(seconds, seconds < 1 ? 2 : 1)} s`
  let remaining = Math.round(seconds)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(remaining / size)
    remaining -= count * size
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** How long ago, in the largest unit: `3 h ago`. */
export const age = (seconds: number): string => {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1]
  return `${grouped(Math.floor(seconds / size))} ${unit} ago`
}

/** Seconds between two instants. */
export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000
