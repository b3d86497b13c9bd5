import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { ROOT } from '../support/node/guides.ts'
import { type ApiDocument, enumsOf, everyMatch, runQuietly, type Service } from './generator.ts'

/** What both TypeScript clients share. The generators need TypeScript 5: that of the project has no compiler API. */
const PACKAGES = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', '@hey-api/openapi-ts@0.99.0', 'typescript@5.9.3']

export const installTypeScriptGenerators = (folder: string): void => {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const options = ['--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['install', '--prefix', folder, ...options, ...PACKAGES], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

export const runPackage = (folder: string, file: string, options: string[]): void =>
  runQuietly(folder, process.execPath, [join(folder, 'node_modules', file), ...options])

/** Each list of values is written once, as the type of its name. */
export const assertEnumsOnce = (source: string, document: ApiDocument): void => {
  for (const [name, values] of enumsOf(document)) {
    const union = values.map((value) => `["']${value}["']`).join(' \\| ')
    const names = everyMatch(source, new RegExp(`(\\w+)\\??(?: =|:) ${union}`, 'g'))
    assert.deepEqual(names, [name])
  }
}

export const readGenerated = (folder: string, file: string): string => readFileSync(join(folder, file), 'utf8')

/** The types of a drive and of the client it calls, with the project's compiler and its options; then the drive itself. */
export const driveTypeScript = async (folder: string, name: string, { url, token }: Service): Promise<void> => {
  copyFileSync(join(import.meta.dirname, 'drives', `${name}.ts`), join(folder, `drive-${name}.ts`))
  const compilerOptions = { lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] }
  const settings = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [`drive-${name}.ts`], exclude: [] }
  writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify(settings))
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(folder, `tsconfig.${name}.json`)], {
    stdio: 'inherit',
  })
  const outfile = join(folder, `drive-${name}.mjs`)
  await build({ entryPoints: [join(folder, `drive-${name}.ts`)], outfile, bundle: true, platform: 'node', format: 'esm' })
  const { drive } = (await import(pathToFileURL(outfile).href)) as { drive: (url: string, token: string) => Promise<void> }
  await drive(url, token)
}
