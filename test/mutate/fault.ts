/** A mistake somebody could make, put into one file, and the tests that must notice it. */
export interface Fault {
  /** What goes wrong, for the report. */
  what: string
  /** The file, from the top of the checkout. */
  file: string
  /** Occurs exactly once in the file. */
  text: string
  replacement: string
  /** The test files to run. */
  tests: string[]
  /** Only the tests with names that match this pattern. */
  only?: string | undefined
  /** Why no test can notice it. */
  survives?: string | undefined
}

type Details = Pick<Fault, 'only' | 'survives'> & { tests?: string[] }

/** Faults of one file; each is `[what, text, replacement, details]`. */
export const faultsIn = (
  file: string,
  tests: string[],
  faults: [what: string, text: string, replacement: string, details?: Details][],
): Fault[] => faults.map(([what, text, replacement, details]) => ({ what, file, text, replacement, tests, ...details }))
