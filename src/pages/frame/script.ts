import { Idiomorph } from 'idiomorph'
import { REFRESHED } from './browser/refreshed.ts'

/** What every page has: moments in the reader's zone, contents that bring themselves up to date, buttons that ask first. */

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** UTC stays in the title. */
const localise = (root: ParentNode): void => {
  for (const element of root.querySelectorAll<HTMLTimeElement>('time[data-as=moment]')) {
    const at = new Date(element.dateTime)
    if (!Number.isNaN(at.getTime())) element.textContent = MOMENT.format(at)
  }
}

const main = document.querySelector('main') as HTMLElement
const status = document.getElementById('freshness') as HTMLElement
const confirmation = document.getElementById('confirm') as HTMLDialogElement

localise(main)

/** Loads this page again and changes what has changed: nothing flickers, what is open or focused stays so. */
const refresh = async (): Promise<void> => {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (response.redirected) return location.reload() // signed out meanwhile
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('main')
  if (!fresh) throw new Error('the server answered something else than the page')
  localise(fresh)
  Idiomorph.morph(main, [...fresh.childNodes], {
    morphStyle: 'innerHTML',
    // What is being typed stays; a button or link that has the focus is changed like the rest.
    ignoreActiveValue: document.activeElement?.matches('input, select, textarea') ?? false,
    callbacks: {
      // What the reader has opened stays open.
      beforeAttributeUpdated: (name, node) => !(name === 'open' && node.nodeName === 'DETAILS'),
      // What a script has drawn is the script's.
      beforeNodeMorphed: (node) => !(node instanceof Element && node.hasAttribute('data-drawn')),
    },
  })
  dispatchEvent(new Event(REFRESHED))
}

const seconds = Number(main.dataset.refresh)
if (seconds > 0) {
  let failedSince: Date | undefined
  setInterval(async () => {
    if (document.hidden || confirmation.open) return
    try {
      await refresh()
      failedSince = undefined
      status.textContent = ''
    } catch {
      failedSince ??= new Date()
      status.textContent = `Not up to date since ${failedSince.toLocaleTimeString()}`
    }
  }, seconds * 1000)
}

/** What the API says is wrong, in its own sentence. */
const send = async ({ method, path, body }: DOMStringMap): Promise<unknown> => {
  const response = await fetch(path as string, {
    method: method as string,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
  })
  const answer = response.status === 204 ? undefined : await response.json()
  if (!response.ok) throw new Error((answer as { message: string }).message)
  return answer
}

document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button.action')
  if (!button) return
  const text = document.getElementById('confirm-text') as HTMLElement
  const fault = document.getElementById('confirm-fault') as HTMLElement
  const yes = document.getElementById('confirm-yes') as HTMLButtonElement
  text.textContent = button.dataset.ask ?? ''
  fault.textContent = ''
  yes.textContent = button.textContent
  yes.onclick = async (click) => {
    click.preventDefault()
    yes.disabled = true
    try {
      await send(button.dataset)
      confirmation.close()
      status.textContent = button.dataset.done ?? 'Done'
      // It is done, whether this page can be brought up to date or not.
      await refresh().catch(() => location.reload())
    } catch (error) {
      fault.textContent = (error as Error).message
    } finally {
      yes.disabled = false
    }
  }
  confirmation.showModal()
})

/** While the next page is on its way. */
const markBusy = (): void => {
  document.documentElement.classList.add('busy')
}
addEventListener('beforeunload', markBusy)
addEventListener('pageshow', () => document.documentElement.classList.remove('busy'))

/** A filter is applied when it is chosen. */
document.addEventListener('change', (event) => {
  const field = event.target as HTMLSelectElement
  if (field.matches('form.filters select')) field.form?.requestSubmit()
})
/** Fields that say nothing stay out of the address. */
document.addEventListener('formdata', ({ target, formData }) => {
  if (!(target as Element).matches('form.filters')) return
  for (const [name, value] of [...formData]) if (value === '') formData.delete(name)
})
