import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { assertSame, enumsOf, everyMatch, type Generator, operationsOf, runQuietly } from './generator.ts'

const PACKAGE = 'openapi-python-client==0.29.1'

const programIn = (folder: string, name: string): string => join(folder, 'venv', 'bin', name)

export const openapiPythonClient: Generator = {
  name: 'openapi-python-client',
  install: (folder) => {
    execFileSync(process.env.PYTHON ?? 'python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'inherit' })
    const options = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries=1', PACKAGE]
    const { status, stderr } = spawnSync(programIn(folder, 'python'), options, { encoding: 'utf8' })
    // Where pip gets no answer, it knows of no version at all.
    if (status !== 0 && !stderr.includes('from versions: none')) throw new Error(`pip printed:\n${stderr}`)
    return status === 0
  },
  generate: (folder) =>
    runQuietly(
      folder,
      programIn(folder, 'openapi-python-client'),
      ['generate', '--fail-on-warning', '--path=openapi.json', '--meta=none', '--output-path=watcher_client'],
      { PATH: `${join(folder, 'venv', 'bin')}:${process.env.PATH}` }, // it formats what it writes with ruff
    ),
  checkNames: (folder, document) => {
    const modules = globSync(join(folder, 'watcher_client/api/*/*.py')).map((path) => basename(path, '.py'))
    assertSame(
      modules.filter((name) => name !== '__init__'),
      operationsOf(document),
      'functions',
    )
    const models = globSync(join(folder, 'watcher_client/models/*.py'))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    assertSame(everyMatch(models, /^class (\w+)/gm), Object.keys(document.components.schemas), 'classes')
    const enums = enumsOf(document).map(([name]) => name)
    assertSame(everyMatch(models, /^class (\w+)\(StrEnum\)/gm), enums, 'classes of values')
  },
  drive: async (folder, { url, token }) => {
    execFileSync(programIn(folder, 'python'), [join(import.meta.dirname, 'drives/openapi_python_client.py')], {
      env: { ...process.env, PYTHONPATH: folder, WATCHER_URL: url, WATCHER_TOKEN: token },
      stdio: 'inherit',
    })
  },
}
