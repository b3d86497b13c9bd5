import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')

interface Planted {
  path: string
  imports: string[]
}

/** Creates files with these imports, one per line; answers `path:line rule` for each finding of the linter. */
const lint = (planted: Planted[]): string[] => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'watcher-boundaries-')))
  try {
    const config = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, $schema: undefined, vcs: { enabled: false } }))
    for (const { path, imports } of planted) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), `${imports.map((name, index) => `export * as planted${index} from '${name}'`).join('\n')}\n`)
    }
    const { stdout, stderr } = spawnSync(process.execPath, [BIOME, 'lint', '--reporter=github', '--max-diagnostics=none'], {
      cwd: folder,
      encoding: 'utf8',
    })
    const findings = (stdout + stderr).matchAll(/^::error title=([\w/]+),file=([^,]+),line=(\d+),/gm)
    return [...findings].map(([, rule, path = '', line]) => `${relative(folder, path)}:${line} ${rule}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A file of each folder, and imports that it must not have. */
const FORBIDDEN: [path: string, imports: string[]][] = [
  ['src/planted.ts', ['pg', './tools/migrate.ts', '../test/support/api.ts']],
  ['src/core/planted.ts', ['../db/client.ts', '../env.ts', '../http/router.ts']],
  ['src/db/planted.ts', ['../http/router.ts', '../env.ts', '../jobs/table.ts', '../features/pipelines/table.ts', '../dev/postgres.ts']],
  ['src/http/planted.ts', ['../jobs/record.ts', '../tracing/trace.ts', '../features/feature.ts', '../pages/frame/page.tsx', '../app.ts']],
  ['src/tracing/planted.ts', ['../jobs/run.ts', '../features/index.ts', '../notifications/alert.ts']],
  [
    'src/jobs/planted.ts',
    ['../notifications/deliver.ts', '../incidents/table.ts', '../features/index.ts', '../checks/index.ts', '../house.ts', 'pg'],
  ],
  ['src/notifications/planted.ts', ['../checks/index.ts', '../features/monitoring/queries.ts', '../pages/index.ts']],
  [
    'src/incidents/planted.ts',
    ['../checks/index.ts', '../features/executions/start.ts', '../features/index.ts', '../pages/index.ts', 'pg'],
  ],
  ['src/ingest/ping/routes.ts', ['../../pages/index.ts', '../../house.ts', '../openlineage/table.ts', 'pg']],
  ['src/pages/overview/planted.ts', ['../../ingest/ping/table.ts']],
  ['src/notifications/channels/planted.ts', ['../../checks/index.ts', '../../features/monitoring/queries.ts']],
  ['src/features/planted.ts', ['../checks/index.ts', '../pages/index.ts', '../ingest/index.ts', '../app.ts']],
  [
    'src/features/pipelines/routes.ts',
    [
      '../executions/start.ts',
      '../executions/index.ts',
      '../monitoring/queries.ts',
      '../../checks/check.ts',
      '../../pages/frame/page.tsx',
      '../../app.ts',
      '../../house.ts',
      '../index.ts',
      'pg',
      '../../../test/support/api.ts',
    ],
  ],
  [
    'src/features/pipelines/queries.ts',
    [
      './routes.ts',
      '../../http/router.ts',
      '../executions/start.ts',
      'hono',
      'pg',
      '../../../test/support/api.ts',
      '../../checks/index.ts',
    ],
  ],
  ['src/features/pipelines/table.ts', ['./routes.ts', 'pg', '../executions/start.ts', '../../../test/support/api.ts']],
  ['src/features/lineage/closure.ts', ['./routes.ts', 'pg', '../executions/start.ts', '../../../test/support/api.ts']],
  ['src/features/index.ts', ['./pipelines/routes.ts', '../checks/index.ts']],
  ['src/checks/planted.ts', ['../pages/index.ts', '../features/executions/start.ts', '../app.ts']],
  ['src/checks/index.ts', ['./timeliness/check.ts', './anomalies/detection.ts']],
  [
    'src/checks/timeliness/check.ts',
    [
      '../anomalies/detection.ts',
      '../../features/executions/end.ts',
      '../../pages/frame/page.tsx',
      './routes.ts',
      '../../http/router.ts',
      'pg',
    ],
  ],
  ['src/checks/timeliness/routes.ts', ['../freshness/queries.ts', '../../features/monitoring/queries.ts', '../../app.ts']],
  ['src/pages/index.ts', ['./overview/routes.ts', '../app.ts']],
  [
    'src/pages/overview/page.tsx',
    ['../reporting/queries.ts', '../../checks/anomalies/detection.ts', '../../features/executions/start.ts', '../../app.ts', 'pg'],
  ],
  [
    'src/pages/overview/queries.ts',
    ['./page.tsx', '../lineage-graph/queries.ts', '../../checks/anomalies/detection.ts', '../../http/router.ts'],
  ],
  ['src/pages/overview/script.ts', ['./queries.ts', '../../core/json.ts', '../frame/elements.tsx', '../reporting/shape.ts']],
  ['src/pages/frame/browser/planted.ts', ['../elements.tsx', '../../../core/json.ts']],
  [
    'src/pages/pipeline/browser/planted.ts',
    ['../page.tsx', '../queries.ts', '../../../core/json.ts', '../../frame/elements.tsx', '../../reporting/shape.ts'],
  ],
  ['src/tools/planted.ts', ['../../test/support/api.ts']],
  ['src/server/planted.ts', ['../../test/support/api.ts']],
  ['src/dev/planted.ts', ['../../test/support/api.ts']],
  ['src/demo/planted.ts', ['../../test/support/api.ts']],
]

describe('the linter', () => {
  const found = lint(FORBIDDEN.map(([path, imports]) => ({ path, imports })))

  it.each(FORBIDDEN)('refuses what %s must not import', (path, imports) => {
    const refused = found.filter((finding) => finding.startsWith(`${path}:`) && finding.endsWith('noRestrictedImports'))
    expect(new Set(refused)).toEqual(new Set(imports.map((_, index) => `${path}:${index + 1} lint/style/noRestrictedImports`)))
  })

  it('allows imports from lower layers', () => {
    expect(
      lint([
        {
          path: 'src/features/executions/queries.ts',
          imports: ['../pipelines/table.ts', '../addresses/name-parts.ts', '../../db/rows.ts', '../../http/paging.ts'],
        },
        { path: 'src/features/executions/routes.ts', imports: ['./start.ts', '../pipelines/schemas.ts', '../../http/router.ts'] },
        {
          path: 'src/checks/timeliness/check.ts',
          imports: ['../check.ts', '../sweep.ts', '../../features/executions/table.ts', '../freshness/table.ts'],
        },
        {
          path: 'src/pages/monitoring/routes.ts',
          imports: ['../../features/monitoring/queries.ts', '../frame/page.tsx', '../../checks/index.ts'],
        },
        { path: 'src/pages/pipeline/script.ts', imports: ['./shape.ts', '../frame/browser/chart.ts', '../../core/figures.ts', 'uplot'] },
      ]),
    ).toEqual([])
  })

  it('refuses modules of Node in code that runs in workerd', () => {
    const paths = ['src/core/x.ts', 'src/http/x.ts', 'src/features/pipelines/queries.ts', 'src/pages/overview/page.tsx', 'src/checks/x.ts']
    expect(lint(paths.map((path) => ({ path, imports: ['node:fs'] }))).sort()).toEqual(
      paths.map((path) => `${path}:1 lint/correctness/noNodejsModules`).sort(),
    )
  })

  it('has a rule for every folder of src', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const held = new Set(FORBIDDEN.map(([path]) => path.split('/')[1]))
    // The guides in docs/ are Markdown, not code.
    expect(folders.map(({ name }) => name).filter((name) => !held.has(name) && name !== 'docs')).toEqual([])
  })
})

describe('the files of src', () => {
  it('have at most 250 lines, except generated files and styles', () => {
    const long = globSync('src/**/*.{ts,tsx,js,sql}', { cwd: ROOT })
      .filter((path) => path !== 'src/bindings.d.ts')
      .map((path) => [path, readFileSync(join(ROOT, path), 'utf8').trimEnd().split('\n').length] as const)
      .filter(([, lines]) => lines > 250)
    expect(long).toEqual([])
  })

  it('export their feature, check or page in an index.ts', () => {
    for (const list of ['features', 'checks', 'pages']) {
      const folders = readdirSync(join(ROOT, 'src', list), { withFileTypes: true }).filter((entry) => entry.isDirectory())
      for (const { name } of folders) {
        // The frame belongs to all pages, and the guides are static files (tools/docs.ts).
        if (list === 'pages' && ['frame', 'docs'].includes(name)) continue
        expect(readFileSync(join(ROOT, 'src', list, 'index.ts'), 'utf8'), `${list}/${name}`).toContain(`'./${name}/index.ts'`)
      }
    }
  })
})
