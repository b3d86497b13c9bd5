import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/core/errors.ts'
import { SETTING_NAMES } from '../../src/env.ts'
import { CRONS } from '../../src/jobs/crons.ts'
import { createSlugger, readGuide } from '../../src/tools/guides.ts'
import { blocksOf, GUIDES, ROOT, readText } from '../support/node/guides.ts'

const PAGES = [
  ...GUIDES,
  'README.md',
  'src/README.md',
  'src/jobs/README.md',
  'test/bench/README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
]

/** A page without its code blocks, because code may contain text that looks like a link or a heading. */
const proseOf = (path: string): string => readText(path).replace(/^ *```[\s\S]*?^ *```$/gm, '')

const anchorsOf = (path: string): string[] => {
  const slug = createSlugger()
  return [...proseOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading.replaceAll('`', '')))
}

const linksOf = (path: string): string[] => [...proseOf(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = '']) => href)

/** The fault of a link; undefined if there is none. Links to other hosts are not checked. */
const faultOf = (path: string, href: string): string | undefined => {
  if (href.startsWith('https://')) return undefined
  const [file = '', anchor] = href.split('#')
  const target = file === '' ? path : normalize(join(dirname(path), file))
  if (!existsSync(join(ROOT, target))) return `${path}: ${href} leads nowhere`
  if (anchor !== undefined && !anchorsOf(target).includes(anchor)) return `${path}: ${href} names no heading`
  return undefined
}

describe('the written pages', () => {
  it('have links and pictures whose targets exist', () => {
    expect(PAGES.flatMap((path) => linksOf(path).flatMap((href) => faultOf(path, href) ?? []))).toEqual([])
    expect(linksOf('README.md').length).toBeGreaterThan(15)
  })

  it('name the version, and npm scripts that exist', () => {
    const { scripts, version } = JSON.parse(readText('package.json')) as { scripts: Record<string, string>; version: string }
    expect(readText('README.md')).toContain(`Version ${version} (`)
    const named = PAGES.flatMap((path) => [...readText(path).matchAll(/npm run ([a-z][\w:]*)/g)].map(([, script = '']) => script))
    expect([...new Set(named)].filter((script) => !(script in scripts))).toEqual([])
  })

  it('include a README of at most 160 lines that installs and tests as CI does', () => {
    expect(readText('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(160)
    expect(blocksOf('README.md', 'bash')).toContain('npm ci && npm test\n')
    const ci = readText('.ci/run')
      .split('\n')
      .map((line) => line.trim())
    expect(ci).toContain('npm ci')
    expect(ci).toContain('npm test')
    expect(ci.indexOf('npm ci')).toBeLessThan(ci.indexOf('npm test'))
  })

  it('list exactly the settings that exist', () => {
    const [table = ''] = /^\| setting[\s\S]*?\n\n/m.exec(readText('src/docs/settings.md')) ?? []
    const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    expect(listed.sort()).toEqual(['ENV_STATE', ...SETTING_NAMES].sort())
  })

  it('name only error codes that exist, each with its status', () => {
    const [table = ''] = /^\| status[\s\S]*?\n\n/m.exec(readText('src/docs/api-promises.md')) ?? []
    const rows = [...table.matchAll(/^\| ([\d, ]+) \|(.*)\|$/gm)]
    const named = rows.flatMap(([, statuses = '', codes = '']) =>
      [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => [code, statuses.split(', ').map(Number)] as const),
    )
    expect(named.length).toBeGreaterThan(25)
    for (const [code, statuses] of named) expect(statuses, code).toContain(ERRORS[code as keyof typeof ERRORS]?.status)
    const onCall = [...readText('src/docs/on-call.md').matchAll(/^\| (\d{3}) `([a-z_]+)`/gm)]
    expect(onCall.length).toBeGreaterThan(4)
    for (const [, status, code] of onCall) expect([code, Number(status)]).toEqual([code, ERRORS[code as keyof typeof ERRORS]?.status])
  })

  it('name exactly the crons that fire', () => {
    const text = readText('src/docs/checks-and-alerts.md')
    const [table = ''] = /^\| cron[\s\S]*?\n\n/m.exec(text) ?? []
    expect([...table.matchAll(/^\| `([^`]+)`/gm)].map(([, cron]) => cron)).toEqual(Object.values(CRONS))
    const fired = [...text.matchAll(/scheduled\?cron=([^"]+)"/g)].map(([, cron = '']) => cron.replaceAll('+', ' '))
    expect(fired).toEqual(Object.values(CRONS))
  })
})

describe('a guide', () => {
  const front = '---\ntitle: Tried\norder: 1\nsummary: Of the test.\n---\n\n# Tried\n\n'
  const render = (text: string) => readGuide('tried', front + text, ['tried', 'other'], () => ({ width: 4, height: 3 }))

  it('begins with its title and a sentence that says who needs it', () => {
    for (const path of GUIDES) {
      const [, title] = /^title: (.*)$/m.exec(readText(path)) ?? []
      expect(readText(path), path).toMatch(new RegExp(`\\n# ${title}\\n\\nThis guide helps [^\\n]+\\.\\n`))
    }
  })

  it('cannot add HTML to the page: not as text, code, heading, table or alternative text', () => {
    const evil = '<script>alert(1)</script>'
    const { html, sections } = render(
      `${evil}\n\n## A ${evil} \`${evil}\`\n\n\`\`\`bash "onload=\n${evil}\n\`\`\`\n\n| ${evil} |\n|---|\n| ${evil} |\n\n![" onerror="${evil}](../../.github/screenshots/a.png)\n`,
    )
    expect(html).not.toContain('<script')
    expect(html).toContain('alt="&quot; onerror=&quot;&lt;script')
    expect(html).toContain('class="language-bash"')
    expect(html).toContain('src="/static/screenshots/a.png"')
    expect(sections).toMatchObject([{ depth: 2, id: 'a-scriptalert1script-scriptalert1script' }])
  })

  it('links to other guides at the paths that the worker serves', () => {
    expect(render('[Other](other.md#a-part) and [here](#x)').html).toContain(
      '<a href="/docs/other#a-part">Other</a> and <a href="#x">here</a>',
    )
  })

  it.each([
    ['[x](missing.md)', 'the link missing.md leads to no guide'],
    ['[x](../../SECURITY.md)', 'the link ../../SECURITY.md leads to no guide'],
    ['[x](javascript:alert(1))', 'leads to no guide'],
    ['[x](http://example.com)', 'the link http://example.com leads to no guide'],
    ['![x](https://example.com/x.png)', 'must be a .png file in ../../.github/screenshots/'],
  ])('is refused if it contains %s', (text, fault) => {
    expect(() => render(text)).toThrow(fault)
  })

  it('is refused without front matter, or if its heading differs from its title', () => {
    expect(() => readGuide('x', '# X\n', [], () => ({ width: 1, height: 1 }))).toThrow('it must begin with title, order and summary')
    expect(() => readGuide('x', front.replace('# Tried', '# Other'), [], () => ({ width: 1, height: 1 }))).toThrow('its first heading')
  })

  it('has the same anchors as on the code host', () => {
    const slug = createSlugger()
    expect(["What's new, and `why`?", 'A b', 'A b', 'Rows – 95 %'].map(slug)).toEqual(['whats-new-and-why', 'a-b', 'a-b-1', 'rows--95-'])
  })
})
