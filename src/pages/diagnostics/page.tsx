import journal from '../../../migrations/meta/_journal.json'
import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { SETTING_NAMES } from '../../env.ts'
import { Badge, Moment } from '../frame/elements.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { Busy, Indexes, Slowest, size, Tables } from './database.tsx'
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
export const DiagnosticsPage = (loaded: Loaded, { now, caller }: ViewScope<unknown>) => {
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
      <Busy mayRead={caller.mayWrite} busy={diagnosis.busy} deadlocks={diagnosis.deadlocks} />
      <h2>Slowest statements</h2>
      <Slowest mayRead={caller.mayWrite} slowest={slowest} />
      <h2>Tables</h2>
      <Tables tables={diagnosis.tables} />
      <h2>Indexes</h2>
      <Indexes diagnosis={diagnosis} />
    </>
  )
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
