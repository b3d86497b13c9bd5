import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

/** What is read of /openapi.json. */
export interface ApiDocument {
  paths: Record<string, Record<string, { operationId: string }>>
  components: { schemas: Record<string, { enum?: string[] }> }
}

export interface Service {
  url: string
  token: string
}

/** A generator of clients. It works in the folder, which holds the document as openapi.json. */
export interface Generator {
  name: string
  /** false where the registry cannot be reached. */
  install: (folder: string) => boolean
  /** Throws where the generator fails or warns. */
  generate: (folder: string) => void
  /** Throws where the client's names are not those of the document. */
  checkNames: (folder: string, document: ApiDocument) => void
  /** Runs the client's drive, which throws where an answer is not as expected. */
  drive: (folder: string, service: Service) => Promise<void>
}

export const operationsOf = ({ paths }: ApiDocument): string[] =>
  Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))

export const enumsOf = ({ components }: ApiDocument): [name: string, values: string[]][] =>
  Object.entries(components.schemas).flatMap(([name, schema]) => (schema.enum ? [[name, schema.enum] as [string, string[]]] : []))

/** Runs a generator. Whatever it writes to stderr, and whatever it calls a warning, is a fault. */
export const runQuietly = (folder: string, program: string, options: string[], environment: Record<string, string> = {}): void => {
  const { status, stdout, stderr, error } = spawnSync(program, options, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...environment },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error) throw error
  if (status !== 0 || stderr !== '' || /warn/i.test(stdout)) throw new Error(`${options.join(' ')} printed:\n${stdout}${stderr}`)
}

export const assertSame = (actual: string[], expected: string[], what: string): void =>
  assert.deepEqual(actual.toSorted(), expected.toSorted(), what)

/** The first group of every match. */
export const everyMatch = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, group = '']) => group)
