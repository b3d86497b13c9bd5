import { createServer } from 'node:net'
import { SETTING_NAMES } from '../env.ts'
import { ProgramFailure } from './failure.ts'

/**
 * The worker's settings among our own environment variables, prefixed ones included; the database is not among them:
 * the worker reaches it by our endpoint.
 */
export const settingsIn = (variables: Record<string, string | undefined>, state: string): Record<string, string> => {
  const names = SETTING_NAMES.flatMap((name) => [name, `${state.toUpperCase()}_${name}`])
  const given = names.flatMap((name) => {
    const value = variables[name]
    return value === undefined || name.endsWith('DATABASE_URL') || name.endsWith('NEON_FETCH_ENDPOINT') ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(given), ENV_STATE: state }
}

/** Where the API is served if nothing else is said. */
export const DEFAULT_PORT = 8787

/** PORT, 8787 where it is not set. Throws ProgramFailure where it is none, or not free; `script` is what to start again. */
export const readPort = async (script: 'dev' | 'start', host = '127.0.0.1'): Promise<number> => {
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
    ? `port ${port} is in use: stop what listens there, or take another: PORT=${port + 1} npm run ${script}`
    : `port ${port} cannot be used (${code}): take another: PORT=8787 npm run ${script}`
