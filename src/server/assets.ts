import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

/** What entry.js answers for a path: a file with its headers, or a redirect. */
export type Asset = { file: string; bytes: number; headers: Record<string, string> } | { location: string }

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * The assets of a folder by their paths, as the platform serves them: pages have no `.html`, other spellings of their paths are
 * redirects, `_headers` adds headers. Anything that is not in this list is no asset, so a strange path never reaches the disk.
 */
export const listAssets = (folder: string): Record<string, Asset> => {
  const rules = readHeaders(readFileSync(join(folder, '_headers'), 'utf8'))
  const assets: Record<string, Asset> = {}
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[extname(name)]
    if (!type) continue
    const file = `/${name}`
    const content = readFileSync(join(folder, name))
    const path = file.replace(/\.html$/, '')
    assets[path] = {
      file,
      bytes: content.byteLength,
      headers: {
        'Content-Type': type,
        'Cache-Control': 'public, max-age=0, must-revalidate',
        ETag: `"${createHash('sha256').update(content).digest('hex').slice(0, 32)}"`,
        ...headersOf(path, rules),
      },
    }
    if (path !== file) for (const spelled of [file, `${path}/`]) assets[spelled] = { location: path }
  }
  return assets
}

type Rules = [path: string, headers: Record<string, string>][]

/** Reads the platform's file `_headers`: each path, which may end with `*`, and the headers of its answers. */
const readHeaders = (text: string): Rules =>
  text.split(/^(?=\/)/m).map((entry) => {
    const [path = '', ...lines] = entry.trim().split('\n')
    return [
      path,
      Object.fromEntries(
        lines.map((line) =>
          line
            .trim()
            .split(/: (.*)/)
            .slice(0, 2),
        ),
      ),
    ]
  })

const headersOf = (path: string, rules: Rules): Record<string, string> =>
  Object.assign(
    {},
    ...rules.flatMap(([rule, headers]) => {
      const applies = rule.endsWith('*') ? path.startsWith(rule.slice(0, -1)) : path === rule
      return applies ? [headers] : []
    }),
  )
