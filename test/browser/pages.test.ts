import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { READ_TOKEN, startVisit } from '../support/node/browser.ts'
import { startReceiver } from '../support/node/receiver.ts'

let slack: Awaited<ReturnType<typeof startReceiver>>
const visit = startVisit(async () => {
  slack = await startReceiver()
  // Slack answers 404, as for a removed webhook: alerts fail permanently until a test changes this.
  await fetch(`${slack.url}/pages`, { method: 'PUT', body: JSON.stringify(Array.from({ length: 50 }, () => ({ status: 404 }))) })
  return { SLACK_WEBHOOK_URL: `${slack.url}/pages` }
})
afterAll(() => slack?.close())

const ids = { incident: 0, failing: 0, reader: 0, odd: 0, oddRun: 0, failedRun: 0, hub: 0, orders: 0 }
const address = (name: string) => ({ name, address_type_name: 'postgresql', address_type_group_name: 'database' })

const create = (name: string, fields: Record<string, unknown> = {}) =>
  visit.create(name, { pipeline_type_name: 'extraction', load_lineage: true, ...fields })
const run: typeof visit.run = (...given) => visit.run(...given)

const link = (pipeline_id: number, sources: string[], targets: string[]) =>
  visit.call('POST', '/address_lineage', { pipeline_id, source_addresses: sources.map(address), target_addresses: targets.map(address) })

beforeAll(async () => {
  ids.failing = await create('orders-load', { pipeline_metadata: { owner: 'sales' } })
  ids.reader = await create('revenue-mart', { pipeline_type_name: 'dbt' })
  ids.odd = await create('clicks-load')
  const late = await create('invoices-load', { timeliness_number: 5, timeliness_datepart: 'minute' })
  const hub = await create('hub')
  await link(ids.failing, ['shop.public.orders'], ['raw.shop.orders'])
  await link(ids.reader, ['raw.shop.orders'], ['mart.sales.revenue'])
  await link(
    hub,
    ['hub.centre'],
    Array.from({ length: 499 }, (_, index) => `hub.leaf.${index}`),
  )
  await link(await create('hub-too'), ['hub.centre'], ['hub.extra.1', 'hub.extra.2'])
  const idOf = async (name: string) => ((await visit.call('GET', `/address?name=${name}`)).body as { id: number }[])[0]?.id ?? 0
  ids.hub = await idOf('hub.centre')
  ids.orders = await idOf('raw.shop.orders')
  await visit.call('POST', '/anomaly_detection_rule', { pipeline_id: ids.odd, metric_field: 'inserts', minimum_executions: 5 })
  for (let day = 6; day >= 1; day -= 1) await run(ids.odd, day * 1440 + 3, day * 1440 + 2, { inserts: 100 + day, total_rows: 100 })
  ids.oddRun = await run(ids.odd, 3, 2, { inserts: 0, total_rows: 0 })
  await run(ids.failing, 90, 80, { inserts: 5, total_rows: 5 })
  ids.failedRun = await run(ids.failing, 30, 20, {
    completed_successfully: false,
    execution_metadata: { error: 'relation "orders" does not exist' },
  })
  await run(ids.reader, 20, 15, { inserts: 7 }, ids.failedRun)
  await run(late, 60, null)
  await visit.call('POST', '/timeliness', { lookback_minutes: 120 })
  const settled = async () => {
    const { kinds } = (await visit.call('GET', '/monitoring')).body as {
      kinds: { kind: string; failed: number; waiting: number; running: number }[]
    }
    // The late run asked for a look at its deadline in the next minute: that job waits for it.
    expect(kinds.filter(({ kind, waiting, running }) => kind !== 'check_deadlines' && waiting + running > 0)).toEqual([])
    expect(kinds.find(({ kind }) => kind === 'send_alert')?.failed).toBeGreaterThanOrEqual(3)
  }
  await vi.waitFor(settled, { timeout: 40_000, interval: 250 })
  ids.incident = ((await visit.call('GET', `/incident?pipeline_id=${ids.failing}`)).body as { id: number }[])[0]?.id ?? 0
  await visit.call('PATCH', '/pipeline', { id: ids.reader, schedule_cron: '0 * * * *' })
  await visit.call('POST', '/channel', { name: 'on-call', kind: 'slack', settings: { webhook_url: `${slack.url}/on-call` } })
})

const paths = () => [
  '/overview',
  `/pipelines/${ids.odd}?metric=inserts&execution=${ids.oddRun}`,
  `/lineage-graph?address=${ids.orders}`,
  '/reporting',
  '/monitoring',
  '/diagnostics',
  '/incidents?show=all',
  `/incidents/${ids.incident}`,
  '/schedule',
  '/channels',
]

describe('every page', () => {
  it.each([
    [1440, 'light'],
    [1440, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('is accessible, fits and logs no error, %d pixels wide and %s', async (width, colorScheme) => {
    const page = await visit.newPage({ viewport: { width, height: 900 }, colorScheme })
    for (const path of paths()) {
      await page.goto(visit.url + path)
      await page.locator('main h1').waitFor()
      expect([path, await faultsOfAxe(page)]).toEqual([path, []])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
      expect([path, overflow]).toEqual([path, 0])
    }
    expect(visit.faults).toEqual([])
  })

  it('can be used by keyboard, and shows times in the reader`s zone with UTC on hover', async () => {
    const page = await visit.newPage({ timezoneId: 'Asia/Tokyo', locale: 'en-GB' })
    await page.goto(`${visit.url}/pipelines/${ids.failing}`)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    const time = page.locator(`#run-${ids.failedRun} time`)
    const at = new Date((await time.getAttribute('datetime')) ?? '')
    const tokyo = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' }).format(at)
    expect([await time.textContent(), await time.getAttribute('title')]).toEqual([
      tokyo,
      `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`,
    ])
    expect(visit.faults).toEqual([])
  })
})

describe('the overview', () => {
  it('leads in three clicks to the failed run, the reason, and the pipelines downstream', async () => {
    await visit.open('/')
    await visit.page.waitForURL('**/overview')
    await visit.page.getByRole('region', { name: 'What is wrong now' }).getByRole('link', { name: 'orders-load' }).click()
    const chosen = visit.page.locator('#chosen')
    expect(await chosen.textContent()).toContain('relation "orders" does not exist')
    expect(await visit.page.getByRole('region', { name: 'Lineage' }).textContent()).toContain('revenue-mart')
    await chosen.getByRole('link', { name: 'Lineage graph' }).click()
    await visit.page.locator('.graph .node', { hasText: 'mart.sales.revenue' }).waitFor()
    expect(visit.faults).toEqual([])
  })

  it('filters by problem, type and name, and keeps the filters in its address', async () => {
    const names = () => visit.page.locator('.strip .name').allTextContents()
    await visit.open('/overview')
    await visit.page.locator('a.card', { hasText: 'late' }).click()
    await visit.page.waitForURL('**/overview?state=late')
    expect(await names()).toEqual(['invoices-load'])
    await visit.page.goto(`${visit.url}/overview`)
    await visit.page.getByLabel('Type').selectOption('dbt')
    await visit.page.waitForURL(/type=\d+/)
    expect(await names()).toEqual(['revenue-mart'])
    await visit.page.getByRole('searchbox', { name: 'Name' }).fill('MART')
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL(/search=MART/)
    expect(await names()).toEqual(['revenue-mart'])
    expect(new URL(visit.page.url()).searchParams.has('state')).toBe(false)
    expect(visit.faults).toEqual([])
  })

  it('draws the runs of the day, each with a link to its details', async () => {
    await visit.open('/overview')
    const strip = visit.page.locator('.strip', { hasText: 'orders-load' })
    expect(await strip.locator('rect.failed').count()).toBe(1)
    expect(await strip.locator('.visually-hidden').textContent()).toBe('2 runs in the last 24 hours: 1 failed, 1 succeeded')
    await strip.locator('rect.failed').click()
    await visit.page.waitForURL(`**/pipelines/${ids.failing}?execution=${ids.failedRun}`)
    expect(visit.faults).toEqual([])
  })

  it('refreshes its contents without a reload, and says if that fails', async () => {
    await visit.page.clock.install()
    await visit.open('/overview')
    await visit.page.evaluate('document.querySelector(".strips").mine = true')
    await visit.page.getByRole('searchbox', { name: 'Name' }).fill('half typed')
    const before = Number(await visit.page.locator('.card', { hasText: 'pipelines' }).locator('strong').textContent())
    await create('newcomer')
    await visit.page.clock.runFor(21_000)
    await vi.waitFor(async () =>
      expect(Number(await visit.page.locator('.card', { hasText: 'pipelines' }).locator('strong').textContent())).toBe(before + 1),
    )
    expect(await visit.page.evaluate('document.querySelector(".strips").mine')).toBe(true)
    expect(await visit.page.getByRole('searchbox', { name: 'Name' }).inputValue()).toBe('half typed')
    expect(visit.faults).toEqual([])
    await visit.page.route('**/overview', (route) => route.abort())
    await visit.page.clock.runFor(21_000)
    await vi.waitFor(async () => expect(await visit.page.getByRole('status').textContent()).toContain('Not up to date since'))
  })
})

describe('a pipeline', () => {
  it('draws its history with flagged runs, by metric and period; a click on a point opens its run', async () => {
    await visit.open(`/pipelines/${ids.odd}`)
    await visit.page.getByRole('link', { name: 'Inserts', exact: true }).click()
    await visit.page.waitForURL(/metric=inserts/)
    await visit.page.getByRole('link', { name: '7 days' }).click()
    await visit.page.waitForURL(/days=7/)
    const chart = visit.page.locator('#history .u-over')
    const box = await chart.boundingBox()
    expect(await visit.page.locator('#history').getAttribute('aria-label')).toContain('1 flagged')
    await chart.click({ position: { x: (box?.width ?? 0) - 3, y: 20 } })
    await visit.page.waitForURL(new RegExp(`execution=${ids.oddRun}`))
    expect(new URL(visit.page.url()).searchParams.get('metric')).toBe('inserts')
    expect(visit.faults).toEqual([])
  })

  it('shows parts of a run below it', async () => {
    await visit.open(`/pipelines/${ids.failing}`)
    const rows = await visit.page.locator('tbody tr', { hasText: /orders-load|revenue-mart|does not exist/ }).allTextContents()
    expect(rows[0]).toContain('does not exist')
    expect(rows[1]).toContain('revenue-mart')
    expect(visit.faults).toEqual([])
  })

  it('asks before a change, makes the change, and confirms it', async () => {
    await visit.open(`/pipelines/${ids.reader}`)
    const isMuted = async () =>
      ((await visit.call('GET', `/pipeline/${ids.reader}`)).body as { mute_freshness_check: boolean }).mute_freshness_check
    await visit.page.getByRole('button', { name: 'Mute freshness' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    expect(await isMuted()).toBe(false)
    await visit.page.getByRole('button', { name: 'Mute freshness' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Mute freshness' }).click()
    await visit.page.getByText('freshness muted').waitFor()
    expect(await isMuted()).toBe(true)
    await visit.page.getByRole('button', { name: 'Deactivate' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
    await visit.page.getByRole('button', { name: 'Activate', exact: true }).waitFor()
    await visit.page.getByRole('button', { name: 'Run detection' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Run detection' }).click()
    await visit.page.getByText('Detection has run').waitFor()
    expect(visit.faults).toEqual([])
  })

  it("shows the API's message if a change is refused", async () => {
    await visit.open(`/pipelines/${ids.failing}`)
    // Meanwhile a reader with a read-only token has signed in in this browser.
    await visit.page.context().addCookies([{ name: 'watcher_token', value: READ_TOKEN, url: visit.url }])
    await visit.page.getByRole('button', { name: 'Mute timeliness' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Mute timeliness' }).click()
    await visit.page.getByText('The token "reader" may only read').waitFor()
    expect(visit.faults.filter((fault) => !fault.includes('403'))).toEqual([])
  })

  it('says what to do if Watcher does not answer a change, or something else does', async () => {
    await visit.open(`/pipelines/${ids.failing}`)
    const dialog = visit.page.getByRole('dialog')
    await visit.page.route('**/pipeline', (route) => route.abort())
    await visit.page.getByRole('button', { name: 'Mute freshness' }).click()
    await dialog.getByRole('button', { name: 'Mute freshness' }).click()
    await dialog.getByText('Watcher did not answer: check the connection').waitFor()
    await visit.page.unroute('**/pipeline')
    await visit.page.route('**/pipeline', (route) =>
      route.fulfill({ status: 200, contentType: 'text/html', body: '<p>Sign in to the network</p>' }),
    )
    await dialog.getByRole('button', { name: 'Mute freshness' }).click()
    await dialog.getByText('This answer (200) is not from Watcher').waitFor()
    await visit.page.unroute('**/pipeline')
  })

  it('unflags an anomaly', async () => {
    await visit.open(`/pipelines/${ids.odd}?execution=${ids.oddRun}`)
    await visit.page.getByRole('button', { name: 'Not an anomaly' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Not an anomaly' }).click()
    await visit.page.locator('button.action', { hasText: 'Not an anomaly' }).waitFor({ state: 'detached' })
    expect((await visit.call('GET', `/anomaly_detection_result?pipeline_id=${ids.odd}`)).body).toEqual([])
    expect(visit.faults).toEqual([])
  })
})

describe('the lineage graph', () => {
  const nodes = () => visit.page.locator('.graph .node')

  it('suggests names of addresses, and centres on the chosen one', async () => {
    await visit.open('/lineage-graph')
    await visit.page.getByRole('combobox', { name: 'Address' }).pressSequentially('raw.sh')
    await vi.waitFor(async () => expect(await visit.page.locator('#addresses option').count()).toBe(1))
    await visit.page.getByRole('combobox', { name: 'Address' }).fill('raw.shop.orders')
    await visit.page.keyboard.press('Enter')
    await visit.page.locator('.graph .node.centre', { hasText: 'raw.shop.orders' }).waitFor()
    expect(await nodes().count()).toBe(3)
    await visit.page.getByLabel('Direction').selectOption('downstream')
    await vi.waitFor(async () => expect(await nodes().count()).toBe(2))
    await visit.page.getByLabel('Only paths to').fill('nothing like it')
    await visit.page.keyboard.press('Enter')
    await vi.waitFor(async () => expect(await nodes().count()).toBe(1))
    expect(visit.faults).toEqual([])
  })

  it('has layers from left to right, marks failed pipelines, and names the pipelines of an edge on hover and focus', async () => {
    await visit.open(`/lineage-graph?address=${ids.orders}`)
    await visit.page.locator('.graph .node', { hasText: 'mart.sales.revenue' }).waitFor()
    const places = await Promise.all(
      ['shop.public.orders', 'raw.shop.orders', 'mart.sales.revenue'].map((name) =>
        visit.page.locator('.graph .node', { hasText: name }).boundingBox(),
      ),
    )
    expect(places.map((place) => place?.x)).toEqual(places.map((place) => place?.x ?? 0).toSorted((left, right) => left - right))
    expect(await visit.page.locator('.graph .node.failed').textContent()).toContain('raw.shop.orders')
    const edge = visit.page.locator('.graph .edge.failed')
    await edge.locator('.hit').hover({ force: true })
    expect(await visit.page.locator('.tip').textContent()).toMatch(/orders-load \(extraction\): failed.*"owner": "sales"/s)
    await visit.page.mouse.move(5, 5)
    await visit.page.locator('.tip').waitFor({ state: 'hidden' })
    await edge.focus()
    expect(await visit.page.locator('.tip').textContent()).toContain('orders-load')
    expect(visit.faults).toEqual([])
  })

  it('pans, zooms, shows everything, and re-centres on a click', async () => {
    await visit.open(`/lineage-graph?address=${ids.orders}&depth=2`)
    const transform = () => visit.page.locator('.graph svg > g').getAttribute('transform')
    const first = await transform()
    const box = await visit.page.locator('.graph').boundingBox()
    await visit.page.mouse.move((box?.x ?? 0) + 40, (box?.y ?? 0) + 40)
    await visit.page.mouse.down()
    await visit.page.mouse.move((box?.x ?? 0) + 140, (box?.y ?? 0) + 90)
    await visit.page.mouse.up()
    const panned = await transform()
    await visit.page.getByRole('button', { name: 'Zoom in' }).click()
    const zoomed = await transform()
    expect(new Set([first, panned, zoomed]).size).toBe(3)
    await visit.page.getByRole('button', { name: 'Show all' }).click()
    expect(await transform()).toBe(first)
    await visit.page.locator('.graph .node', { hasText: 'mart.sales.revenue' }).click()
    await visit.page.locator('.graph .node.centre', { hasText: 'mart.sales.revenue' }).waitFor()
    expect(new URL(visit.page.url()).searchParams.get('depth')).toBe('2')
    expect(visit.faults).toEqual([])
  })

  it('draws 500 addresses, and says how many there are', async () => {
    await visit.open(`/lineage-graph?address=${ids.hub}`)
    await vi.waitFor(async () => expect(await nodes().count()).toBe(500), { timeout: 20_000 })
    expect(await visit.page.getByText('the nearest 500 of 502 addresses').count()).toBe(1)
    expect(visit.faults).toEqual([])
  })
})

describe('reporting', () => {
  it('sorts, filters, draws the days, and offers the same rows as CSV', async () => {
    await visit.open('/reporting')
    await visit.page.locator('#report canvas').waitFor()
    await visit.page.getByRole('link', { name: 'Inserts' }).click()
    await visit.page.waitForURL(/sort=inserts&order=desc/)
    expect(await visit.page.getByRole('columnheader', { name: 'Inserts' }).getAttribute('aria-sort')).toBe('descending')
    await visit.page.getByRole('searchbox', { name: 'Pipeline' }).fill('clicks')
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL(/search=clicks/)
    expect(new URL(visit.page.url()).searchParams.get('sort')).toBe('inserts')
    const rows = await visit.page.getByRole('region', { name: 'Daily metrics' }).locator('tbody tr').count()
    const [download] = await Promise.all([
      visit.page.waitForEvent('download'),
      visit.page.getByRole('link', { name: 'Download CSV' }).click(),
    ])
    const lines = readFileSync((await download.path()) ?? '', 'utf8')
      .trim()
      .split('\r\n')
    expect([download.suggestedFilename().endsWith('.csv'), lines.length]).toEqual([true, rows + 1])
    await visit.page.getByLabel('From').fill('2020-01-01')
    await visit.page.getByLabel('To').fill('2020-01-02')
    await visit.page.getByRole('button', { name: 'Show' }).click()
    await visit.page.getByText('No runs on these days').waitFor()
    expect(visit.faults).toEqual([])
  })
})

describe('an incident', () => {
  it('is acknowledged with a note, silenced for two hours and resolved, each with a click and a confirmation', async () => {
    await visit.open(`/incidents/${ids.incident}`)
    const { page } = visit
    const confirm = async (name: string, note?: string) => {
      await page.getByRole('button', { name, exact: true }).first().click()
      const dialog = page.getByRole('dialog')
      if (note !== undefined) {
        await dialog.getByLabel('Note (optional)').fill(note)
        await dialog.getByLabel('Note (optional)').press('Enter')
      } else await dialog.getByRole('button', { name }).click()
      await dialog.waitFor({ state: 'hidden' })
    }
    const read = async () =>
      (await visit.call('GET', `/incident/${ids.incident}`)).body as { state: string; events: { text: string | null }[] }
    await page.locator('#graph').scrollIntoViewIfNeeded()
    await page.locator('#graph svg').getByRole('link', { name: 'raw.shop.orders' }).waitFor() // what lies downstream, drawn
    await confirm('Acknowledge', 'on it')
    await page.getByText(': on it').waitFor()
    expect((await read()).state).toBe('acknowledged')
    await confirm('Silence 2 h', 'the disk grows')
    const [silence] = (await visit.call('GET', '/silence')).body as { pipeline_id: number; reason: string; ends_at: string }[]
    expect(silence).toMatchObject({ pipeline_id: ids.failing, reason: 'the disk grows' })
    expect(Math.abs(Date.parse(silence?.ends_at ?? '') - Date.now() - 7_200_000)).toBeLessThan(60_000)
    await confirm('End silence')
    await vi.waitFor(async () => expect((await visit.call('GET', '/silence')).body).toEqual([]))
    await confirm('Resolve')
    await vi.waitFor(async () => expect((await read()).state).toBe('resolved'))
    await vi.waitFor(async () => expect(await page.getByRole('button', { name: 'Resolve' }).count()).toBe(0)) // the page brings itself up to date
    expect(visit.faults).toEqual([])
  })

  it('is found by its filters, and the channel says what came of a test', async () => {
    await visit.open('/incidents?show=resolved')
    const { page } = visit
    await page.getByRole('link', { name: 'orders-load' }).waitFor()
    await page.getByLabel('Kind').selectOption('late')
    await page.getByText('No incident matches these filters').waitFor()
    await visit.open('/channels')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Test' }).click()
    await page.getByText('Slack answered 200 (ok)').waitFor()
    expect(visit.faults).toEqual([])
  })
})

describe('monitoring', () => {
  it('shows failed jobs with their errors, and replays one', async () => {
    await visit.open('/monitoring')
    const failures = visit.page.getByRole('region', { name: 'Failed jobs' }).locator('tbody tr')
    expect(await failures.count()).toBeGreaterThanOrEqual(3) // a tick tells of them, which fails too
    expect(await failures.first().textContent()).toContain('check SLACK_WEBHOOK_URL')
    await fetch(`${slack.url}/pages`, { method: 'PUT', body: '[]' }) // the webhook is back
    // The job that tells of what is still wrong: what is over is not told again.
    const [late] = (await visit.call('GET', '/incident?kind=late&state=open')).body as { id: number }[]
    const [message] = (await visit.call('GET', `/notification?incident_id=${late?.id}`)).body as { job_id: number }[]
    const id = String(message?.job_id)
    const row = failures.filter({ has: visit.page.getByRole('link', { name: id, exact: true }) })
    await row.getByRole('button', { name: 'Replay' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click()
    const replayed = failures.getByRole('link', { name: `${id}`, exact: true })
    await vi.waitFor(async () => expect(await replayed.count()).toBe(0), { timeout: 15_000 })
    const job = async () => (await visit.call('GET', `/job/${id}`)).body as { state: string }
    await vi.waitFor(async () => expect((await job()).state).toBe('succeeded'), { timeout: 15_000 })
    const taken = async () => ((await (await fetch(`${slack.url}/pages`)).json()) as { taken: unknown[] }).taken
    expect((await taken()).length).toBeGreaterThanOrEqual(1)
    expect(visit.faults).toEqual([])
  })

  it('has no buttons for a read-only token', async () => {
    await visit.open('/monitoring', READ_TOKEN)
    await visit.page.getByText('reader (read-only)').waitFor()
    expect(await visit.page.locator('button.action').count()).toBe(0)
    await visit.page.getByRole('button', { name: 'Sign out' }).click()
    await visit.page.getByLabel('Access token').waitFor()
    expect(visit.faults).toEqual([])
  })
})

describe('diagnostics', () => {
  it('measures twenty round trips to the database and shows the distribution', async () => {
    await visit.open('/diagnostics')
    await visit.page.getByRole('button', { name: 'Probe 20 times' }).click()
    await vi.waitFor(
      async () =>
        expect(await visit.page.locator('#probed').textContent()).toMatch(
          /^fastest \d+ ms, median \d+ ms, 95th percentile \d+ ms, slowest \d+ ms$/,
        ),
      {
        timeout: 20_000,
      },
    )
    await visit.page.getByText(/^All \d+ indexes$/).click()
    await visit.page.getByRole('region', { name: 'Indexes' }).waitFor()
    expect(visit.faults).toEqual([])
  })
})
