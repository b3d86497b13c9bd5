import { assertSame, everyMatch, type Generator, operationsOf } from './generator.ts'
import { assertEnumsOnce, driveTypeScript, readGenerated, runPackage } from './typescript.ts'

/** openapi-typescript makes the types, openapi-fetch makes the calls. */
export const openapiFetch: Generator = {
  name: 'openapi-typescript',
  install: () => true,
  generate: (folder) => runPackage(folder, 'openapi-typescript/bin/cli.js', ['openapi.json', '--output', 'schema.ts']),
  checkNames: (folder, document) => {
    const source = readGenerated(folder, 'schema.ts')
    const [, operations = ''] = source.split('export interface operations {')
    assertSame(everyMatch(operations, /^ {4}(\w+): \{$/gm), operationsOf(document), 'operations')
    assertEnumsOnce(source, document)
  },
  drive: (folder, service) => driveTypeScript(folder, 'openapi-fetch', service),
}
