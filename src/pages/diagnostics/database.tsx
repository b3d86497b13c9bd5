import { duration, grouped } from '../../core/figures.ts'
import { Moment, Table } from '../frame/elements.tsx'
import type { Diagnosis, Slow } from './queries.ts'

/** Smaller tables are read from end to end because that is quicker. */
const WORTH_AN_INDEX = 10_000

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
/** In the largest unit that leaves a whole number. */
export const size = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${grouped(bytes / 1024 ** power, power > 1 ? 1 : 0)} ${UNITS[power]}`
}

/** Statements of others on this database may carry values: they are for those who may write. */
const Statement = ({ text, mayRead }: { text: string; mayRead: boolean }) =>
  mayRead ? <code>{text}</code> : <span class="soft">shown to those who may write</span>

export const Busy = ({ mayRead, busy, deadlocks }: { mayRead: boolean; busy: Diagnosis['busy']; deadlocks: number }) => (
  <>
    {busy.length === 0 ? (
      <p>Nothing has run for more than a second or waits for another. Deadlocks so far: {grouped(deadlocks)}.</p>
    ) : (
      <>
        <Table label="Long statements and locks" columns={[{ number: 'Process' }, 'State', { number: 'For' }, 'Waits for', 'Statement']}>
          {busy.map((row) => (
            <tr>
              <td class="number">{row.pid}</td>
              <td>{row.state ?? '–'}</td>
              <td class="number">{duration(row.seconds)}</td>
              <td>{row.blocked_by.length > 0 ? `process ${row.blocked_by.join(', ')}` : (row.wait_event_type ?? 'nothing')}</td>
              <td class="why">
                <Statement text={row.query} mayRead={mayRead} />
              </td>
            </tr>
          ))}
        </Table>
        <p>Deadlocks so far: {grouped(deadlocks)}.</p>
      </>
    )}
  </>
)

export const Slowest = ({ mayRead, slowest }: { mayRead: boolean; slowest: Slow[] | undefined }) =>
  slowest === undefined ? (
    <p>
      The database does not collect them. <code>CREATE EXTENSION pg_stat_statements</code> switches that on, where the server has loaded it
      (Neon has).
    </p>
  ) : (
    <Table
      label="Slowest statements"
      columns={[{ number: 'In all' }, { number: 'Calls' }, { number: 'Mean' }, { number: 'Most' }, 'Statement']}
    >
      {slowest.map((row) => (
        <tr>
          <td class="number">{duration(row.total_millis / 1000)}</td>
          <td class="number">{grouped(row.calls)}</td>
          <td class="number">{grouped(row.mean_millis, 2)} ms</td>
          <td class="number">{grouped(row.max_millis, 1)} ms</td>
          <td class="why">
            <Statement text={row.query} mayRead={mayRead} />
          </td>
        </tr>
      ))}
    </Table>
  )

export const Tables = ({ tables }: { tables: Diagnosis['tables'] }) => (
  <Table
    label="Tables"
    columns={[
      'Table',
      { number: 'Size' },
      { number: 'of it indexes' },
      { number: 'Rows' },
      { number: 'Dead rows' },
      { number: 'Read whole' },
      { number: 'Read by index' },
      'Vacuumed',
    ]}
  >
    {tables.map((table) => (
      <tr>
        <th scope="row">{table.name}</th>
        <td class="number">{size(table.bytes)}</td>
        <td class="number">{size(table.index_bytes)}</td>
        <td class="number">{grouped(table.rows)}</td>
        <td class="number">{grouped(table.dead_rows)}</td>
        <td class="number">{grouped(table.sequential_scans)}</td>
        <td class="number">{grouped(table.index_scans)}</td>
        <td>
          <Moment at={table.vacuumed_at} />
        </td>
      </tr>
    ))}
  </Table>
)

export const Indexes = ({ diagnosis: { tables, indexes, keys_without_index: keys } }: { diagnosis: Diagnosis }) => {
  const unused = indexes.filter(({ scans, is_unique: isUnique }) => scans === 0 && !isUnique)
  const broken = indexes.filter(({ is_valid: isValid }) => !isValid)
  const readWhole = tables.filter(
    ({ rows, sequential_scans: scans, index_scans: indexScans, rows_read_by_them: read }) =>
      rows > WORTH_AN_INDEX && scans > indexScans && read / Math.max(1, scans) > WORTH_AN_INDEX,
  )
  return (
    <>
      <dl class="facts panel">
        <dt>Broken</dt>
        <dd>{broken.length === 0 ? 'none' : broken.map(({ name }) => name).join(', ')}</dd>
        <dt>Missing</dt>
        <dd>
          {readWhole.length + keys.length === 0 ? 'none that shows' : ''}
          {readWhole.map(({ name }) => `${name} is mostly read whole. `)}
          {keys.map(({ table_name: table, constraint }) => `${table}: the foreign key ${constraint} has no index. `)}
        </dd>
        <dt>Unused</dt>
        <dd>
          {unused.length === 0 ? 'none' : `${unused.length} have not been used since the statistics began; they enforce nothing either.`}
        </dd>
      </dl>
      <details>
        <summary>All {indexes.length} indexes</summary>
        <Table label="Indexes" columns={['Index', 'Table', { number: 'Size' }, { number: 'Used' }, 'What for']}>
          {indexes.map((index) => (
            <tr>
              <th scope="row">{index.name}</th>
              <td>{index.table_name}</td>
              <td class="number">{size(index.bytes)}</td>
              <td class="number">{grouped(index.scans)}</td>
              <td>{index.is_unique ? 'keeps rows unique' : index.scans === 0 ? 'unused so far' : 'reading'}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  )
}
