import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOfAxe } from '../support/node/axe.ts'
import { startVisit } from '../support/node/browser.ts'

const visit = startVisit()
const HOUR = 60
let pipeline = 0

const tried = () => visit.page.locator('.tryout')
const rules = async () => (await visit.call('GET', `/anomaly_detection_rule?pipeline_id=${pipeline}`)).body as Record<string, unknown>[]

beforeAll(async () => {
  pipeline = await visit.create('orders-load', { pipeline_type_name: 'extraction' })
  for (let ago = 24; ago >= 1; ago -= 1)
    await visit.run(pipeline, ago * 12 * HOUR, ago * 12 * HOUR - 5, { total_rows: ago === 3 ? 1_150 : 1_000 + (ago % 4) * 10 })
})

describe('a pipeline without rules', () => {
  it('gets a suggestion after twenty good runs, with what it would have flagged, and one button to create it', async () => {
    await visit.open(`/pipelines/${pipeline}`)
    const suggested = visit.page.getByRole('region', { name: 'Suggested rules' })
    await suggested.getByText('1 of 14 judged runs (7.1 %)').waitFor()
    await suggested.getByText('0 of 14 judged runs').waitFor()
    expect(await faultsOfAxe(visit.page)).toEqual([])
    await suggested.getByRole('button', { name: 'Create this rule' }).first().click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Create this rule' }).click()
    await visit.page.getByRole('cell', { name: /within 3 × the usual spread/ }).waitFor()
    expect(await rules()).toMatchObject([{ metric_field: 'total_rows', method: 'robust', std_deviation_threshold_multiplier: 3 }])
    expect(visit.faults).toEqual([])
  })
})

describe('a rule', () => {
  it('is tried on past runs while the slider moves, and changed with one button', async () => {
    await visit.open(`/pipelines/${pipeline}?metric=total_rows`)
    await visit.page.getByText('Try another width').click()
    await visit.page.getByText('It would have flagged 1 of 14 judged runs (7.1 %)').waitFor()
    expect(await visit.page.locator('#tried-runs li').allTextContents()).toEqual([
      expect.stringMatching(/: 1,150 rows; runs at \d\d:00 have/),
    ])
    const ringed = await visit.page.locator('#history canvas').screenshot()
    await visit.page.getByRole('slider').fill('10')
    await visit.page.getByText('10 ×').waitFor()
    await tried().getByText('0 of 14 judged runs').waitFor()
    // The ring is gone.
    expect(Buffer.compare(await visit.page.locator('#history canvas').screenshot(), ringed)).not.toBe(0)
    expect((await rules())[0]).toMatchObject({ method: 'robust' })
    await visit.page.getByLabel('Normal is around').selectOption('zscore')
    await visit.page.getByRole('slider').fill('4')
    await visit.page.getByText('4 ×').waitFor()
    await tried()
      .getByText(/ of \d judged runs/)
      .waitFor()
    expect(await faultsOfAxe(visit.page)).toEqual([])
    await visit.page.getByRole('button', { name: 'Change the rule' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Change the rule' }).click()
    await visit.page.getByRole('cell', { name: /within 4 × the standard deviation/ }).waitFor()
    expect((await rules())[0]).toMatchObject({ method: 'zscore', season: 'hour', std_deviation_threshold_multiplier: 4 })
    expect(visit.faults).toEqual([])
  })

  it('that is not there yet is tried and created below the chart; what the API refuses is said', async () => {
    await visit.open(`/pipelines/${pipeline}?metric=duration_seconds`)
    await visit.page.getByText('What if a rule watched this?').click()
    await tried().getByText('0 of 14 judged runs').waitFor()
    await visit.page.route('**/preview', (route) =>
      route.fulfill({ status: 503, contentType: 'application/json', body: '{"message":"The database did not answer"}' }),
    )
    await visit.page.getByRole('slider').fill('2')
    await visit.page.getByText('The database did not answer').waitFor()
    await visit.page.unroute('**/preview')
    await visit.page.getByRole('slider').fill('2.5')
    await tried().getByText('0 of 14 judged runs').waitFor()
    await visit.page.getByRole('button', { name: 'Create this rule' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Create this rule' }).click()
    await visit.page.getByText('Try another width').waitFor()
    expect((await rules()).find(({ metric_field }) => metric_field === 'duration_seconds')).toMatchObject({
      method: 'robust',
      std_deviation_threshold_multiplier: 2.5,
    })
    expect(visit.faults.filter((fault) => !fault.includes('503'))).toEqual([])
  })
})
