import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'
import { withClient } from './jobs.ts'
import { AUTHORIZATION, percentile } from './load.ts'
import { fillPages } from './pages-fill.ts'
import type { Server } from './workerd.ts'

/**
 * `npm run bench -- pages`: what each page costs in a house of 10,000 pipelines and six million runs: its time at the database, the size of
 * its HTML and of its scripts. Each has an aim.
 */
const ROUNDS = 40
const AIMS = { p95Millis: 100, htmlBytes: 200_000, scriptBytes: 40 * 1024 }

const ROOT = join(import.meta.dirname, '../..')

/** Ids of rows that are worth a page. */
interface Ids {
  /** A pipeline like most others. */
  usual: number
  /** The pipeline with 240,000 runs. */
  busy: number
  failed: number
  failedRun: number
  address: number
  day: (daysAgo: number) => string
}

/** The addresses to ask for, by the path of the page. A page without an entry is asked for by its path alone. */
const ADDRESSES: Record<string, (ids: Ids) => string[]> = {
  '/overview': () => ['/overview', '/overview?state=late', '/overview?state=ok&page=50', '/overview?search=77'],
  '/runs': () => ['/runs', '/runs?state=failed'],
  '/pipelines': () => ['/pipelines', '/pipelines?owner=team-3', '/pipelines?search=77'],
  '/pipelines/{id}': ({ usual, busy, failed, failedRun }) => [
    `/pipelines/${usual}`,
    `/pipelines/${failed}?execution=${failedRun}`,
    `/pipelines/${busy}?days=7`,
    `/pipelines/${busy}?days=30`,
  ],
  '/executions/{id}': ({ failedRun }) => [`/executions/${failedRun}`],
  '/incidents': () => ['/incidents', '/incidents?show=all', '/incidents?owner=team-3'],
  '/incidents/{id}': () => ['/incidents/1'],
  '/lineage-graph': ({ address }) => ['/lineage-graph', `/lineage-graph?address=${address}`, '/lineage-graph?search=n77'],
  '/schedule': () => ['/schedule', '/schedule?page=20'],
  '/reporting': ({ day }) => [
    '/reporting',
    `/reporting?from=${day(29)}&to=${day(0)}`,
    `/reporting?from=${day(29)}&to=${day(0)}&sort=error_rate`,
  ],
}

/** The paths of all pages, from the routes that src/pages/index.ts registers. Node does not run JSX, so they are bundled. */
const listPages = async (): Promise<string[]> => {
  const outfile = join(ROOT, 'dist', 'bench', 'pages.mjs')
  buildSync({
    stdin: {
      contents: `import { house } from './house.ts'; import { createRouter, routesByPath } from './http/router.ts'; import { pages } from './pages/index.ts'
        const router = createRouter(); for (const { routes } of pages) routes(router, house)
        const found = router.routes.flatMap(({ path }) => routesByPath(router)(path))
        export const paths = [...new Set(found.filter(({ kind, method }) => kind === 'page' && method === 'get').map(({ path }) => path))]`,
      resolveDir: join(ROOT, 'src'),
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  })
  return ((await import(pathToFileURL(outfile).href)) as { paths: string[] }).paths
}

const findIds = (url: string): Promise<Ids> =>
  withClient(url, async (client) => {
    const { rows } = await client.query(`
      select (select id from pipeline where name = 'busy') as busy, i.pipeline_id as failed, i.last_execution_id as run,
        (select id from address where name = 'n5000') as address
      from incident i where i.kind = 'failed' and i.resolved_at is null order by i.id limit 1`)
    const { busy, failed, run, address } = rows[0]
    const day = (daysAgo: number) => new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10)
    return { usual: 77, busy: Number(busy), failed: Number(failed), failedRun: Number(run), address: Number(address), day }
  })

interface Figures {
  address: string
  trips: number
  p50: number
  p95: number
  htmlBytes: number
  scriptBytes: number
}

/** Asks for a page again and again, as a browser does, and reads its time at the database from `Server-Timing`. */
const measurePage = async ({ port }: Server, address: string): Promise<Figures> => {
  const millis: number[] = []
  let [html, trips] = ['', 0]
  for (let round = -3; round < ROUNDS; round += 1) {
    const response = await fetch(`http://127.0.0.1:${port}${address}`, { headers: { ...AUTHORIZATION, accept: 'text/html' } })
    html = await response.text()
    if (!response.ok) throw new Error(`${address} was answered ${response.status}: ${/<section.*<\/section>/s.exec(html)?.[0]}`)
    const timing = /db;dur=(\d+);desc="(\d+) /.exec(response.headers.get('server-timing') ?? '')
    trips = Number(timing?.[2])
    if (round >= 0) millis.push(Number(timing?.[1]))
  }
  millis.sort((left, right) => left - right)
  return {
    address,
    trips,
    p50: percentile(millis, 50),
    p95: percentile(millis, 95),
    htmlBytes: Buffer.byteLength(html),
    scriptBytes: scriptBytesOf(html),
  }
}

/** The size of all scripts that a page loads, as they are sent: compressed. */
const scriptBytesOf = (html: string): number =>
  [...html.matchAll(/<script[^>]* src="(\/static\/[\w-]+\.js)/g)]
    .map(([, path]) => gzipSync(readFileSync(join(ROOT, 'dist', 'assets', path as string))).length)
    .reduce((sum, bytes) => sum + bytes, 0)

/** Fills the database and returns the table of all pages. */
export const measurePages = async (url: string, endpoint: string, serve: () => Promise<Server>): Promise<string> => {
  const begun = performance.now()
  await fillPages(url, endpoint)
  console.log(`filled the database in ${Math.round((performance.now() - begun) / 1000)} s`)
  return renderPages(url, await serve())
}

/** Measures every page against a database that is filled. */
export const renderPages = async (url: string, server: Server): Promise<string> => {
  const ids = await findIds(url)
  const lines: string[] = []
  for (const path of await listPages()) {
    const addresses = ADDRESSES[path]?.(ids) ?? [path]
    if (addresses.some((address) => address.includes('{'))) throw new Error(`say in ADDRESSES with which ids to ask for ${path}`)
    for (const address of addresses) lines.push(line(await measurePage(server, address)))
  }
  const heading =
    '| page | statements | database p50, ms | database p95, ms | HTML, kB | scripts gzip, KiB | holds |\n|---|---|---|---|---|---|---|'
  return `${heading}\n${lines.join('\n')}\n\nThe aims: p95 ${AIMS.p95Millis} ms, HTML ${AIMS.htmlBytes / 1000} kB, scripts ${AIMS.scriptBytes / 1024} KiB.`
}

const line = ({ address, trips, p50, p95, htmlBytes, scriptBytes }: Figures): string => {
  const misses = [
    p95 > AIMS.p95Millis && 'database',
    htmlBytes > AIMS.htmlBytes && 'HTML',
    scriptBytes > AIMS.scriptBytes && 'scripts',
  ].filter(Boolean)
  const [html, scripts] = [(htmlBytes / 1000).toFixed(0), (scriptBytes / 1024).toFixed(1)]
  return `| ${address} | ${trips} | ${p50} | ${p95} | ${html} | ${scripts} | ${misses.length === 0 ? 'yes' : `**no: ${misses.join(', ')}**`} |`
}
