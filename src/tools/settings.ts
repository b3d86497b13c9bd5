import { createServer } from 'node:net'
import { SETTING_NAMES } from '../env.ts'
import { ProgramFailure } from './failure.ts'

/**
 * The worker's settings among our own environment variables, also those with the prefix of `state`. The database is left out,
 * because the worker reaches it through our endpoint.
 */
export const settingsIn = (variables: Record<string, string | undefined>, state: string): Record<string, string> => {
  const names = SETTING_NAMES.flatMap((name) => [name, `${state.toUpperCase()}_${name}`])
  const given = names.flatMap((name) => {
    const value = variables[name]
    return value === undefined || name.endsWith('DATABASE_URL') || name.endsWith('NEON_FETCH_ENDPOINT') ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(given), ENV_STATE: state }
}

/** The port of the API if PORT is not set. */
export const DEFAULT_PORT = 8787

/** Reads PORT. Throws ProgramFailure if it is not a port number or not free; the message names `script` as the command to repeat. */
export const readPort = async (script: 'dev' | 'start', host = '127.0.0.1'): Promise<number> => {
  const [unknown] = process.argv.slice(2)
  if (unknown !== undefined) throw new ProgramFailure(`${unknown} is no option. For another port: PORT=8788 npm run ${script}`)
  const port = Number(process.env.PORT ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new ProgramFailure(`PORT=${process.env.PORT} is not a port number`)
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => reject(new ProgramFailure(wordFault(error, port, script))))
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
  return port
}

const wordFault = ({ code }: NodeJS.ErrnoException, port: number, script: string): string =>
  code === 'EADDRINUSE'
    ? `port ${port} is in use: stop the program that uses it, or choose another port: PORT=${port + 1} npm run ${script}`
    : `port ${port} cannot be used (${code}): choose another port: PORT=8787 npm run ${script}`
