import 'vitest'

/** What node/database.ts hands to the test files. */
declare module 'vitest' {
  interface ProvidedContext {
    endpointUrl: string
    /** The server's maintenance database; each test file makes its own from `templateDatabase`. */
    databaseUrl: string
    templateDatabase: string
  }
}
