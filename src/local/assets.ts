import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..', '..', 'dist', 'assets')

/** Puts the docs page's script where the worker's static assets are served from. wrangler runs this before each build. */
export const copyAssets = (): void => {
  const entry = createRequire(import.meta.url).resolve('@scalar/api-reference')
  const script = join(dirname(entry), 'browser', 'standalone.js')
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(entry)), 'package.json'), 'utf8')) as { version: string }
  const target = join(FOLDER, 'static', 'scalar.js')
  const stamp = join(FOLDER, 'static', 'scalar.version.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(script, target)
  writeFileSync(stamp, version)
}

if (import.meta.main) copyAssets()
