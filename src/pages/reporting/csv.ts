import { COLUMNS, type DailyRow } from './queries.ts'

/** One value as in RFC 4180. A leading apostrophe stops a spreadsheet from running a text as a formula, also with the full-width signs of East Asian keyboards. */
const cell = (value: string | number | null): string => {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r＝＋－＠]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The report as comma-separated values: a heading, then one line for each pipeline and day. */
export const toCsv = (rows: DailyRow[]): string =>
  [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => cell(row[column])))].map((line) => `${line.join(',')}\r\n`).join('')
