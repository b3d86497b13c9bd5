import { describe, expect, it } from 'vitest'
import { startVisit, TOKEN } from '../support/node/browser.ts'

const visit = startVisit()

const signIn = async (path: string, token = TOKEN): Promise<void> => {
  await visit.page.goto(visit.url + path)
  await visit.page.getByLabel('Access token').fill(token)
  await visit.page.getByRole('button', { name: 'Sign in' }).click()
}

describe('signing in', () => {
  it('asks for the token, refuses a wrong one, and opens the page with the right one', async () => {
    await signIn('/scalar', 'wrong')
    expect(await visit.page.getByRole('alert').textContent()).toBe('This token is unknown. Check that you copied all of it.')
    // The console may report only the 401.
    expect(visit.faults.filter((fault) => !fault.includes('401'))).toEqual([])
    visit.faults.length = 0
    await visit.page.getByLabel('Access token').fill(TOKEN)
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL(`${visit.url}/scalar`)
    const [cookie] = await visit.page.context().cookies()
    expect(cookie).toMatchObject({ name: 'watcher_token', httpOnly: true, secure: true, sameSite: 'Strict' })
  })
})

describe('the docs', () => {
  it('render under the content policy, with a field for the token, and call no other host', async () => {
    await signIn('/scalar')
    await visit.page.getByRole('heading', { name: 'Watcher', exact: true }).waitFor()
    await visit.page.getByText('Bearer Token').first().waitFor()
    expect(await visit.page.getByText('Create or get a pipeline').count()).toBeGreaterThan(0)
    const wayBack = visit.page.getByRole('navigation', { name: 'Watcher' })
    expect(await wayBack.getByRole('link', { name: 'Docs' }).getAttribute('href')).toBe('/docs')
    await wayBack.getByRole('link', { name: 'Overview' }).click()
    await visit.page.waitForURL(`${visit.url}/overview`)
    expect(visit.faults).toEqual([])
  })
})

describe('a profile', () => {
  const open = async (): Promise<void> => {
    await signIn('/pipeline_execution?limit=5&profile=true')
    await visit.page.getByRole('heading', { name: 'GET /pipeline_execution' }).waitFor()
  }
  const sql = () => visit.page.locator('pre.sql')

  it('shows the tree, and folds and unfolds it with buttons and single rows', async () => {
    await open()
    expect(await sql().isVisible()).toBe(true)
    await visit.page.getByRole('button', { name: 'Collapse all' }).click()
    expect(await sql().isVisible()).toBe(false)
    await visit.page.locator('summary').first().click()
    await visit.page.locator('summary', { hasText: 'Handler' }).click()
    await visit.page.locator('summary', { hasText: 'Round trip 1' }).click()
    expect(await sql().isVisible()).toBe(true)
    await visit.page.getByRole('button', { name: 'Expand all' }).click()
    expect(await visit.page.locator('details[open]').count()).toBe(await visit.page.locator('details').count())
    expect(visit.faults).toEqual([])
  })

  it('finds names and SQL, with their surroundings', async () => {
    await open()
    await visit.page.getByLabel('Search names and SQL').fill('FROM "pipeline_execution"')
    expect(await visit.page.getByRole('status').textContent()).toBe('1 found')
    expect(await visit.page.locator('summary', { hasText: 'Writing the answer' }).isVisible()).toBe(false)
    expect(await visit.page.locator('summary', { hasText: 'Handler' }).isVisible()).toBe(true)
    await visit.page.getByLabel('Search names and SQL').fill('nothing of the kind')
    expect(await visit.page.getByRole('status').textContent()).toBe('0 found')
    await visit.page.getByLabel('Search names and SQL').fill('')
    expect(await visit.page.locator('summary', { hasText: 'Writing the answer' }).isVisible()).toBe(true)
    expect(visit.faults).toEqual([])
  })
})
