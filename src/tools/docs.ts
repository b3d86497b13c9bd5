import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { compileFunction } from 'node:vm'
import { buildSync } from 'esbuild'
import { raw } from 'hono/html'
import { escapeHtml, type Guide, readGuides } from './guides.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const GUIDES = join(ROOT, 'src', 'docs')
const SCREENSHOTS = join(ROOT, '.github', 'screenshots')
/** The frame of the pages, which the guides use too. */
const LAYOUT = join(ROOT, 'src', 'pages', 'frame', 'layout.tsx')

/**
 * Renders the guides of src/docs into the folder of static assets: the list as `docs.html` (the platform serves it at
 * /docs), each guide as `docs/<name>.html`, and their pictures. The styles and scripts must be in the folder already.
 * Unchanged files are not written, and files of guides that no longer exist are removed.
 */
export const writeDocs = (folder: string): void => {
  const guides = readGuides(GUIDES, sizeOfScreenshot)
  const frame = loadFrame(folder)
  const files = new Map<string, Uint8Array>([['docs.html', encode(frame('Docs', listPage(guides)))]])
  for (const guide of guides) {
    files.set(join('docs', `${guide.name}.html`), encode(frame(`${guide.title} · Docs`, guidePage(guide, guides))))
    for (const image of guide.images) files.set(join('static', 'screenshots', image), readBytes(join(SCREENSHOTS, image)))
  }
  for (const made of ['docs', join('static', 'screenshots')]) {
    mkdirSync(join(folder, made), { recursive: true })
    for (const name of readdirSync(join(folder, made))) if (!files.has(join(made, name))) rmSync(join(folder, made, name))
  }
  for (const [name, content] of files) {
    const target = join(folder, name)
    if (!existsSync(target) || !isDeepStrictEqual(readBytes(target), content)) writeFileSync(target, content)
  }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path))

type Frame = (title: string, content: string) => string

/** The layout of the pages, bundled because Node does not run JSX. A static page has no signed-in reader. */
const loadFrame = (folder: string): Frame => {
  const { outputFiles } = buildSync({ entryPoints: [LAYOUT], bundle: true, platform: 'node', format: 'cjs', write: false })
  const module = { exports: {} as typeof import('../pages/frame/layout.tsx') }
  compileFunction(outputFiles[0]?.text ?? '', ['module', 'exports', 'require'])(module, module.exports, createRequire(LAYOUT))
  const hash = createHash('sha256')
  for (const name of ['frame.css', 'docs.css', 'frame.js', 'docs.js']) hash.update(readFileSync(join(folder, 'static', name)))
  const version = hash.digest('hex').slice(0, 12)
  return (title, content) => {
    const caller = { name: '', mayWrite: false, isKnown: false }
    const page = module.exports.Layout({
      title,
      section: 'Docs',
      caller,
      scripts: ['docs'],
      styles: ['docs'],
      version,
      children: raw(content),
    })
    return `<!doctype html>${page}\n`
  }
}

const listPage = (guides: Guide[]): string => `<div class="docs list">
<header>
<h1>Docs</h1>
<p>These guides help people who record runs, who are on call, and who operate Watcher. The <a href="/scalar">API docs</a> describe every endpoint and field.</p>
</header>
${guideList(guides)}
</div>`

const guidePage = (guide: Guide, guides: Guide[]): string => {
  const next = guides[guides.indexOf(guide) + 1]
  return `<div class="docs guide">
<header>
<p class="crumbs"><a href="/docs">Docs</a></p>
<h1>${escapeHtml(guide.title)}</h1>
</header>
${guide.sections.length > 0 ? `<nav class="contents" aria-label="On this page">\n<h2>On this page</h2>\n${links(guide, '')}\n</nav>` : ''}
<article>
${guide.html}${next ? `<p class="next">Next: <a href="/docs/${next.name}">${escapeHtml(next.title)}</a></p>` : ''}
</article>
${guideList(guides, guide)}
</div>`
}

/** A list of all guides with their sections. The search field appears only if scripts run. */
const guideList = (guides: Guide[], current?: Guide): string => `<nav class="guides" aria-label="Guides">
<h2>Guides</h2>
<div id="search" hidden>
<label for="guide-search">Search by title</label>
<input id="guide-search" type="search" autocomplete="off">
<span id="found" role="status"></span>
</div>
<ul id="guides">
${guides
  .map(
    (guide) => `<li>
<a class="title" href="/docs/${guide.name}"${guide === current ? ' aria-current="page"' : ''}>${escapeHtml(guide.title)}</a>
${current ? '' : `<p>${escapeHtml(guide.summary)}</p>\n`}${links(guide, `/docs/${guide.name}`)}
</li>`,
  )
  .join('\n')}
</ul>
</nav>`

const links = ({ sections }: Guide, path: string): string => {
  const items = sections
    .filter(({ depth }) => depth <= 3)
    .map(({ id, title, depth }) => `<li class="depth-${depth}"><a href="${path}#${id}">${escapeHtml(title)}</a></li>`)
  return items.length > 0 ? `<ul class="sections">\n${items.join('\n')}\n</ul>` : ''
}

/** Reads width and height from the first chunk of a PNG. */
const sizeOfScreenshot = (image: string): { width: number; height: number } => {
  const view = new DataView(readBytes(join(SCREENSHOTS, image)).buffer)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}
