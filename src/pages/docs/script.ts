/** The script of the guides: buttons that copy code, and a search in the titles of guides and sections. */

const announce = (text: string): void => {
  const status = document.getElementById('freshness') as HTMLElement
  status.textContent = text
}

const COPIED_MILLIS = 2_000

/** A browser offers the clipboard only to pages from https or localhost. */
if (navigator.clipboard !== undefined) {
  for (const block of document.querySelectorAll<HTMLElement>('.code')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet copy'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText((block.querySelector('code')?.textContent ?? '').replace(/\n$/, ''))
        button.textContent = 'Copied'
        announce('Copied')
      } catch {
        button.textContent = 'Not copied'
        announce('The browser refused to copy: select the text and copy it yourself')
      }
      setTimeout(() => {
        button.textContent = 'Copy'
        announce('')
      }, COPIED_MILLIS)
    })
    block.append(button)
  }
}

const search = document.getElementById('guide-search') as HTMLInputElement
const found = document.getElementById('found') as HTMLElement
const list = document.getElementById('guides') as HTMLUListElement

/** Shows each guide if its title, or the title of one of its sections, contains every word of the search. */
const show = (): void => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const hasAll = (element: Element | null) => words.every((word) => element?.textContent?.toLowerCase().includes(word))
  let count = 0
  for (const guide of list.children as HTMLCollectionOf<HTMLElement>) {
    const sections = [...guide.querySelectorAll<HTMLElement>('.sections li')]
    const isTitle = hasAll(guide.querySelector('.title'))
    for (const section of sections) section.hidden = !hasAll(section)
    guide.hidden = !isTitle && sections.every((section) => section.hidden)
    if (!guide.hidden) count += 1
  }
  list.classList.toggle('searched', words.length > 0)
  found.textContent = words.length === 0 ? '' : `${count} ${count === 1 ? 'guide' : 'guides'}`
}

search.addEventListener('input', show)
search.addEventListener('keydown', ({ key }) => {
  if (key !== 'Enter' || search.value.trim() === '') return
  const links = list.querySelectorAll<HTMLAnchorElement>('li:not([hidden]) > a')
  const first = [...links].find((link) => link.checkVisibility())
  if (first) location.assign(first.href)
})
const box = document.getElementById('search') as HTMLElement
box.hidden = false
show()
