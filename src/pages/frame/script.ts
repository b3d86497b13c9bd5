import { Idiomorph } from 'idiomorph'
import { MOMENT } from './browser/moment.ts'
import { REFRESHED } from './browser/refreshed.ts'
import { send } from './browser/send.ts'

/** The script of every page: moments in the reader's time zone, contents that refresh themselves, buttons that ask first, filters. */

/** Shows moments in the reader's time zone; UTC stays in the title. */
const localise = (root: ParentNode): void => {
  for (const element of root.querySelectorAll<HTMLTimeElement>('time[data-as=moment]')) {
    const at = new Date(element.dateTime)
    if (!Number.isNaN(at.getTime())) element.textContent = MOMENT.format(at)
  }
}

const main = document.querySelector('main') as HTMLElement
const status = document.getElementById('freshness') as HTMLElement
const confirmation = document.getElementById('confirm') as HTMLDialogElement

document.getElementById('confirm-no')?.addEventListener('click', () => confirmation.close())

localise(main)

// On a phone the pages' names scroll sideways: the one that is open stays in sight.
document.querySelector('.top nav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' })

/** Loads this page again and updates only what has changed: nothing flickers, and open or focused elements stay so. */
const refresh = async (): Promise<void> => {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (response.redirected) return location.reload() // signed out meanwhile
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('main')
  if (!fresh) throw new Error('the answer is not a page')
  localise(fresh)
  Idiomorph.morph(main, [...fresh.childNodes], {
    morphStyle: 'innerHTML',
    // Keeps the text that the reader is typing; a focused button or link is updated like everything else.
    ignoreActiveValue: document.activeElement?.matches('input, select, textarea') ?? false,
    callbacks: {
      // Details that the reader has opened stay open.
      beforeAttributeUpdated: (name, node) => !(name === 'open' && node.nodeName === 'DETAILS'),
      // A drawing belongs to the script that has drawn it.
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

/** `2 h` from now, or the reader's next 09:00, as an instant. */
const endOf = (ends: string): string => {
  const end = new Date()
  if (ends !== 'until 09:00') return new Date(end.getTime() + Number.parseInt(ends, 10) * 3_600_000).toISOString()
  if (end.getHours() >= 9) end.setDate(end.getDate() + 1)
  end.setHours(9, 0, 0, 0)
  return end.toISOString()
}

/** Says what came of a button beside it; if the button is gone by now, in the header. The next refresh takes it away. */
const tellBeside = (button: HTMLButtonElement, text: string): void => {
  if (!button.isConnected) {
    status.textContent = text
    return
  }
  const output = document.createElement('output')
  output.className = 'came'
  output.textContent = text
  button.after(output)
}

document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button.action')
  if (!button) return
  const text = document.getElementById('confirm-text') as HTMLElement
  const fault = document.getElementById('confirm-fault') as HTMLElement
  const yes = document.getElementById('confirm-yes') as HTMLButtonElement
  text.textContent = button.dataset.ask ?? ''
  fault.textContent = ''
  const note = document.getElementById('confirm-note') as HTMLElement
  const written = note.querySelector('input') as HTMLInputElement
  note.hidden = button.dataset.note === undefined
  written.value = ''
  yes.textContent = button.textContent
  yes.onclick = async (click) => {
    click.preventDefault()
    yes.disabled = true
    try {
      const { method, path, body, done, shows, note: noteField, ends } = button.dataset
      const text = written.value.trim()
      const added = { ...(noteField && text !== '' && { [noteField]: text }), ...(ends && { ends_at: endOf(ends) }) }
      const complete = Object.keys(added).length === 0 ? body : JSON.stringify({ ...JSON.parse(body ?? '{}'), ...added })
      const answer = await send({ method, path, body: complete })
      confirmation.close()
      // The action has succeeded even if this page cannot be refreshed.
      await refresh().catch(() => location.reload())
      tellBeside(button, shows === undefined ? (done ?? 'Done') : String((answer as Record<string, unknown>)[shows]))
    } catch (error) {
      fault.textContent = (error as Error).message
    } finally {
      yes.disabled = false
    }
  }
  confirmation.showModal()
})

/** Copies a text. A page without https may not: then the text is selected, and the reader copies it. */
document.addEventListener('click', async (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button.copy[data-copy]')
  if (!button) return
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? '')
    status.textContent = button.textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(button.previousElementSibling as Element)
    status.textContent = button.textContent = 'Press Ctrl+C'
  }
  setTimeout(() => {
    button.textContent = 'Copy'
    status.textContent = ''
  }, 3_000)
})

/** A drawing below the contents (drawing.tsx) loads its script when it comes into sight: most of the scripts' size is that one's. */
const later = document.querySelector('.graph[data-from]')
if (later) {
  const loading = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    loading.disconnect()
    const { search } = new URL(import.meta.url)
    void import(new URL(`lineage-graph.js${search}`, import.meta.url).href)
  })
  loading.observe(later)
}

/** Marks the page as busy while the next page loads. */
const markBusy = (): void => {
  document.documentElement.classList.add('busy')
}
addEventListener('beforeunload', markBusy)
addEventListener('pageshow', () => document.documentElement.classList.remove('busy'))

/** Applies a filter as soon as the reader chooses it. */
document.addEventListener('change', (event) => {
  const field = event.target as HTMLSelectElement
  if (field.matches('form.filters select')) field.form?.requestSubmit()
})
/** Keeps empty fields out of the address. */
document.addEventListener('formdata', ({ target, formData }) => {
  if (!(target as Element).matches('form.filters')) return
  for (const [name, value] of [...formData]) if (value === '') formData.delete(name)
})
