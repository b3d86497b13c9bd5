import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { writeDocs } from './docs.ts'

const PAGES = join(import.meta.dirname, '..', 'pages')
/** Files that are served unchanged. The platform reads `_headers` from the top folder of the assets. */
const STATIC = join(PAGES, 'frame', 'static')
const FOLDER = join(import.meta.dirname, '..', '..', 'dist', 'assets')

/**
 * Writes the worker's static assets into dist/assets: our own files, the script and the style of each page as `<folder>.js` and
 * `<folder>.css`, the guides, and the script of the API's docs page. wrangler runs this before each build. An unchanged file is
 * not written again, because wrangler would see a change.
 */
export const copyAssets = (): void => {
  mkdirSync(join(FOLDER, 'static'), { recursive: true })
  for (const name of readdirSync(STATIC)) {
    const target = name.startsWith('_') ? join(FOLDER, name) : join(FOLDER, 'static', name)
    writeChanged(target, readFileSync(join(STATIC, name), 'utf8'))
  }
  const { outputFiles } = buildSync({
    entryPoints: readdirSync(PAGES).flatMap((page) =>
      ['script.ts', 'style.css'].flatMap((file) =>
        existsSync(join(PAGES, page, file)) ? [{ in: join(PAGES, page, file), out: page }] : [],
      ),
    ),
    outdir: join(FOLDER, 'static'),
    alias: { 'd3-transition': join(PAGES, 'lineage-graph', 'browser', 'no-transitions.ts') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'eof',
    write: false,
  })
  for (const { path, text } of outputFiles) writeChanged(path, text)
  writeDocs(FOLDER)
  const entry = createRequire(import.meta.url).resolve('@scalar/api-reference')
  const script = join(dirname(entry), 'browser', 'standalone.js')
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(entry)), 'package.json'), 'utf8')) as { version: string }
  const stamp = join(FOLDER, 'static', 'scalar.version.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return
  copyFileSync(script, join(FOLDER, 'static', 'scalar.js'))
  writeFileSync(stamp, version)
}

const writeChanged = (path: string, content: string): void => {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) writeFileSync(path, content)
}

if (import.meta.main) copyAssets()
