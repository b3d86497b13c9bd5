import { COLUMNS, type DailyRow } from './queries.ts'

/** RFC 4180. What a spreadsheet would take for a formula is marked as text. */
const cell = (value: string | number | null): string => {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The report as comma-separated values, a line for each pipeline and day. */
export const toCsv = (rows: DailyRow[]): string =>
  [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => cell(row[column])))].map((line) => `${line.join(',')}\r\n`).join('')
