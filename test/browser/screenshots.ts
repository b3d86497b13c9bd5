import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { startDevServer } from '../support/node/dev-server.ts'
import { ROOT } from '../support/node/guides.ts'

/**
 * `npm run screenshots` makes the pictures of README and the guides: it starts a server with its own data, fills it with
 * the demo's company, opens each page in Chromium and writes .github/screenshots. It takes some minutes.
 */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FOLDER = join(ROOT, '.github', 'screenshots')
const SIZE = { width: 1280, height: 960 }

/** The anomaly of this pipeline, and the lineage of this address, show much on one picture. */
const PIPELINE = 'extract-wms-parcels'
const ADDRESS = 'analytics.products.dim_product'

const server = await startDevServer()
try {
  execFileSync(process.execPath, [join(ROOT, 'src/demo/demo.ts'), '--fill'], {
    env: { ...process.env, WATCHER_URL: server.url },
    stdio: 'inherit',
  })
  const idOf = async (path: string): Promise<number> => {
    const [row] = (await (await fetch(server.url + path)).json()) as { id: number }[]
    if (!row) throw new Error(`the demo has no ${path}`)
    return row.id
  }
  const paths: Record<string, string> = {
    overview: '/overview',
    pipeline: `/pipelines/${await idOf(`/pipeline?name=${PIPELINE}`)}`,
    'lineage-graph': `/lineage-graph?address=${await idOf(`/address?name=${ADDRESS}`)}&depth=2`,
    incidents: '/incidents',
    reporting: '/reporting',
    monitoring: '/monitoring',
    diagnostics: '/diagnostics',
  }
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-quic'] })
  const context = await browser.newContext({ viewport: SIZE, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' })
  const page = await context.newPage()
  for (const [name, path] of Object.entries(paths)) {
    await page.goto(server.url + path, { waitUntil: 'load' })
    // Charts and graphs are drawn after the load, by their scripts.
    await page.waitForTimeout(1_000)
    await page.screenshot({ path: join(FOLDER, `${name}.png`) })
    console.log(`${name}.png shows ${path}`)
  }
  await browser.close()
} finally {
  await server.stop()
}
