import { join } from 'node:path'
import pg from 'pg'
import { unstable_readConfig as readConfig } from 'wrangler'
import { readSettings } from '../env.ts'
import { CRONS } from '../jobs/crons.ts'
import { MAX_ATTEMPTS } from '../jobs/retry.ts'
import { findMissingFunctions, readMigrations } from './migrate.ts'

/**
 * `npm run doctor` examines a deployment: the settings in the environment, the database, wrangler.toml and, if WATCHER_URL
 * is set, the running service. Every finding says what is wrong and how to mend it. The doctor never shows values of
 * settings.
 */
export interface Finding {
  name: string
  /** What is wrong and how to mend it; undefined if nothing is wrong. */
  fault: string | undefined
  /** What the doctor has seen, if nothing is wrong. */
  seen?: string
  /** True if what it has seen works, but is hardly what is wanted. */
  isWarning?: boolean
}

/** As `server_version_num` counts: PostgreSQL 15.0. */
const MIN_POSTGRES = 150_000
/** The quarter-hourly cron and its jobs need attention after this time. */
const MAX_WAIT_SECONDS = 20 * 60

type Variables = Record<string, string | undefined>

/** Examines everything that can be reached. The findings are in the order in which to mend them. */
export const examine = async (variables: Variables, configPath: string): Promise<Finding[]> => {
  const findings = [examineSettings(variables)]
  const databaseUrl = variables.PROD_DATABASE_URL ?? variables.DATABASE_URL
  if (databaseUrl && URL.canParse(databaseUrl)) findings.push(...(await examineDatabase(databaseUrl, variables)))
  findings.push(examineConfig(configPath))
  if (variables.WATCHER_URL) findings.push(...(await examineService(variables.WATCHER_URL, variables.WATCHER_TOKEN)))
  return findings
}

const examineSettings = (variables: Variables): Finding => {
  const name = 'settings'
  try {
    const { WATCHER_API_TOKENS } = readSettings({ ENV_STATE: 'prod', ...variables })
    if (WATCHER_API_TOKENS.length === 0) {
      return {
        name,
        fault: 'WATCHER_API_TOKENS is not set: production refuses every request. Run npx wrangler secret put WATCHER_API_TOKENS --env=',
      }
    }
    return { name, fault: undefined, seen: `${WATCHER_API_TOKENS.length} token(s)` }
  } catch (error) {
    return { name, fault: `${(error as Error).message}. Set it in this environment and with npx wrangler secret put <NAME> --env=` }
  }
}

const examineDatabase = async (url: string, variables: Variables): Promise<Finding[]> => {
  let client: pg.Client
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
    await client.connect()
  } catch (error) {
    const reason = (error as { code?: string }).code ?? 'no answer'
    return [{ name: 'database', fault: `it cannot be reached (${reason}): check host, user, password and database in DATABASE_URL` }]
  }
  try {
    const { rows } = await client.query<{ version: number; name: string }>(
      `select current_setting('server_version_num')::int as version, current_setting('server_version') as name`,
    )
    const { version = 0, name = '' } = rows[0] ?? {}
    const isOld = version < MIN_POSTGRES
    return [
      { name: 'database', fault: isOld ? `PostgreSQL ${name} is too old: use 15 or newer` : undefined, seen: `PostgreSQL ${name}` },
      await examineMigrations(client),
      await examineFunctions(client),
      await examineChannels(client, variables),
    ]
  } finally {
    await client.end()
  }
}

const examineMigrations = async (client: pg.Client): Promise<Finding> => {
  const name = 'migrations'
  const known = readMigrations().map(({ hash }) => hash)
  const { rows } = await client
    .query<{ hash: string }>('select hash from drizzle.__drizzle_migrations')
    .catch(() => ({ rows: [] as { hash: string }[] }))
  const recorded = rows.map(({ hash }) => hash)
  const due = known.filter((hash) => !recorded.includes(hash)).length
  if (due > 0) return { name, fault: `${due} of ${known.length} are not applied: run npm run db:migrate` }
  if (recorded.some((hash) => !known.includes(hash)))
    return { name, fault: 'the database belongs to a newer version than this checkout: check out and deploy that version' }
  return { name, fault: undefined, seen: `all ${known.length} applied` }
}

const examineFunctions = async (client: pg.Client): Promise<Finding> => {
  const missing = (await findMissingFunctions(client)).map(({ hashedName }) => hashedName)
  return {
    name: 'functions',
    fault: missing.length > 0 ? `the database lacks ${missing.join(', ')}: run npm run db:migrate` : undefined,
    seen: 'the database has all functions of this version',
  }
}

const examineChannels = async (client: pg.Client, variables: Variables): Promise<Finding> => {
  const hasSlack = Boolean(variables.PROD_SLACK_WEBHOOK_URL ?? variables.SLACK_WEBHOOK_URL)
  const { rows } = await client.query<{ count: number }>('select count(*)::int from channel where active').catch(() => ({ rows: [] }))
  const count = rows[0]?.count ?? 0
  const places = [...(hasSlack ? ['Slack (SLACK_WEBHOOK_URL)'] : []), ...(count > 0 ? [`${count} channel(s)`] : [])]
  const nowhere = 'alerts go nowhere but the log: create a channel (POST /channel), or set SLACK_WEBHOOK_URL'
  return places.length > 0
    ? { name: 'alerts', fault: undefined, seen: `alerts go to ${places.join(' and ')}` }
    : { name: 'alerts', fault: undefined, seen: nowhere, isWarning: true }
}

const examineConfig = (configPath: string): Finding => {
  const name = 'wrangler.toml'
  const faults: string[] = []
  for (const env of [undefined, 'staging']) {
    const { triggers, queues } = readConfig({ config: configPath, ...(env ? { env } : {}) }, { hideWarnings: true })
    const where = env ?? 'production'
    for (const cron of Object.values(CRONS))
      if (!triggers.crons?.includes(cron)) faults.push(`${where}: the cron "${cron}" is missing in [triggers]`)
    const producer = queues.producers?.find(({ binding }: { binding: string }) => binding === 'JOBS')
    const consumer = queues.consumers?.find(({ queue }: { queue: string }) => queue === producer?.queue)
    const dead = queues.consumers?.some(({ queue }: { queue: string }) => queue === consumer?.dead_letter_queue)
    if (!producer) faults.push(`${where}: no queue is bound to JOBS`)
    else if (!consumer) faults.push(`${where}: the queue ${producer.queue} has no consumer`)
    else if (!dead) faults.push(`${where}: the queue ${producer.queue} has no dead letter queue with a consumer`)
    else if (consumer.max_retries !== MAX_ATTEMPTS - 1)
      faults.push(`${where}: max_retries of ${producer.queue} must be ${MAX_ATTEMPTS - 1}`)
  }
  return {
    name,
    fault: faults.length > 0 ? faults.join('; ') : undefined,
    seen: 'crons, queue and dead letter queue are set for production and staging',
  }
}

const examineService = async (url: string, token: string | undefined): Promise<Finding[]> => {
  const ask = (path: string) =>
    fetch(new URL(path, url), { headers: token ? { authorization: `Bearer ${token}` } : {}, signal: AbortSignal.timeout(15_000) }).catch(
      () => undefined,
    )
  const health = await ask('/?deep=true')
  if (!health) return [{ name: 'service', fault: `nothing answers at ${url}: check WATCHER_URL, or deploy first` }]
  if (!health.ok) return [{ name: 'service', fault: `it answered ${health.status} (${await messageOf(health)}): see its log` }]
  const version = health.headers.get('x-watcher-version')
  const service = {
    name: 'service',
    fault: undefined,
    seen: `it answers and reaches its database${version ? ` (version ${version})` : ''}`,
  }
  const answer = await ask('/monitoring')
  if (!answer?.ok) {
    const reason = answer ? await messageOf(answer) : 'no answer'
    return [
      service,
      { name: 'jobs', fault: `the doctor cannot read them (${reason}): ${token ? 'check' : 'give a token in'} WATCHER_TOKEN` },
    ]
  }
  const { kinds, oldest_waiting } = (await answer.json()) as Monitoring
  const lastCheck = kinds.find(({ kind }) => kind === 'check_timeliness')?.last_finished_at ?? null
  const isTicking = lastCheck !== null && Date.now() - Date.parse(lastCheck) < MAX_WAIT_SECONDS * 1000
  const waiting = oldest_waiting?.age_seconds ?? 0
  const failed = kinds.reduce((sum, kind) => sum + kind.failed, 0)
  return [
    service,
    {
      name: 'crons',
      fault: isTicking
        ? undefined
        : 'no timeliness check in the last 20 minutes: after a deployment, wait 15 minutes; then check [triggers] in wrangler.toml',
      seen: `the last timeliness check was at ${lastCheck}`,
    },
    {
      name: 'queue',
      fault:
        waiting > MAX_WAIT_SECONDS
          ? `a job has waited for ${Math.round(waiting)} seconds: run npx wrangler queues list, and see the log`
          : undefined,
      seen: 'no job has waited for more than 20 minutes',
    },
    {
      name: 'failed jobs',
      fault: failed > 0 ? `${failed}: see ${new URL('/job?state=failed', url)}, then POST /replay_job` : undefined,
      seen: 'none',
    },
  ]
}

/** The fields of `GET /monitoring` that the doctor reads. */
interface Monitoring {
  kinds: { kind: string; failed: number; last_finished_at: string | null }[]
  oldest_waiting: { age_seconds: number } | null
}

const messageOf = async (response: Response): Promise<string> =>
  ((await response.json().catch(() => ({}))) as { message?: string }).message ?? 'no message'

if (import.meta.main) {
  const findings = await examine(process.env, join(import.meta.dirname, '..', '..', 'wrangler.toml'))
  for (const { name, fault, seen, isWarning } of findings)
    console.log(`${fault ? '✗' : isWarning ? '!' : '✓'} ${name.padEnd(14)} ${fault ?? seen ?? ''}`)
  if (!process.env.WATCHER_URL) console.log('  (WATCHER_URL=https://… WATCHER_TOKEN=… npm run doctor also examines the running service)')
  process.exitCode = findings.some(({ fault }) => fault) ? 1 : 0
}
