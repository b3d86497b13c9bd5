import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { writeDocs } from '../tools/docs.ts'

const SOURCE = join(import.meta.dirname, '..', 'static')
const FOLDER = join(import.meta.dirname, '..', '..', 'dist', 'assets')

/** The pages' scripts and styles, each a bundle of its own. */
const SCRIPTS = join(import.meta.dirname, '..', 'browser')

/**
 * Puts the worker's static assets where they are served from: our own (`_headers`, which the platform reads, at the top),
 * the pages' scripts and styles, the guides, and the script of the API's docs page. wrangler runs this before each build; what has not changed is not written, or it would
 * see a change each time.
 */
export const copyAssets = (): void => {
  mkdirSync(join(FOLDER, 'static'), { recursive: true })
  for (const name of readdirSync(SOURCE)) {
    const target = name.startsWith('_') ? join(FOLDER, name) : join(FOLDER, 'static', name)
    const content = readFileSync(join(SOURCE, name), 'utf8')
    if (!existsSync(target) || readFileSync(target, 'utf8') !== content) writeFileSync(target, content)
  }
  const { outputFiles } = buildSync({
    entryPoints: readdirSync(SCRIPTS)
      .filter((name) => /\.(ts|css)$/.test(name))
      .map((name) => join(SCRIPTS, name)),
    outdir: join(FOLDER, 'static'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'eof',
    write: false,
  })
  for (const { path, text } of outputFiles) {
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
  }
  writeDocs(FOLDER)
  const entry = createRequire(import.meta.url).resolve('@scalar/api-reference')
  const script = join(dirname(entry), 'browser', 'standalone.js')
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(entry)), 'package.json'), 'utf8')) as { version: string }
  const stamp = join(FOLDER, 'static', 'scalar.version.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return
  copyFileSync(script, join(FOLDER, 'static', 'scalar.js'))
  writeFileSync(stamp, version)
}

if (import.meta.main) copyAssets()
