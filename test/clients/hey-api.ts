import { assertSame, everyMatch, type Generator, operationsOf } from './generator.ts'
import { assertEnumsOnce, driveTypeScript, readGenerated, runPackage } from './typescript.ts'

const toCamelCase = (operationId: string): string => operationId.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

export const heyApi: Generator = {
  name: '@hey-api/openapi-ts',
  install: () => true,
  generate: (folder) => runPackage(folder, '@hey-api/openapi-ts/bin/run.js', ['--input', 'openapi.json', '--output', 'hey-api']),
  checkNames: (folder, document) => {
    const functions = everyMatch(readGenerated(folder, 'hey-api/sdk.gen.ts'), /^export const (\w+) = </gm)
    assertSame(functions, operationsOf(document).map(toCamelCase), 'functions')
    assertEnumsOnce(readGenerated(folder, 'hey-api/types.gen.ts'), document)
  },
  drive: (folder, service) => driveTypeScript(folder, 'hey-api', service),
}
