import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Marked, type Tokens } from 'marked'

/** A heading of a guide, for the table of contents and the search; `id` is its anchor. */
export interface Section {
  id: string
  title: string
  depth: number
}

/** One file of src/docs. */
export interface Guide {
  /** The file's name without its extension; the guide is served at /docs/<name>. */
  name: string
  title: string
  order: number
  /** One line for the list of guides. */
  summary: string
  sections: Section[]
  /** The text below the title, as HTML. */
  html: string
  /** Names of the screenshots in it. */
  images: string[]
}

/** The folder of the guides' pictures, relative to src/docs. */
const SCREENSHOTS = '../../.github/screenshots/'
/** The path at which the worker serves them. */
export const SCREENSHOTS_PATH = '/static/screenshots/'

/** Reads and renders every guide of a folder, sorted by `order` in the front matter. Throws if a guide is malformed. */
export const readGuides = (folder: string, sizeOf: (image: string) => { width: number; height: number }): Guide[] => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.md'))
  const names = files.map((file) => basename(file, '.md'))
  return files
    .map((file) => readGuide(basename(file, '.md'), readFileSync(join(folder, file), 'utf8'), names, sizeOf))
    .sort((left, right) => left.order - right.order)
}

/** Renders one guide; `names` are the guides that it may link to. Throws if the guide is malformed. */
export const readGuide = (
  name: string,
  source: string,
  names: readonly string[],
  sizeOf: (image: string) => { width: number; height: number },
): Guide => {
  const { fields, body } = splitFrontMatter(name, source)
  const sections: Section[] = []
  const images: string[] = []
  const idOf = createSlugger()
  let title = ''
  const marked = new Marked({ gfm: true })
  marked.use({
    renderer: {
      html: ({ text }) => escapeHtml(text),
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens, this.parser.textRenderer)
        const id = idOf(unescapeHtml(text))
        if (depth === 1) {
          title = unescapeHtml(text)
          return ''
        }
        sections.push({ id, title: unescapeHtml(text), depth })
        const link = `<a class="anchor" href="#${id}" aria-label="Link to “${escapeHtml(unescapeHtml(text))}”">#</a>`
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)} ${link}</h${depth}>\n`
      },
      code: ({ text, lang }) => {
        const language = /^\w+/.exec(lang ?? '')?.[0]
        return `<div class="code"><pre tabindex="0"><code${language ? ` class="language-${language}"` : ''}>${escapeHtml(text)}\n</code></pre></div>\n`
      },
      // A browser may break a long name after an underscore.
      codespan: ({ text }) => `<code>${escapeHtml(text).replaceAll('_', '_<wbr>')}</code>`,
      table(token) {
        const row = (cells: Tokens.TableCell[], tag: string) =>
          `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`
        const label = escapeHtml(token.header.map(({ text }) => text).join(', ')) || 'Table'
        const head = token.header.some(({ text }) => text !== '') ? `<thead>${row(token.header, 'th')}</thead>` : ''
        const rows = token.rows.map((cells) => row(cells, 'td')).join('\n')
        return `<section class="scrolled" tabindex="0" aria-label="${label}"><table>${head}<tbody>${rows}</tbody></table></section>\n`
      },
      link({ href, tokens }) {
        return `<a href="${escapeHtml(servedPath(name, href, names))}">${this.parser.parseInline(tokens)}</a>`
      },
      image: ({ href, text }) => {
        const image = href.startsWith(SCREENSHOTS) ? href.slice(SCREENSHOTS.length) : ''
        if (!/^[\w-]+\.png$/.test(image)) throw new Error(`src/docs/${name}.md: the picture ${href} must be a .png file in ${SCREENSHOTS}`)
        images.push(image)
        const { width, height } = sizeOf(image)
        return `<img src="${SCREENSHOTS_PATH}${image}" alt="${escapeHtml(text)}" width="${width}" height="${height}" loading="lazy">`
      },
    },
  })
  const html = marked.parse(body) as string
  if (title !== fields.title) throw new Error(`src/docs/${name}.md: its first heading must be its title, “${fields.title}”`)
  return { name, ...fields, sections, html, images }
}

/** The address of a guide's link when the worker serves the guide. Throws if the worker does not serve the target. */
const servedPath = (name: string, href: string, names: readonly string[]): string => {
  if (href.startsWith('#') || href.startsWith('https://')) return href
  const { guide, anchor = '' } = /^(?<guide>[\w-]+)\.md(?<anchor>#[\w-]+)?$/.exec(href)?.groups ?? {}
  if (guide === undefined || !names.includes(guide)) throw new Error(`src/docs/${name}.md: the link ${href} leads to no guide`)
  return `/docs/${guide}${anchor}`
}

/** Separates the front matter (`title`, `order` and `summary` between two lines `---`) from the text. */
const splitFrontMatter = (name: string, source: string) => {
  const [, front = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(source) ?? []
  const given = Object.fromEntries(
    front.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const { title, summary } = given
  const order = Number(given.order)
  if (!title || !summary || !Number.isInteger(order)) throw new Error(`src/docs/${name}.md: it must begin with title, order and summary`)
  return { fields: { title, summary, order }, body }
}

/** Makes anchors as the code host does: in lower case, without punctuation, and numbered if a heading is repeated. */
export const createSlugger = (): ((heading: string) => string) => {
  const taken = new Map<string, number>()
  return (heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const count = taken.get(slug) ?? 0
    taken.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign as keyof typeof ENTITIES])

const unescapeHtml = (html: string): string =>
  Object.entries(ENTITIES).reduceRight((text, [sign, entity]) => text.replaceAll(entity, sign), html)
