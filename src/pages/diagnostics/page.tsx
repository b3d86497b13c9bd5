import journal from '../../../migrations/meta/_journal.json'
import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { SETTING_NAMES } from '../../env.ts'
import { isLate } from '../../jobs/crons.ts'
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
  hasSlack: boolean
}

/** A tick that came later than this is worth a word: Cloudflare fires within a minute. */
const LATE_SECONDS = 90

export const DiagnosticsPage = (loaded: Loaded, { now, caller }: ViewScope<unknown>) => {
  const { diagnosis, slowest, millis } = loaded
  return (
    <>
      <h1>Diagnostics</h1>
      <div class="columns">
        <Reach diagnosis={diagnosis} millis={millis} />
        <Background diagnosis={diagnosis} now={now} hasSlack={loaded.hasSlack} />
        <Settings {...loaded} />
      </div>
      <h2>Long statements and lock waits</h2>
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

/** Compares the applied migrations with those of this version. The creation time of a migration identifies it. */
const migrationsOf = (applied: number[]): { isGood: boolean; text: string } => {
  const known = journal.entries.map(({ when }) => when)
  const due = known.filter((when) => !applied.includes(when)).length
  const newest = journal.entries.at(-1)?.tag ?? ''
  if (due > 0) return { isGood: false, text: `${due} of ${known.length} are not applied: run npm run db:migrate` }
  if (applied.some((when) => !known.includes(when)))
    return { isGood: true, text: `the database has newer migrations than this version (${newest})` }
  return { isGood: true, text: `all ${known.length} applied, the newest is ${newest}` }
}

const Sign = ({ isGood }: { isGood: boolean }) => (
  <Badge state={isGood ? 'succeeded' : 'failed'}>{isGood ? 'good' : 'needs attention'}</Badge>
)

const Reach = ({ diagnosis, millis }: { diagnosis: Diagnosis; millis: number }) => {
  const migrations = migrationsOf(diagnosis.migrations)
  return (
    <section class="panel" aria-label="Database">
      <h2>Database</h2>
      <dl class="facts">
        <dt>Connection</dt>
        <dd>
          <Sign isGood /> this page's statement took {grouped(millis)} ms
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
          {grouped(diagnosis.connections)} of at most {grouped(diagnosis.max_connections)}
        </dd>
        <dt>Statistics since</dt>
        <dd>{diagnosis.counted_since ? <Moment at={diagnosis.counted_since} /> : 'the database was created'}</dd>
      </dl>
    </section>
  )
}

const Background = ({ diagnosis, now, hasSlack }: { diagnosis: Diagnosis; now: string; hasSlack: boolean }) => {
  const { crons, queue } = diagnosis
  return (
    <section class="panel" aria-label="Crons and queue">
      <h2>Crons and queue</h2>
      <dl class="facts">
        {crons.map(({ cron, due_at, came_at, fault }) => {
          const delaySeconds = secondsBetween(due_at, came_at)
          return (
            <>
              <dt>
                <code>{cron}</code>
              </dt>
              <dd>
                <Sign isGood={fault === null && !isLate(cron, due_at, now)} /> fired <Moment at={came_at} as="ago" now={now} />
                {delaySeconds > LATE_SECONDS ? `, ${duration(delaySeconds)} after it was due` : ''}
                {fault === null ? '' : `; ${fault}`}
              </dd>
            </>
          )
        })}
        <dt>Queue</dt>
        <dd>
          <Sign isGood={(queue.oldest_seconds ?? 0) < 1_800} /> jobs: {grouped(queue.waiting)} waiting, {grouped(queue.running)} running
          {queue.oldest_seconds === null ? '' : `; the oldest has waited for ${duration(queue.oldest_seconds)}`}; {grouped(queue.resent)}{' '}
          sent again because the message was lost. See <a href="/monitoring">Monitoring</a>.
        </dd>
        <dt>Alerts</dt>
        <dd>
          <Sign isGood={hasSlack || diagnosis.channels > 0} /> <Alerts channels={diagnosis.channels} hasSlack={hasSlack} />
        </dd>
      </dl>
    </section>
  )
}

const Alerts = ({ channels, hasSlack }: { channels: number; hasSlack: boolean }) => (
  <>
    {hasSlack || channels > 0
      ? `go to ${[...(hasSlack ? ['SLACK_WEBHOOK_URL'] : []), ...(channels > 0 ? [`${channels} ${channels === 1 ? 'channel' : 'channels'}`] : [])].join(' and ')}.`
      : 'go nowhere but the log.'}{' '}
    See <a href="/channels">Channels</a>.
  </>
)

const Settings = ({ namesGiven, state }: Loaded) => (
  <section class="panel" aria-label="Settings">
    <h2>Settings ({state})</h2>
    <dl class="facts settings">
      {SETTING_NAMES.map((name) => (
        <>
          <dt>{name}</dt>
          <dd>{namesGiven.includes(name) ? <Badge state="succeeded">set</Badge> : <Badge state="idle">default</Badge>}</dd>
        </>
      ))}
    </dl>
    <small>This page never shows the values of settings.</small>
  </section>
)
