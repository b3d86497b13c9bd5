import journal from '../../../migrations/meta/_journal.json'
import { SETTING_NAMES } from '../../env.ts'
import { Badge, duration, grouped, Moment, Scrolled, secondsBetween } from '../../pages/elements.tsx'
import type { ViewScope } from '../../pages/page.tsx'
import type { Diagnosis, Slow } from './queries.ts'

interface Loaded {
  diagnosis: Diagnosis
  slowest: Slow[] | undefined
  millis: number
  namesGiven: readonly string[]
  state: string
}

/** When each cron is late: twice its interval. */
const LATE_SECONDS: Record<string, number> = { check_timeliness: 1_800, check_freshness: 7_200, clean_logs: 2 * 86_400 }
/** Smaller tables are read from end to end because that is quicker. */
const WORTH_AN_INDEX = 10_000

export const DiagnosticsPage = (loaded: Loaded, { now }: ViewScope<unknown>) => {
  const { diagnosis, slowest, millis } = loaded
  return (
    <>
      <h1>Diagnostics</h1>
      <div class="columns">
        <Reach diagnosis={diagnosis} millis={millis} />
        <Background diagnosis={diagnosis} now={now} />
        <Settings {...loaded} />
      </div>
      <h2>Running for long, or waiting for a lock</h2>
      <Busy busy={diagnosis.busy} deadlocks={diagnosis.deadlocks} />
      <h2>Slowest statements</h2>
      <Slowest slowest={slowest} />
      <h2>Tables</h2>
      <Tables tables={diagnosis.tables} />
      <h2>Indexes</h2>
      <Indexes diagnosis={diagnosis} />
    </>
  )
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const size = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${grouped(bytes / 1024 ** power, power > 1 ? 1 : 0)} ${UNITS[power]}`
}

/** Applied and known migrations, by the moment each was made. */
const migrationsOf = (applied: number[]): { isGood: boolean; text: string } => {
  const known = journal.entries.map(({ when }) => when)
  const due = known.filter((when) => !applied.includes(when)).length
  const newest = journal.entries.at(-1)?.tag ?? ''
  if (due > 0) return { isGood: false, text: `${due} of ${known.length} are not applied: npm run db:migrate` }
  if (applied.some((when) => !known.includes(when))) return { isGood: true, text: `the database is ahead of this version (${newest})` }
  return { isGood: true, text: `all ${known.length} applied, the newest is ${newest}` }
}

const Sign = ({ isGood }: { isGood: boolean }) => <Badge state={isGood ? 'succeeded' : 'failed'}>{isGood ? 'good' : 'look here'}</Badge>

const Reach = ({ diagnosis, millis }: { diagnosis: Diagnosis; millis: number }) => {
  const migrations = migrationsOf(diagnosis.migrations)
  return (
    <section class="panel" aria-label="Database">
      <h3>Database</h3>
      <dl class="facts">
        <dt>Reached</dt>
        <dd>
          <Sign isGood /> in {grouped(millis)} ms, for this page
        </dd>
        <dt>Latency</dt>
        <dd>
          <button type="button" id="probe" class="quiet">
            Probe 20 times
          </button>{' '}
          <output id="probed" />
        </dd>
        <dt>Migrations</dt>
        <dd>
          <Sign isGood={migrations.isGood} /> {migrations.text}
        </dd>
        <dt>Server</dt>
        <dd>
          PostgreSQL {diagnosis.version}, database {diagnosis.database}, {size(diagnosis.bytes)}
        </dd>
        <dt>Connections</dt>
        <dd>
          {grouped(diagnosis.connections)} of {grouped(diagnosis.most_connections)}
        </dd>
        <dt>Counted since</dt>
        <dd>{diagnosis.counted_since ? <Moment at={diagnosis.counted_since} /> : 'the server was set up'}</dd>
      </dl>
    </section>
  )
}

const Background = ({ diagnosis: { crons, queue }, now }: { diagnosis: Diagnosis; now: string }) => (
  <section class="panel" aria-label="Crons and queue">
    <h3>Crons and queue</h3>
    <dl class="facts">
      {crons.map(({ kind, ticks }) => {
        const [last] = ticks
        return (
          <>
            <dt>{kind}</dt>
            <dd>
              {last === undefined ? (
                <>
                  <Badge state="waiting" /> no tick seen yet
                </>
              ) : (
                <>
                  <Sign isGood={secondsBetween(last, now) <= (LATE_SECONDS[kind] ?? 0)} /> last <Moment at={last} as="ago" now={now} />
                  {ticks.length > 1
                    ? `; before that every ${duration(secondsBetween(ticks.at(-1) ?? last, last) / (ticks.length - 1))}`
                    : ''}
                </>
              )}
            </dd>
          </>
        )
      })}
      <dt>Queue</dt>
      <dd>
        <Sign isGood={(queue.oldest_seconds ?? 0) < 1_800} /> {grouped(queue.waiting)} waiting, {grouped(queue.running)} running
        {queue.oldest_seconds === null ? '' : `, the oldest for ${duration(queue.oldest_seconds)}`}; {grouped(queue.resent)} sent again
        after a lost message. <a href="/monitoring">Monitoring</a>
      </dd>
    </dl>
  </section>
)

const Settings = ({ namesGiven, state }: Loaded) => (
  <section class="panel" aria-label="Settings">
    <h3>Settings ({state})</h3>
    <dl class="facts settings">
      {SETTING_NAMES.map((name) => (
        <>
          <dt>{name}</dt>
          <dd>{namesGiven.includes(name) ? <Badge state="succeeded">set</Badge> : <Badge state="idle">default</Badge>}</dd>
        </>
      ))}
    </dl>
    <small>Their values are never shown.</small>
  </section>
)

const Busy = ({ busy, deadlocks }: { busy: Diagnosis['busy']; deadlocks: number }) => (
  <>
    {busy.length === 0 ? (
      <p>Nothing has run for more than a second or waits for another. Deadlocks so far: {grouped(deadlocks)}.</p>
    ) : (
      <>
        <Scrolled label="Long statements and locks">
          <table>
            <thead>
              <tr>
                <th class="number">Process</th>
                <th>State</th>
                <th class="number">For</th>
                <th>Waits for</th>
                <th>Statement</th>
              </tr>
            </thead>
            <tbody>
              {busy.map((row) => (
                <tr>
                  <td class="number">{row.pid}</td>
                  <td>{row.state ?? '–'}</td>
                  <td class="number">{duration(row.seconds)}</td>
                  <td>{row.blocked_by.length > 0 ? `process ${row.blocked_by.join(', ')}` : (row.wait_event_type ?? 'nothing')}</td>
                  <td class="why">
                    <code>{row.query}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
        <p>Deadlocks so far: {grouped(deadlocks)}.</p>
      </>
    )}
  </>
)

const Slowest = ({ slowest }: { slowest: Slow[] | undefined }) =>
  slowest === undefined ? (
    <p>
      The database does not collect them. <code>CREATE EXTENSION pg_stat_statements</code> switches that on, where the server has loaded it
      (Neon has).
    </p>
  ) : (
    <Scrolled label="Slowest statements">
      <table>
        <thead>
          <tr>
            <th class="number">In all</th>
            <th class="number">Calls</th>
            <th class="number">Mean</th>
            <th class="number">Most</th>
            <th>Statement</th>
          </tr>
        </thead>
        <tbody>
          {slowest.map((row) => (
            <tr>
              <td class="number">{duration(row.total_millis / 1000)}</td>
              <td class="number">{grouped(row.calls)}</td>
              <td class="number">{grouped(row.mean_millis, 2)} ms</td>
              <td class="number">{grouped(row.max_millis, 1)} ms</td>
              <td class="why">
                <code>{row.query}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  )

const Tables = ({ tables }: { tables: Diagnosis['tables'] }) => (
  <Scrolled label="Tables">
    <table>
      <thead>
        <tr>
          <th>Table</th>
          <th class="number">Size</th>
          <th class="number">of it indexes</th>
          <th class="number">Rows</th>
          <th class="number">Dead rows</th>
          <th class="number">Read whole</th>
          <th class="number">Read by index</th>
          <th>Vacuumed</th>
        </tr>
      </thead>
      <tbody>
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
      </tbody>
    </table>
  </Scrolled>
)

const Indexes = ({ diagnosis: { tables, indexes, keys_without_index: keys } }: { diagnosis: Diagnosis }) => {
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
        <Scrolled label="Indexes">
          <table>
            <thead>
              <tr>
                <th>Index</th>
                <th>Table</th>
                <th class="number">Size</th>
                <th class="number">Used</th>
                <th>What for</th>
              </tr>
            </thead>
            <tbody>
              {indexes.map((index) => (
                <tr>
                  <th scope="row">{index.name}</th>
                  <td>{index.table_name}</td>
                  <td class="number">{size(index.bytes)}</td>
                  <td class="number">{grouped(index.scans)}</td>
                  <td>{index.is_unique ? 'keeps rows unique' : index.scans === 0 ? 'unused so far' : 'reading'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      </details>
    </>
  )
}
