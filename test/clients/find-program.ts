import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program by one of its names: in the folder, or, if none is given, in PATH. undefined where it is not. */
export const findProgram = (folder: string | undefined, ...names: string[]): string | undefined => {
  const folders = folder ? [folder] : (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((each) => names.map((name) => join(each, name))).find((path) => existsSync(path))
}
