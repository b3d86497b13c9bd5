import { duration, grouped } from '../../core/figures.ts'
import { Moment, Table } from '../frame/elements.tsx'
import type { Diagnosis, Slow } from './queries.ts'

/** PostgreSQL scans smaller tables sequentially even if they have an index: that is faster. */
const MIN_ROWS_FOR_INDEX = 10_000

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
/** Bytes in the largest unit that gives at least 1: `3 MiB`, `1.5 GiB`. */
export const size = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${grouped(bytes / 1024 ** power, power > 1 ? 1 : 0)} ${UNITS[power]}`
}

/** Statements may contain values, also those of other users of this database: only a token that may write sees them. */
const Statement = ({ text, mayRead }: { text: string; mayRead: boolean }) =>
  mayRead ? <code>{text}</code> : <span class="soft">needs a token that may write</span>

export const Busy = ({ mayRead, busy, deadlocks }: { mayRead: boolean; busy: Diagnosis['busy']; deadlocks: number }) => (
  <>
    {busy.length === 0 ? (
      <p>No statement has run for more than a second, and none waits for a lock. Deadlocks so far: {grouped(deadlocks)}.</p>
    ) : (
      <>
        <Table
          label="Long statements and locks"
          columns={[{ number: 'Process id' }, 'State', { number: 'Duration' }, 'Waits for', 'Statement']}
        >
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
      The database does not collect statistics of statements. Run <code>CREATE EXTENSION pg_stat_statements</code> to switch this on. The
      server must have loaded the library (Neon has).
    </p>
  ) : (
    <Table
      label="Slowest statements"
      columns={[{ number: 'Total time' }, { number: 'Calls' }, { number: 'Mean time' }, { number: 'Longest time' }, 'Statement']}
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
      { number: 'Total size' },
      { number: 'Index size' },
      { number: 'Rows (estimate)' },
      { number: 'Dead rows' },
      { number: 'Sequential scans' },
      { number: 'Index scans' },
      'Last vacuum',
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
  const scanned = tables.filter(
    ({ rows, sequential_scans: scans, index_scans: indexScans, rows_read_sequentially: read }) =>
      rows > MIN_ROWS_FOR_INDEX && scans > indexScans && read / Math.max(1, scans) > MIN_ROWS_FOR_INDEX,
  )
  return (
    <>
      <dl class="facts panel">
        <dt>Invalid</dt>
        <dd>{broken.length === 0 ? 'none' : broken.map(({ name }) => name).join(', ')}</dd>
        <dt>Missing</dt>
        <dd>
          {scanned.length + keys.length === 0 ? 'none found' : ''}
          {scanned.map(({ name }) => `${name}: most reads are sequential scans. `)}
          {keys.map(({ table_name: table, constraint }) => `${table}: the foreign key ${constraint} has no index. `)}
        </dd>
        <dt>Unused</dt>
        <dd>{unused.length === 0 ? 'none' : `${unused.length}: no scan since the statistics began, and no uniqueness to enforce.`}</dd>
      </dl>
      <details>
        <summary>All {indexes.length} indexes</summary>
        <Table label="Indexes" columns={['Index', 'Table', { number: 'Size' }, { number: 'Scans' }, 'Purpose']}>
          {indexes.map((index) => (
            <tr>
              <th scope="row">{index.name}</th>
              <td>{index.table_name}</td>
              <td class="number">{size(index.bytes)}</td>
              <td class="number">{grouped(index.scans)}</td>
              <td>{index.is_unique ? 'keeps rows unique' : index.scans === 0 ? 'unused so far' : 'speeds up reads'}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  )
}
