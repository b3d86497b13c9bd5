/** A failure that the user of a command can mend: the command prints its message, one sentence, without a stack trace. */
export class ProgramFailure extends Error {}

/** Runs a command-line program. Any error ends it with exit code 1: a ProgramFailure with its message, others with their stack trace. */
export const runProgram = async (program: () => Promise<void>): Promise<void> => {
  try {
    await program()
  } catch (error) {
    console.error(error instanceof ProgramFailure ? `watcher: ${error.message}` : error)
    process.exit(1)
  }
}
