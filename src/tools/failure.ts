/** A failure the person at the terminal can mend: shown as its one sentence, without a stack trace. */
export class ProgramFailure extends Error {}

/** Runs a command-line program: a ProgramFailure ends it with its sentence, anything else with its stack. */
export const runProgram = async (program: () => Promise<void>): Promise<void> => {
  try {
    await program()
  } catch (error) {
    console.error(error instanceof ProgramFailure ? `watcher: ${error.message}` : error)
    process.exit(1)
  }
}
