import { expect, it } from 'vitest'
import { toCsv } from '../../src/pages/reporting/csv.ts'
import { COLUMNS, type DailyRow } from '../../src/pages/reporting/queries.ts'

const lineOf = (pipeline: string) => {
  const row = Object.fromEntries(COLUMNS.map((column) => [column, column === 'pipeline' ? pipeline : 1])) as unknown as DailyRow
  return toCsv([row]).split('\r\n')[1]?.split(',')[COLUMNS.indexOf('pipeline')]
}

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '＝1+1', '＋1', '－1', '＠SUM(A1)'])(
  'marks %j, which a spreadsheet would run as a formula',
  (name) => {
    expect(lineOf(name)).toBe(`'${name}`)
  },
)
it.each(['orders', '1-1', 'a＝b'])('leaves %j as it is', (name) => {
  expect(lineOf(name)).toBe(name)
})
