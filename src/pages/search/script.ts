import type { Found } from './shape.ts'

/** The search field: `/` focuses it, results come as one types, arrows choose, Enter opens. Without this script Enter lists pipelines. */

const WAIT_MILLIS = 120

const start = (): void => {
  const field = document.getElementById('find') as HTMLInputElement | null
  const list = document.getElementById('find-results')
  if (!field || !list) return
  let chosen = -1
  let asked = 0

  const options = (): HTMLElement[] => [...list.children] as HTMLElement[]
  const close = (): void => {
    list.hidden = true
    field.setAttribute('aria-expanded', 'false')
    field.removeAttribute('aria-activedescendant')
    chosen = -1
  }
  const choose = (index: number): void => {
    const all = options()
    if (all.length === 0) return
    chosen = (index + all.length) % all.length
    for (const [at, option] of all.entries()) option.setAttribute('aria-selected', String(at === chosen))
    const option = all[chosen]
    field.setAttribute('aria-activedescendant', option?.id ?? '')
    option?.scrollIntoView({ block: 'nearest' })
  }
  const show = (found: Found[]): void => {
    list.replaceChildren(
      ...found.map(({ what, name, more, href }, index) => {
        const option = document.createElement('a')
        Object.assign(option, { id: `found-${index}`, href, tabIndex: -1 })
        option.setAttribute('role', 'option')
        for (const [tag, text] of [
          ['small', what],
          ['span', name],
          ['small', more],
        ] as const) {
          const part = document.createElement(tag)
          part.textContent = text
          option.append(part, ' ')
        }
        return option
      }),
    )
    if (found.length === 0) list.textContent = 'Nothing found'
    list.hidden = false
    field.setAttribute('aria-expanded', String(found.length > 0))
    chosen = -1
  }
  const ask = async (): Promise<void> => {
    const turn = ++asked
    const text = field.value.trim()
    if (text === '') return close()
    await new Promise((resolve) => setTimeout(resolve, WAIT_MILLIS))
    if (turn !== asked) return
    const response = await fetch(`/search?search=${encodeURIComponent(text)}`, { headers: { accept: 'application/json' } }).catch(
      () => undefined,
    )
    if (turn === asked && response?.ok) show((await response.json()) as Found[])
  }

  field.addEventListener('input', () => void ask())
  field.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') choose(event.key === 'ArrowDown' ? chosen + 1 : chosen < 0 ? -1 : chosen - 1)
    else if (event.key === 'Escape') close()
    else if (event.key === 'Enter' && (chosen >= 0 || options().length === 1)) (options()[Math.max(0, chosen)] as HTMLAnchorElement).click()
    else return
    event.preventDefault()
  })
  document.addEventListener('click', ({ target }) => {
    if (!(target as Element).closest('.find')) close()
  })
  document.addEventListener('keydown', (event) => {
    const isTyping = (event.target as Element).matches('input, select, textarea, [contenteditable]')
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    field.focus()
    field.select()
  })
}

start()
